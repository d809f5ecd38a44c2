"""A bucket as a place of named files, through boto3. Every verb waits, so all are called in threads."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config as Botocore
from botocore.exceptions import BotoCoreError, ClientError

from hutch.places.errors import PlaceError
from hutch.places.folder import CHUNK


class Access(Protocol):
    """The bucket, and how it is reached: :class:`hutch.places.Where` is one."""

    @property
    def to(self) -> str:
        """``s3://BUCKET/PREFIX``."""

    @property
    def region(self) -> str:
        """Such as eu-central-1; empty: the machine's own."""

    @property
    def endpoint(self) -> str:
        """Another address of S3; empty: Amazon's own."""

    @property
    def access_key_id(self) -> str:
        """Empty: the machine's own."""

    @property
    def secret_access_key(self) -> str:
        """The secret of that key."""


PART_SIZE = 16 * 1024 * 1024
"""Bytes of one part of a large upload: 10,000 parts of it are 160 GB, and s3transfer makes them larger as needed."""
BATCH = 1000
"""Objects that S3 deletes in one call."""
RIGHTS = {
    "list": "s3:ListBucket and s3:ListBucketMultipartUploads",
    "read": "s3:GetObject",
    "write": "s3:PutObject",
    "delete": "s3:DeleteObject and s3:AbortMultipartUpload",
}
"""What a policy must allow for each verb."""
MISSING = ("NoSuchKey", "404", "NotFound")


class Bucket:
    """A prefix in a bucket. The client is made at the first call; boto3's may be used by several threads."""

    def __init__(self, config: Access) -> None:
        self._config = config
        self._bucket, _, prefix = config.to.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._made: Any = None
        self.name = config.to

    def folders(self, prefix: str) -> list[str]:
        """Common prefixes, and those of uploads that were begun and never ended."""
        base = self._key(f"{prefix}/")
        with self._said("list", prefix):
            pages = (
                self._client()
                .get_paginator("list_objects_v2")
                .paginate(Bucket=self._bucket, Prefix=base, Delimiter="/")
            )
            whole = {p["Prefix"] for page in pages for p in page.get("CommonPrefixes", ())}
            begun = {key for key, _ in self._uploads(base)}
        return sorted({key.removeprefix(base).partition("/")[0] for key in whole | begun})

    def sizes(self, prefix: str) -> dict[str, int]:
        """Objects with their sizes."""
        base = self._key(f"{prefix}/")
        with self._said("list", prefix):
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=base)
            return {o["Key"].removeprefix(base): int(o["Size"]) for page in pages for o in page.get("Contents", ())}

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """One object, in parts where it is large; S3 shows it only whole."""
        with self._said("write", name):
            how = TransferConfig(multipart_chunksize=PART_SIZE, multipart_threshold=PART_SIZE, max_concurrency=4)
            self._client().upload_fileobj(_Reader(chunks), self._bucket, self._key(name), Config=how)

    def read(self, name: str) -> Iterator[bytes]:
        """Chunk by chunk."""
        with self._said("read", name):
            try:
                body = self._client().get_object(Bucket=self._bucket, Key=self._key(name))["Body"]
            except ClientError as error:
                if _code(error) in MISSING:
                    raise FileNotFoundError(name) from None
                raise
            yield from body.iter_chunks(CHUNK)

    def remove(self, prefix: str, first: str = "") -> None:
        """All objects, and uploads that were begun."""
        base = self._key(f"{prefix}/")
        names = [self._key(f"{prefix}/{name}") for name in self.sizes(prefix) if name != first]
        with self._said("delete", prefix):
            if first:
                self._client().delete_object(Bucket=self._bucket, Key=self._key(f"{prefix}/{first}"))
            for at in range(0, len(names), BATCH):
                asked = {"Objects": [{"Key": n} for n in names[at : at + BATCH]], "Quiet": True}
                failed = self._client().delete_objects(Bucket=self._bucket, Delete=asked).get("Errors", [])
                if failed:
                    raise PlaceError(f"{self.name} keeps {failed[0]['Key']}: {failed[0].get('Code', 'error')}")
            for key, upload in self._uploads(base):
                self._client().abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)

    def _uploads(self, base: str) -> list[tuple[str, str]]:
        pages = self._client().get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=base)
        return [(u["Key"], u["UploadId"]) for page in pages for u in page.get("Uploads", ())]

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _client(self) -> Any:
        if self._made is None:
            config = self._config
            own = {"aws_access_key_id": config.access_key_id, "aws_secret_access_key": config.secret_access_key}
            limits = Botocore(
                connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4}
            )
            session = boto3.session.Session(region_name=config.region or None, **(own if config.access_key_id else {}))
            self._made = session.client("s3", endpoint_url=config.endpoint or None, config=limits)
        return self._made

    @contextmanager
    def _said(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            right = f": the key needs {RIGHTS[verb]}" if _code(error).startswith("AccessDenied") else ""
            raise PlaceError(f"cannot {verb} {self.name}/{name}: S3 says {_code(error)}{right}") from None
        except (BotoCoreError, Boto3Error) as error:
            raise PlaceError(f"cannot {verb} {self.name}/{name}: {type(error).__name__}", passing=True) from None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "error"))


class _Reader(io.RawIOBase):
    """Chunks as the file that boto3 reads. An error of theirs comes out of ``read``."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._left = bytearray()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._left += chunk
        end = len(self._left) if size < 0 else size
        piece, self._left = bytes(self._left[:end]), self._left[end:]
        return piece
