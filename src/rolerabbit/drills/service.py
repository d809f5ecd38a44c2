"""The running platform and its service, as the ready file tells where they are."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from rolerabbit.drills.errors import FaultError, Refused
from rolerabbit.platform.client import Client, ClientError

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS: Final = 5
REQUEST_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.05
ROUNDS: Final = 2
"""Answers of each replica, on the average, before the service counts as well."""
LOGINS: Final[Mapping[str, str]] = {
    "superuser": "database_url",
    "app": "app_database_url",
    "owner": "owner_url",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered; status 0 where no answer came."""

    status: int
    json: Any = None


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that a fault reaches. The addresses hold passwords and stay out of the representation."""

    app_url: str
    data_dir: Path
    platform: Client = field(repr=False)
    ready: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of_ready_file(cls, path: Path) -> Service:
        """As the ready file says. FaultError where it is not there or isn't one."""
        try:
            ready = json.loads(path.read_text(encoding="utf-8"))
            return cls(ready["app_url"], Path(ready["data_dir"]), Client(ready["api_url"], ready["token"]), ready)
        except FileNotFoundError as error:
            raise FaultError(f"{path} is not there: start the platform, or name its ready file") from error
        except (ValueError, KeyError, TypeError) as error:
            raise FaultError(f"{path} is no ready file of the platform: {error!r}") from error

    def url(self, name: str) -> str:
        """An address of the ready file. FaultError where the platform has none of that name."""
        found = self.ready.get(name)
        if not found:
            raise FaultError(f"the ready file has no {name}: this platform is too old for the fault")
        return str(found)

    def connect(self, login: str, application: str) -> Connection:
        """An autocommit session of that login (`superuser`, `app`, `owner`), called ``application``."""
        return psycopg.connect(
            self.url(LOGINS[login]),
            autocommit=True,
            application_name=application,
            connect_timeout=CONNECT_SECONDS,
            prepare_threshold=None,
        )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one query by the superuser, on a session of its own."""
        with self.connect("superuser", "rolerabbit-fault") as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def ask(
        self, method: str, path: str, body: object = None, *, token: str = "", address: str = "", seconds: float = 0.0
    ) -> Answer:
        """One request to the service, as from ``address`` behind the trusted proxy."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"X-Forwarded-For": address} if address else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.app_url + path, data, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=seconds or REQUEST_SECONDS) as answer:  # noqa: S310
                return Answer(answer.status, _json(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _json(error.read()))
        except (OSError, http.client.HTTPException):
            return Answer(0)

    def status(self) -> Mapping[str, Any]:
        """The platform's word on its replicas and releases."""
        found: Mapping[str, Any] = self.platform.get("/status")
        return found

    def illness(self) -> str:
        """What is wrong with the service now; empty when it is well."""
        health = self.ask("GET", "/api/health", seconds=5.0)
        if health.status != 200:
            return f"GET /api/health answers {health.status or 'nothing'}"
        if isinstance(health.json, dict) and health.json.get("status") != "ok":
            return f"GET /api/health says {health.json}"
        try:
            states = [replica["state"] for replica in self.status()["replicas"]]
        except ClientError as error:
            return str(error)
        return "" if states and set(states) == {"ready"} else f"replicas are {', '.join(states) or 'missing'}"

    def check_well(self, seconds: float = 0.0) -> None:
        """Refused unless the service is well, at the latest after ``seconds``: each replica knows for itself whether
        its cache answers, so as many answers in a row must say so as make each of them heard."""
        deadline = time.monotonic() + seconds
        heard, enough = 0, ROUNDS * self._replicas()
        while heard < enough:
            heard = 0 if (ill := self.illness()) else heard + 1
            if ill and time.monotonic() >= deadline:
                raise Refused(f"the service is ill already ({ill}): a fault would prove nothing. Make it well first")
            if ill:
                time.sleep(POLL_SECONDS * 4)

    def _replicas(self) -> int:
        try:
            return max(len(self.status()["replicas"]), 1)
        except ClientError:
            return 1


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Poll until it holds; FaultError naming ``what`` when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise FaultError(f"after {seconds:g} s still not so: {what}")
        time.sleep(POLL_SECONDS)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
