"""The project's REST address: one call, its answer told apart."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hutch.model.finding import Seen, Status
from hutch.providers.supabase.config import Config
from hutch.remote import Answer, Asked, Refused, Silent, asked_to_wait, exchange, json_of, tried

DENIED, THROTTLED, PAUSED, SERVER_ERROR = (401, 403), 429, 540, 500
CACHE = ("PGRST002", "PGRST204", "PGRST205")
"""PostgREST has no schema, or an old one."""


@dataclass(frozen=True, slots=True)
class Down(Exception):
    """It answers, and is not well. ``code`` is PostgREST's own, where it gives one."""

    message: str
    code: str = ""

    def __str__(self) -> str:
        return self.message


async def look(config: Config) -> Seen:
    """Whether it serves. Raises :class:`Refused` or :class:`Silent` where that can't be told."""
    started = time.monotonic()
    try:
        tables = await served(config)
    except Down as error:
        return Seen(Status.BAD, str(error), {"code": error.code, "project": config.project})
    except Silent as error:
        data = {"code": "", "project": config.project}
        return Seen(Status.BAD, str(error), data) if error.sent else Seen(Status.UNKNOWN, str(error), reason=str(error))
    took = time.monotonic() - started
    return Seen(Status.OK, f"it serves {tables} tables and views, after {took * 1000:.0f} ms", {"tables": tables})


async def served(config: Config) -> int:
    """How many tables and views it serves. Raises :class:`Down`, :class:`Refused` or :class:`Silent`."""
    return await tried(lambda: _once(config), change=False, patience=config.patience)


async def _once(config: Config) -> int:
    headers = {"apikey": config.key, "User-Agent": "hutch", "Accept": "application/openapi+json"}
    asked = Asked("ask the REST address", "Supabase", "GET", f"{config.url}/rest/v1/", headers)
    answer = await exchange(asked, config.timeout)
    found = json_of(answer.content)
    if answer.status != 200:
        raise _told(answer, found)
    paths = found.get("paths") if isinstance(found, dict) else None
    if not isinstance(paths, dict):
        raise Silent("cannot ask the REST address: the answer is not of the expected form", sent=True)
    return sum(1 for path in paths if path != "/" and not path.startswith("/rpc/"))


def _told(answer: Answer, found: object) -> Down | Refused | Silent:
    code = str(found.get("code") or "") if isinstance(found, dict) else ""
    if answer.status in DENIED:
        return Refused("cannot ask the REST address: the key is wrong, was revoked, or has not the right to /rest/v1/")
    if answer.status == THROTTLED:
        wait = asked_to_wait(answer.headers, time.time())
        return Refused(f"cannot ask the REST address: Supabase asks to call again in {wait:.0f} s", True, wait)
    if answer.status == PAUSED:
        return Down("the project is paused: restore it in the dashboard", "paused")
    if code.startswith("PGRST"):
        why = "it has no current schema" if code in CACHE else "it does not reach the database"
        return Down(f"the REST address answers {answer.status}: {why} ({code})", code)
    if answer.status >= SERVER_ERROR:
        return Silent(f"cannot ask the REST address: Supabase answers {answer.status}", sent=True)
    return Refused(f"cannot ask the REST address: Supabase answers {answer.status}: is there such a project?")
