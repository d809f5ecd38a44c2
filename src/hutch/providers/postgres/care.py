"""What every change of an object has in common: planned anew, refused or done, tried again on a lock, tidied up after.

Deciding is a :class:`Plan`, made from the world as it is; doing is the same for every action.
"""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.postgres.client import Client, Session, Table, executed
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import Kind, PostgresError
from hutch.providers.postgres.operator import Operator
from hutch.providers.postgres.progress import watched
from hutch.providers.postgres.remedies import DROP_INDEX

Args = Mapping[str, object]

_KEY = re.compile(r"(Key \(.*?\))=\(.*\)( (?:is|already) )", re.S)
TRIES = 3
"""How often a change that got no lock is tried, each time planned anew."""
PAUSE = 0.5
"""Seconds before the second try, doubled for the next: those who queued behind the change go first."""


class BadArguments(ValueError):
    """The arguments do not say what is to be done."""


class Refused(Exception):
    """Why it must not be done as the world is now."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done now. ``nothing`` says why there is nothing to do, ``refused`` why it must not be done.

    ``statements`` are sent one by one, each in a transaction of its own, or all in one where ``together``: then
    ``recheck`` (one row of one truth) goes first and a false one ends it. ``counted``: the last statement judges once
    more what it hits, and its rows are the hits. ``progress`` names the query that tells how far it is. ``right`` is
    what the login lacks where the server refuses it. ``once``: a second try would repeat what the first has done of it.
    """

    statements: tuple[str, ...] = ()
    done: str = ""
    items: tuple[str, ...] = ()
    undo: str = ""
    way_back: Mapping[str, object] = field(default_factory=dict)
    nothing: str = ""
    refused: str = ""
    together: bool = False
    recheck: str = ""
    counted: bool = False
    progress: str = ""
    right: str = ""
    hits: int = 1
    once: bool = False


@dataclass(frozen=True, slots=True)
class Care(ABC):
    """An action over one object of the database. Subclasses plan and judge; they say what a failure leaves."""

    client: Client
    operator: Operator
    config: Config

    @property
    def effect(self) -> Effect:
        """A change, unless the action says more."""
        return Effect.CHANGE

    @property
    def limits(self) -> tuple[float, float]:
        """Seconds that a statement may take, and that it waits for a lock."""
        return self.config.statement_timeout, self.config.lock_timeout

    @abstractmethod
    async def plan(self, args: Args) -> Plan:
        """What to do as the world is now. PostgresError, BadArguments and Refused say why that can't be told."""

    @abstractmethod
    async def judged(self, args: Args) -> Verification:
        """Whether the world is as the action wanted it. Raises as :meth:`plan` does."""

    async def tidied(self, args: Args) -> str:  # noqa: ARG002
        """Remove what a failed try left, and say so; "" where it leaves nothing. Raises PostgresError."""
        return ""

    async def preview(self, args: Args) -> Preview:
        """The exact statements, what they hit, the way back, and what stands in the way."""
        try:
            plan = await self.plan(args)
        except (PostgresError, BadArguments, Refused) as error:
            return Preview("can't tell what would be done", 0, refused=str(error))
        if plan.nothing:
            return Preview(f"{plan.nothing}: nothing to do", 0)
        return Preview(
            "; ".join(plan.statements), plan.hits, plan.items, plan.undo, plan.refused or self.operator.refusal
        )

    async def apply(self, args: Args) -> Outcome:
        """Do it. A try that got no lock is repeated a few times; every try looks at the world first."""
        started = time.monotonic()
        for pause in [*(PAUSE * 2**n for n in range(TRIES - 1)), None]:
            outcome, locked = await self._tried(args)
            if not locked or pause is None:
                break
            await asyncio.sleep(pause)
        return replace(outcome, seconds=time.monotonic() - started)

    async def verify(self, args: Args) -> Verification:
        """The world's own word, also on what is unknown after a crash."""
        try:
            return await self.judged(args)
        except (PostgresError, BadArguments, Refused) as error:
            return Verification(Verified.UNKNOWN, f"can't tell whether it worked: {error}")

    async def _tried(self, args: Args) -> tuple[Outcome, bool]:
        """One try, and whether it failed for want of a lock."""
        try:
            plan = await self.plan(args)
        except (PostgresError, BadArguments, Refused) as error:
            return Outcome(Result.FAILED, str(error), recoverable=_temporary(error)), False
        if plan.nothing:
            return Outcome(Result.DONE, f"{plan.nothing}: nothing was done"), False
        if refusal := plan.refused or self.operator.refusal:
            return Outcome(Result.FAILED, f"refused: {refusal}"), False
        try:
            return done(plan, await self._done(plan)), False
        except Refused as error:
            return Outcome(Result.FAILED, f"refused: {error}"), False
        except PostgresError as error:
            return await self._failed(args, plan, error)

    async def _done(self, plan: Plan) -> Table:
        statement, lock = self.limits
        if plan.together:
            return await self.operator.run(lambda session: _in_one(session, plan), statement, lock)
        last = Table()
        for text in plan.statements:

            async def work(session: Session, text: str = text) -> Table:
                return await watched(self.client, session, plan.progress, executed(session, text, None))

            last = await self.operator.run(work, statement, lock)
        return last

    async def _failed(self, args: Args, plan: Plan, error: PostgresError) -> tuple[Outcome, bool]:
        """The failure, after what it left was removed; it is worth another try only then."""
        outcome = failed(error, 0.0)
        if outcome.result is Result.UNKNOWN:
            return outcome, False
        more, again = f": {plan.right}" if error.kind is Kind.PERMISSION and plan.right else "", True
        try:
            left = await self._tidied(args)
        except (PostgresError, Refused) as second:
            left, again = f"what it left half-made could not be dropped ({second}): {DROP_INDEX} does", False
        said = replace(outcome, summary=f"{unnamed(outcome.summary)}{more}{f'; {left}' if left else ''}")
        return said, again and not plan.once and error.kind is Kind.LOCKED

    async def _tidied(self, args: Args) -> str:
        """Tidying up waits for the same sessions as the change did: it is tried as often."""
        for _ in range(TRIES - 1):
            try:
                return await self.tidied(args)
            except PostgresError as error:
                if error.kind is not Kind.LOCKED:
                    raise
        return await self.tidied(args)


