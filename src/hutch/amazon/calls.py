"""One call of AWS at a time, in a thread, its errors classified: boto3 waits, and AWS throttles by the second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config as Botocore
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from hutch.amazon.keys import Keys, Place
from hutch.remote import Refused, Silent

READ_ATTEMPTS = 3
"""A read is tried as often, with growing waits, as AWS documents; a change once."""

UNSENT = (
    EndpointConnectionError,
    ConnectTimeoutError,
    ProxyConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)
"""Ends after which nothing can have been done: the request did not go out."""

RIGHTS = {
    "rds:DescribeDbInstances": "rds:DescribeDBInstances",
    "rds:ModifyDbInstance": "rds:ModifyDBInstance",
    "s3:ListObjectsV2": "s3:ListBucket",
}
"""The right that a call needs, where IAM writes it in another way than the call's own name."""
SAYS_NOTHING = {"s3:GetBucketVersioning"}
"""Calls whose answer may be empty: it says that nothing was ever set."""
FRAME = {"ResponseMetadata", "body"}
"""What boto3 gives of an answer that it can't read."""
TEMPORARY = ("Throttl", "TooManyRequests", "ServiceUnavailable", "LimitExceeded", "SlowDown")
DENIED = ("AccessDenied", "Unauthorized")
WRONG_KEY = (
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
)
SERVER_ERROR = 500


class Calls:
    """The calls of one key. The session is made at the first; what is asked is a value, what comes back AWS' own."""

    def __init__(self, place: Place, keys: Keys, *, changes: bool = False) -> None:
        self._config, self._keys, self._changes = place, keys, changes
        self._clients: dict[str, Any] = {}
        self._turn = asyncio.Lock()

    async def __call__(self, service: str, verb: str, /, **asked: object) -> Mapping[str, Any]:
        """The answer to ``verb`` of an AWS service. Raises :class:`Refused` or :class:`Silent`, which name the
        verb and never a key."""
        name = right_for(service, verb)
        async with self._turn:
            try:
                answer: Mapping[str, Any] = await asyncio.to_thread(self._ask, service, verb, asked)
            except ClientError as error:
                raise self._told(name, error) from None
            except UNSENT as error:
                raise Silent(f"{name}: AWS can't be asked: {type(error).__name__}", sent=False) from None
            except (BotoCoreError, OSError) as error:
                said = f"{name}: no whole answer within {self._config.timeout:g} s: {type(error).__name__}"
                raise Silent(said, sent=True) from None
        if not answer.keys() - FRAME and name not in SAYS_NOTHING:
            raise Silent(f"{name}: no whole answer: it is not of the expected form", sent=True)
        return answer

    def _told(self, name: str, error: ClientError) -> Refused | Silent:
        code = str(error.response.get("Error", {}).get("Code", "error"))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code.startswith(TEMPORARY):
            return Refused(f"{name}: AWS asks to call later ({code})", recoverable=True)
        if status >= SERVER_ERROR:
            return Silent(f"{name}: AWS answers {status} ({code})", sent=True)
        if code.startswith(DENIED):
            return Refused(f"{name}: the key has not the right to it ({code})")
        if code.startswith(WRONG_KEY):
            return Refused(f"{name}: the key is wrong, or has expired ({code})")
        return Refused(f"{name}: {code}{_why(error)}")

    def _ask(self, service: str, verb: str, asked: Mapping[str, object]) -> Mapping[str, Any]:
        if service not in self._clients:
            self._clients[service] = self._opened(service)
        call = getattr(self._clients[service], verb)
        with formed(right_for(service, verb)):
            found: Mapping[str, Any] = call(**asked)
        return found

    def _opened(self, service: str) -> Any:
        config, keys = self._config, self._keys
        own = {"aws_access_key_id": keys.id, "aws_secret_access_key": keys.secret} if keys.id else {}
        session = boto3.session.Session(region_name=config.region, **own)
        limits = Botocore(
            connect_timeout=config.timeout,
            read_timeout=config.timeout,
            retries={"total_max_attempts": 1 if self._changes else READ_ATTEMPTS, "mode": "standard"},
        )
        return session.client(service, endpoint_url=config.endpoint or None, config=limits)


@contextmanager
def formed(name: str) -> Iterator[None]:
    """Where an answer is read that need not be what was asked for: boto3 too takes its form for granted."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise Silent(f"{name}: no whole answer: it is not of the expected form", sent=True) from None


def right_for(service: str, verb: str) -> str:
    """What a policy must allow for this call.

    >>> right_for("rds", "modify_db_instance"), right_for("s3", "list_objects_v2")
    ('rds:ModifyDBInstance', 's3:ListBucket')
    """
    name = f"{service}:{''.join(word.capitalize() for word in verb.split('_'))}"
    return RIGHTS.get(name, name)


def _why(error: ClientError) -> str:
    """What AWS says besides, where that holds no key: of a signature or token it shows parts of the request."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", ""))
    hidden = any(word in code for word in ("Signature", "Token", "UnrecognizedClient", "Credential"))
    return "" if hidden or not said else f": {said[:300]}"
