"""Asks the service as its user would: with a token from before, and with a log-in of now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from hutch.model.action import Command, Outcome, Result
from hutch.ports import Connection, TargetConfig
from hutch.providers.access.config import Config, config_from

OPEN, REFUSED = 200, 401
MOST_BYTES = 65_536


def connect(target: TargetConfig) -> Connection:
    """Nothing connects before its first use."""
    account = Account(config_from(target.settings))
    return Connection(target=urlsplit(account.config.url).netloc, runs={"access.prove": account.prove})


@dataclass(frozen=True, slots=True)
class Account:
    """Our account at the service."""

    config: Config

    async def prove(self, command: Command) -> Outcome:
        """``access.prove``. ``args``: ``expect``, ``open`` (the old tokens are let in) or ``closed`` (they are refused,
        and a new log-in is let in). ``output`` are the answers' numbers as JSON; never a token."""
        expect = command.args.get("expect")
        if expect not in ("open", "closed"):
            return Outcome(Result.FAILED, f"expect must be open or closed, not {expect!r}")
        try:
            async with asyncio.timeout(self.config.timeout), self._session() as http:
                found = {f"old {name}": await self._let_in(http, old) for name, old in self.config.tokens.items()}
                found |= await self._log_in(http) if expect == "closed" else {}
        except TimeoutError:
            return Outcome(Result.FAILED, f"no answer within {self.config.timeout:g} s", recoverable=True)
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(Result.FAILED, f"the service does not answer: {type(error).__name__}", recoverable=True)
        wanted = {name: REFUSED if name.startswith("old ") and expect == "closed" else OPEN for name in found}
        wrong = [name for name in found if found[name] != wanted[name]]
        said = ", ".join(f"{name}: {status}" for name, status in found.items())
        why = f"; expected {', '.join(f'{name} {wanted[name]}' for name in wrong)}" if wrong else ""
        return Outcome(Result.FAILED if wrong else Result.DONE, said + why, json.dumps(found))

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar())

    async def _let_in(self, http: aiohttp.ClientSession, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with http.get(self.config.url + self.config.check, headers=headers, allow_redirects=False) as answer:
            return answer.status

    async def _log_in(self, http: aiohttp.ClientSession) -> Mapping[str, int]:
        """The new log-in and what its session opens; the session is ended again."""
        who = {"email": self.config.email, "password": self.config.password}
        async with http.post(self.config.url + self.config.login, json=who, allow_redirects=False) as answer:
            token = _token(await answer.content.read(MOST_BYTES)) if answer.status == OPEN else ""
        if not token:
            return {"new log-in": answer.status}
        found = {"new log-in": answer.status, "new session": await self._let_in(http, token)}
        headers = {"Authorization": f"Bearer {token}"}
        async with http.post(self.config.url + self.config.logout, headers=headers, allow_redirects=False):
            return found


def _token(body: bytes) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    token = found.get("token") if isinstance(found, dict) else None
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else ""