def done(plan: Plan, last: Table) -> Outcome:
    """What came of it, with the way back."""
    if plan.counted and not last.hits:
        return Outcome(Result.DONE, "did nothing: it is not as it was approved any more")
    text = "\n".join(plan.statements)
    return Outcome(Result.DONE, plan.done, text, hits=plan.hits, undo=plan.way_back)


def failed(error: Exception, seconds: float) -> Outcome:
    """The outcome of an error: unknown where the statement was sent and no answer came."""
    sent = error.sent if isinstance(error, PostgresError) else False
    result = Result.UNKNOWN if sent else Result.FAILED
    return Outcome(result, str(error), seconds=seconds, recoverable=_temporary(error) and not sent)


async def _in_one(session: Session, plan: Plan) -> Table:
    """All statements in one transaction, after the recheck; a refusal rolls back."""
    last = Table()
    async with session.transaction():
        if plan.recheck and (await executed(session, plan.recheck, None)).rows != (("t",),):
            raise Refused("it is not as it was a moment ago: look again")
        for text in plan.statements:
            last = await executed(session, text, None)
    return last


def unnamed(text: str) -> str:
    """An error's text without the values of a row's key: they are somebody's data.

    >>> unnamed("DETAIL: Key (email)=(a@example.org) is not present in table users.")
    'DETAIL: Key (email)=(…) is not present in table users.'
    """
    return _KEY.sub(r"\1=(…)\2", text)


def _temporary(error: Exception) -> bool:
    return isinstance(error, PostgresError) and error.recoverable


# ------------------------------------------------------------------ arguments


def text_of(args: Args, name: str) -> str:
    """A name that must be there. :class:`BadArguments` otherwise."""
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise BadArguments(f"{name} must be a name")
    return value


def place_of(args: Args, name: str) -> tuple[str, str]:
    """Schema (``public``) and name of an object; a name in the form ``schema.name`` may carry its schema.

    >>> place_of({"table": "audit.log"}, "table")
    ('audit', 'log')
    """
    said = text_of(args, name)
    if args.get("schema"):
        return str(args["schema"]), said
    schema, dot, rest = said.partition(".")
    return (schema, rest) if dot and schema and rest and "." not in rest else ("public", said)


def truth_of(args: Args, name: str) -> bool:
    """Whether an argument says yes; YAML's ``true`` or the text of ``--set``. :class:`BadArguments` for others."""
    value = args.get(name)
    if isinstance(value, str):
        value = {"true": True, "yes": True, "false": False, "no": False, "": False}.get(value.lower(), value)
    if value is not None and not isinstance(value, bool):
        raise BadArguments(f"{name} must be true or false, not {value!r}")
    return bool(value)


def size(number: float) -> str:
    """Bytes for people.

    >>> size(1536 * 1024)
    '1.5 MB'
    """
    return f"{number / 2**30:.1f} GB" if number >= 2**30 else f"{number / 2**20:.1f} MB"
