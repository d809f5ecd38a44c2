"""What stands in for ``redis-cli`` (and ``valkey-cli``) in documents: the bound target, never the document's own."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from redis.exceptions import ResponseError

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.providers.redis.actions import failed
from hutch.providers.redis.client import Client
from hutch.providers.redis.errors import RedisError, asking
from hutch.providers.redis.replies import OUTPUT_LIMIT, plain, reply

_IGNORED_VALUES = frozenset({"-h", "-p", "-s", "-t", "--cacert", "--capath", "--cacertdir", "--cert", "--key", "--sni"})
"""Options with a value that say where to, or how to get there: the target's own address decides that."""
_IGNORED = frozenset({"--tls", "--insecure", "--no-auth-warning", "-2", "-3", "--verbose"})
_SECRETS = frozenset({"-a", "--pass"})
_RAW, _NOT_RAW = "--raw", "--no-raw"
_ENDLESS = frozenset({"monitor", "subscribe", "psubscribe", "ssubscribe", "sync", "psync"})
_CONTAINER_TEXT = re.compile(r"(info|lolwut|client (list|info)|cluster (nodes|info)|(memory|latency) doctor)\b")
"""Answers that redis-cli shows as the text that they are."""


class Unusable(ValueError):
    """A command line that can't be run here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command line as understood: the words for the server, its database if one is named, and how to show it."""

    words: tuple[str, ...]
    database: int | None = None
    raw: bool = False

    @property
    def verbatim(self) -> bool:
        """Whether the answer is text for people and not a value."""
        return bool(_CONTAINER_TEXT.match(" ".join(self.words[:2]).lower() + " "))


@dataclass(frozen=True, slots=True)
class Cli:
    """Runs command lines: reads by the reading login, changes by the operator's."""

    client: Client
    operator: Client

    async def run(self, command: Command) -> Outcome:
        """One command line, in ``args["argv"]`` or ``text``. A read is refused that the server calls a write."""
        started = time.monotonic()
        reads = command.effect <= Effect.READ
        try:
            parsed = read_line(_argv(command))
            if reads:
                await self._only_reads(parsed)
            answer = await self._asked(self.client if reads else self.operator, parsed, command.timeout)
        except Unusable as error:
            return Outcome(Result.FAILED, str(error))
        except RedisError as error:
            error.sent = error.sent and not reads
            return failed(error, time.monotonic() - started)
        return _outcome(parsed, answer, time.monotonic() - started)

    async def _asked(self, client: Client, line: Line, seconds: float) -> object:
        chosen = [] if line.database is None else [("SELECT", line.database)]
        answers = await client.alone([*chosen, line.words], seconds)
        refused = next((a for a in answers[:-1] if isinstance(a, ResponseError)), None)
        if refused:
            raise asking(refused, client.where, seconds)
        return answers[-1]

    async def _only_reads(self, line: Line) -> None:
        """Ask the server itself whether this command writes. One that tells nothing is taken at the document's word."""
        [found] = await self.client.ask_all([("COMMAND", "INFO", line.words[0])])
        if isinstance(found, list) and found and isinstance(found[0], list) and b"write" in found[0][2]:
            raise Unusable(f"refused: {line.words[0]} writes, and was to be a read")


def _argv(command: Command) -> list[str]:
    argv = command.args.get("argv")
    words = [str(word) for word in argv] if isinstance(argv, list | tuple) else shlex.split(command.text, comments=True)
    return words[1:]


def read_line(argv: Sequence[str]) -> Line:
    """The words after the program's name. :class:`Unusable` names what can't be done here.

    >>> read_line(["-h", "cache.example.com", "-n", "2", "GET", "page:1"])
    Line(words=('GET', 'page:1'), database=2, raw=False)
    """
    words, database, raw = list(argv), None, False
    while words and words[0].startswith("-"):
        option = words.pop(0)
        _refuse_secret(option, words[:1])
        if option in ("-n", "-u", "--user") or option in _IGNORED_VALUES:
            value = _value(option, words)
            database = _database(option, value, database)
        elif option in (_RAW, _NOT_RAW):
            raw = option == _RAW
        elif option not in _IGNORED:
            raise Unusable(f"redis-cli {option} does not run here: only `redis-cli COMMAND ARGUMENTS` does")
    return Line(_checked(words), database, raw)


def _checked(words: Sequence[str]) -> tuple[str, ...]:
    if not words:
        raise Unusable("give redis-cli a command: without one it reads commands that nobody has seen")
    name = words[0].lower()
    if name in _ENDLESS:
        raise Unusable(f"{words[0]} never ends by itself: it does not run here")
    if name in ("auth", "hello"):
        raise Unusable("refused: a log-in is not part of a command line; the target's own address holds it")
    return tuple(words)


def _refuse_secret(option: str, following: Sequence[str]) -> None:
    in_url = option == "-u" and bool(following) and _has_password(following[0])
    if option in _SECRETS or option.startswith("--pass=") or in_url:
        raise Unusable("refused: a password in a command line shows in the list of processes; the target has its own")


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return "@" in url


def _value(option: str, words: list[str]) -> str:
    if not words:
        raise Unusable(f"redis-cli {option} needs a value")
    return words.pop(0)


def _database(option: str, value: str, before: int | None) -> int | None:
    if option != "-n":
        return before
    if not (value.isascii() and value.isdigit()):
        raise Unusable(f"redis-cli -n needs the number of a database, not {value!r}")
    return int(value)


def _outcome(line: Line, answer: object, seconds: float) -> Outcome:
    said = plain(answer) if line.raw or line.verbatim else reply(answer, line.words[0])
    kept = said if len(said) <= OUTPUT_LIMIT else f"{said[:OUTPUT_LIMIT]}\n(cut after {OUTPUT_LIMIT} characters)"
    first = kept.partition("\n")[0][:200]
    if isinstance(answer, ResponseError):
        return Outcome(Result.FAILED, first, kept, exit_code=1, seconds=seconds)
    return Outcome(Result.DONE, first, kept, exit_code=0, seconds=seconds)
