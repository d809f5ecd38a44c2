"""The questions of baselines, asked of the service that a drill runs on: reading only, each with a limit of time."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query
import psycopg
import redis

from hutch.commands.drills.baseline import Answer, Baseline, Conclusion, Look, conclude, ordered

PATIENCE = 4.0
"""Seconds for one question."""

PROGRAM = 15.0
"""Seconds for a program."""

MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service is, by what its ready file and its front door say."""

    known: Mapping[str, Any]
    folder: Path

    @classmethod
    def of(cls, ready_file: Path, folder: Path) -> Place:
        """As the ready file says; the door where one stands before it."""
        ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
        door: dict[str, Any] = {}
        with suppress(OSError, ValueError, KeyError):
            door = json.loads((Path(ready["data_dir"]) / "edge" / "edge.json").read_text(encoding="utf-8"))
        return cls({**ready, **{f"edge_{key}": value for key, value in door.items()}}, folder)

    @property
    def names(self) -> dict[str, str]:
        """What the ids of objects may hold."""
        database, cache = urlsplit(str(self.known["reader_url"])), urlsplit(str(self.known["redis_url"]))
        door = urlsplit(str(self.known.get("edge_door", "")))
        return {
            "service": "rolerabbit",
            "database": database.path.lstrip("/"),
            "role": urlsplit(str(self.known["app_database_url"])).username or "",
            "cache": f"{cache.hostname}:{cache.port}",
            "door": door.hostname or "",
            "host": urlsplit(str(self.known["app_url"])).netloc,
            "name": str(self.known.get("edge_name", "")),
        }


def ask_all(baseline: Baseline, place: Place) -> tuple[list[Conclusion], list[str]]:
    """What the baseline concludes, and the looks that could not be asked (their own failure is none of the fault's
    unless a rule says so)."""
    found: list[Conclusion] = []
    failed: list[str] = []
    for look in baseline.looks:
        if look.in_trouble and not found:
            continue
        answer = _ASKED[look.asks](look, place)
        found += conclude(look, answer, place.names)
        if answer.error and look.when not in ("fails", "no answer"):
            failed.append(f"{look.at}: {answer.error}"[:200])
    return ordered(found), failed


# ------------------------------------------------------------------ the questions


def _http(look: Look, place: Place) -> Answer:
    url = _address(look.question, place)
    if not url:
        return Answer(error="there is no such address")
    authority = place.known.get("edge_ca")
    context = ssl.create_default_context(cafile=authority) if url.startswith("https:") and authority else None
    began = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE, context=context) as answer:  # noqa: S310 - loopback
            answer.read(1 << 20)
            return Answer(status=answer.status, seconds=time.monotonic() - began)
    except urllib.error.HTTPError as error:
        return Answer(status=error.code, seconds=time.monotonic() - began)
    except (OSError, ValueError) as error:
        return Answer(error=str(error) or type(error).__name__)


def _address(text: str, place: Place) -> str:
    """The question with the place's addresses."""
    first, _, rest = text.partition("/")
    base = str(place.known.get(first, ""))
    return f"{base.rstrip('/')}/{rest}" if base else ""


def _dns(look: Look, place: Place) -> Answer:
    server = str(place.known.get("edge_names", ""))
    if not server:
        return Answer(error="there is no name server")
    host, _, port = server.rpartition(":")
    question = dns.message.make_query(str(place.known[look.question]), "A")
    try:
        answer = dns.query.udp(question, host, timeout=PATIENCE, port=int(port))
    except (OSError, dns.exception.DNSException) as error:
        return Answer(error=str(error) or type(error).__name__)
    return Answer(rows=[{"value": str(row)} for row in answer.answer])


def _sql(look: Look, place: Place) -> Answer:
    url = str(place.known[{"reader": "reader_url", "app": "app_database_url"}[look.login]])
    options = "-c default_transaction_read_only=on -c statement_timeout=4000 -c lock_timeout=1000"
    began = time.monotonic()
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=int(PATIENCE), options=options, prepare_threshold=None,
            application_name="drill-baseline",
        ) as connection:  # fmt: skip
            cursor = connection.execute(look.question.encode())
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchmany(MOST_ROWS)]
    except psycopg.Error as error:
        return Answer(error=str(error).strip() or type(error).__name__)
    return Answer(rows=rows, seconds=time.monotonic() - began)


def _redis(look: Look, place: Place) -> Answer:
    """``ping``, or ``info SECTION FIELD [/ FIELD]``: the field, or its share of the second in %."""
    try:
        with redis.Redis.from_url(
            str(place.known["redis_url"]), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            if look.question == "ping":
                return Answer(rows=[{"value": int(bool(client.ping()))}])
            return Answer(rows=[{"value": _share(client, look.question)}])
    except (redis.RedisError, OSError, ValueError) as error:
        return Answer(error=str(error) or type(error).__name__)


def _share(client: redis.Redis, question: str) -> float:
    _, section, first, *rest = question.replace("/", " ").split()
    info: Mapping[str, Any] = client.info(section)
    value = float(info.get(first, 0))
    return 100 * value / float(info[rest[0]]) if rest and float(info.get(rest[0], 0)) else value


def _deployments(_look: Look, place: Place) -> Answer:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{place.known['api_url']}/deployments", headers={"Authorization": f"Bearer {place.known['token']}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            rows: Sequence[Mapping[str, Any]] = json.loads(answer.read())
    except (OSError, ValueError) as error:
        return Answer(error=str(error))
    if not rows:
        return Answer()
    last = rows[-1]
    age = (datetime.now(UTC) - datetime.fromisoformat(str(last["finished_at"] or last["started_at"]))).total_seconds()
    return Answer(rows=[{"value": age, "release": last["release"]}])


def _command(look: Look, place: Place) -> Answer:
    """A program of the service's own that prints JSON; the rows are the list under the key ``text``."""
    env = {**os.environ, "DATABASE_URL": str(place.known["owner_url"])}
    env["RR_MIGRATIONS_EXTRA"] = str(place.known.get("migrations_dir", ""))
    try:
        done = subprocess.run(
            [sys.executable, "-m", *look.question.split()], env=env, cwd=place.folder, capture_output=True, text=True,
            timeout=PROGRAM, check=True,
        )  # fmt: skip
        found = json.loads(done.stdout)[look.text]
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        return Answer(error=str(error).replace(sys.executable, "python"))  # a report names no place
    return Answer(rows=[row if isinstance(row, Mapping) else {"value": row} for row in found])


_ASKED: Mapping[str, Callable[[Look, Place], Answer]] = {
    "http": _http,
    "dns": _dns,
    "sql": _sql,
    "redis": _redis,
    "deployments": _deployments,
    "command": _command,
}
