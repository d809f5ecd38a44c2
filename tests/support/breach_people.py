"""People at RoleRabbit while a breach is led: members who know what they were told is kept, and a thief who has taken
tokens of some of them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rolerabbit.drills.service import Answer, Service
from rolerabbit.platform.client import Client

PASSWORD = "a long password"
THIEF = "198.19.7.7"
EXPORT = "/api/account/export"
PAUSE = 1.0
"""Seconds between two things that one of them does."""

LOG_IN_WITHIN = 60.0


def service_of(ready: dict[str, Any]) -> Service:
    return Service(ready["app_url"], Path(ready["data_dir"]), Client(ready["api_url"], ready["token"]), ready)


def events_of(folder: Path, incident: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Number, kind and data of every event of the incident, read past Hutch."""
    with contextlib.closing(sqlite3.connect(f"file:{folder}/.hutch/hutch.db?mode=ro", uri=True)) as store:
        query = "select seq, kind, data from events where stream = ? order by seq"
        return [(seq, kind, json.loads(data)) for seq, kind, data in store.execute(query, [f"incident:{incident}"])]


@dataclass
class Member:
    """Reads and writes what is theirs, and logs in again where their session has ended."""

    service: Service
    number: int
    token: str = ""
    id: str = ""
    profile: dict[str, str] = field(default_factory=dict)
    doubtful: list[dict[str, str]] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    lost: list[datetime] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was read and is not what was written."""
    answers: Counter[int] = field(default_factory=Counter)
    turn: int = 0

    @property
    def email(self) -> str:
        return f"member-{self.number}@example.com"

    @property
    def address(self) -> str:
        return f"198.18.250.{self.number}"

    def arrive(self) -> None:
        account = {"email": self.email, "password": PASSWORD}
        assert self._send("POST", "/api/auth/register", account).status == 201
        self._log_in()
        self.id = str(self._send("GET", "/api/auth/me").json["id"])
        for act in (self._write, self._make):
            act()
        assert not self.failed, self.failed

    def act(self) -> None:
        """The next thing."""
        acts = (self._read, self._write, self._read, self._make)
        acts[self.turn % len(acts)]()
        self.turn += 1

    def unchanged(self) -> bool:
        """Whether all that they were told is kept is there, and nothing else; where no answer came both may be so."""
        for _ in range(10):  # a busy service is asked again
            answer = self._ask("GET", "/api/account/profile")
            if answer.status == 200:
                break
            time.sleep(PAUSE)
        own = self._portfolios()
        profile = answer.status == 200 and answer.json in (self.profile, *self.doubtful)
        return bool(profile and own >= self.kept)

    def _portfolios(self) -> set[str]:
        rows = self.service.rows("SELECT id::text FROM portfolios WHERE user_id = %s AND deleted_at IS NULL", self.id)
        return {str(row[0]) for row in rows}

    def _read(self) -> None:
        answer = self._ask("GET", "/api/account/profile")
        if answer.status == 200 and answer.json not in (self.profile, *self.doubtful):
            self.wrong.append(f"{self.email} reads {answer.json}, wrote {self.profile}")

    def _write(self) -> None:
        wanted = {"phone": f"{self.number}-{self.turn}", "address": f"Elm Street {self.turn}"}
        answer = self._ask("PUT", "/api/account/profile", wanted)
        if answer.status == 204:
            self.profile, self.doubtful = wanted, []
        elif answer.status != 401:
            self.doubtful.append(wanted)

    def _make(self) -> None:
        body = {"title": "Of mine", "content": "…", "subdomain": f"member-{self.number}-{time.time_ns():x}"}
        answer = self._ask("POST", "/api/portfolios", body)
        if answer.status == 201:
            self.kept.add(str(answer.json["id"]))

    def _ask(self, method: str, path: str, body: object = None) -> Answer:
        answer = self._send(method, path, body)
        if answer.status == 401:
            self.lost.append(datetime.now(UTC))
            self._log_in()
        elif answer.status not in (200, 201, 204):
            self.failed.append(f"{method} {path}: {answer.status} {answer.json}")
        return answer

    def _log_in(self) -> None:
        """Once; what is refused for another reason than a wrong password is tried again, and told."""
        deadline = time.monotonic() + LOG_IN_WITHIN
        while time.monotonic() < deadline:
            self.token = ""
            answer = self._send("POST", "/api/auth/login", {"email": self.email, "password": PASSWORD})
            if answer.status == 200:
                self.token = str(answer.json["token"])
                return
            self.failed.append(f"log-in: {answer.status} {answer.json}")
            time.sleep(PAUSE)

    def _send(self, method: str, path: str, body: object = None) -> Answer:
        answer = self.service.ask(method, path, body, token=self.token, address=self.address, seconds=30)
        self.answers[answer.status] += 1
        return answer


@dataclass
class Thief:
    """Exports with the tokens of others, from an address that none of them ever had."""

    service: Service
    tokens: dict[str, str]
    """By the user's id."""
    got: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[datetime, int]] = field(default_factory=list)
    turn: int = 0

    def storm(self, many: int) -> None:
        """One of the accounts again and again, the others twice."""
        first, *others = self.tokens
        for user in (*[first] * many, *others, *others):
            self._export(user)

    def act(self) -> None:
        """The next of the tokens."""
        users = tuple(self.tokens)
        self._export(users[self.turn % len(users)])
        self.turn += 1

    def since(self, moment: datetime) -> set[int]:
        """What they were answered since then."""
        return {status for at, status in self.answers if at >= moment}

    def _export(self, user: str) -> None:
        began = datetime.now(UTC)
        answer = self.service.ask("GET", EXPORT, token=self.tokens[user], address=THIEF, seconds=30)
        self.answers.append((began, answer.status))
        if answer.status == 200:
            self.got[user] += 1
        elif answer.status != 401:
            self.unsure[user] += 1


@contextmanager
def busy(acts: Sequence[Callable[[], None]], pause: float = PAUSE) -> Iterator[None]:
    """Each of them again and again in a thread of its own, until the block ends. What one raises is raised then."""
    stop, wrong = threading.Event(), list[Exception]()

    def run(act: Callable[[], None]) -> None:
        try:
            while not stop.wait(pause):
                act()
        except Exception as error:  # noqa: BLE001 - a thread's, raised where the block ends
            wrong.append(error)

    with ExitStack() as ended:
        for act in acts:
            thread = threading.Thread(target=run, args=(act,))
            thread.start()
            ended.callback(thread.join)
        ended.callback(stop.set)
        yield
    if wrong:
        raise wrong[0]
