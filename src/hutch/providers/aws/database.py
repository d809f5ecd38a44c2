"""The size of one RDS instance: looked at, and changed by ``database.scale`` until it is available again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hutch.amazon.calls import Calls, formed
from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.finding import Finding, Status
from hutch.ports import said
from hutch.providers.aws.config import Config
from hutch.remote import Refused, Silent, applied, previewed, verified

CHECK = "aws.database"
Args = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Size:
    """What RDS says of the instance; ``pending`` are changes that wait for its maintenance window."""

    klass: str
    storage: int
    status: str
    pending: tuple[str, ...] = ()

    def __str__(self) -> str:
        waiting = f", waiting: {', '.join(self.pending)}" if self.pending else ""
        return f"{self.klass}, {self.storage} GB, {self.status}{waiting}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; empty and 0: as it is. ``left`` is the class that it must still have."""

    klass: str
    storage: int
    left: str

    def met(self, size: Size) -> bool:
        """Whether it is so."""
        return self.klass in ("", size.klass) and self.storage in (0, size.storage)


async def size_of(calls: Calls, config: Config) -> Size:
    """The instance now. Raises :class:`Refused` or :class:`Silent`."""
    found = await calls("rds", "describe_db_instances", DBInstanceIdentifier=config.database)
    with formed("rds:DescribeDBInstances"):
        row = next(iter(found.get("DBInstances") or ()), None)
        if row is not None:
            pending = tuple(sorted(row.get("PendingModifiedValues") or {}))
            return Size(row["DBInstanceClass"], int(row["AllocatedStorage"]), row["DBInstanceStatus"], pending)
    raise Refused(f"there is no database {config.database}")


@dataclass(frozen=True, slots=True)
class Look:
    """Check ``aws.database``: is it available, and of which size?"""

    read: Calls
    config: Config
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        """One call."""
        at, started = self.now(), time.monotonic()
        try:
            size = await size_of(self.read, self.config)
        except (Refused, Silent) as error:
            took = time.monotonic() - started
            return Finding(CHECK, self.config.target, Status.UNKNOWN, str(error), at, took, reason=str(error))
        status = Status.OK if size.status == "available" else Status.WARN
        return Finding(CHECK, self.config.target, status, str(size), at, time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class Scale:
    """``database.scale``: another ``class``, more ``storage`` (GB), or both, at once. With ``from`` it applies only
    while the class is that one."""

    read: Calls
    change: Calls
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """From which size to which, and what it costs."""
        size, wanted = await size_of(self.read, self.config), wanted_of(args)
        if refused := self._refused(wanted, size):
            return Preview("scale the database", 0, refused=refused)
        if wanted.met(size):
            return Preview(f"{self.config.database} is {size}: nothing to do", 0)
        cut = "; RDS restarts it: every connection is cut, for minutes" if wanted.klass not in ("", size.klass) else ""
        back = f"database.scale to {size.klass}" + ("; storage never shrinks" if wanted.storage else "")
        return Preview(f"{self.config.database} {_words(wanted, size)}{cut}", 1, (str(size),), back)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when the database is available with it, or after ``available`` seconds."""
        size, wanted = await size_of(self.read, self.config), wanted_of(args)
        if refused := self._refused(wanted, size):
            return Outcome(Result.FAILED, refused)
        if wanted.met(size):
            return Outcome(Result.DONE, f"{self.config.database} is {size}: nothing was done")
        asked: dict[str, object] = {"DBInstanceClass": wanted.klass} if wanted.klass else {}
        asked |= {"AllocatedStorage": wanted.storage} if wanted.storage else {}
        await self.change("rds", "modify_db_instance", DBInstanceIdentifier=self.config.database,
                          ApplyImmediately=True, **asked)  # fmt: skip
        args_back = {"class": size.klass, "from": wanted.klass}
        undo: dict[str, object] = {"action": "database.scale", "args": args_back} if wanted.klass else {}
        told = await self._waited(wanted)
        return Outcome(Result.DONE, f"{_words(wanted, size)}; {told}", hits=1, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when the database is available with that size."""
        return self._judge(wanted_of(args), await size_of(self.read, self.config))

    async def _waited(self, wanted: Wanted) -> str:
        """What became of it, said as it goes on. One look without an answer is no end."""
        until, heard = time.monotonic() + self.config.available, ""
        while time.monotonic() < until:
            try:
                found = self._judge(wanted, await size_of(self.read, self.config))
            except (Refused, Silent) as error:
                found = Verification(Verified.PENDING, str(error))
            if found.summary != heard:
                heard = found.summary
                said(f"{heard}\n")
            if found.verdict is not Verified.PENDING:
                return heard
            await asyncio.sleep(self.config.look_every)
        return f"not there yet: {heard}"

    def _judge(self, wanted: Wanted, size: Size) -> Verification:
        if wanted.met(size) and size.status == "available" and not size.pending:
            return Verification(Verified.PASSED, f"{self.config.database} is {size}", (str(size),))
        if size.status == "available" and not size.pending:
            return Verification(Verified.FAILED, f"{self.config.database} is {size}: not as wanted", (str(size),))
        return Verification(Verified.PENDING, f"{self.config.database} is {size}", (str(size),))

    def _refused(self, wanted: Wanted, size: Size) -> str:
        allowed, most = self.config.classes, self.config.max_storage
        if not wanted.klass and not wanted.storage:
            return "say which class, or how much storage in GB"
        if wanted.klass and wanted.klass not in allowed:
            known = ", ".join(allowed) or "none"
            return f"class {wanted.klass} is not among services.NAME.aws.classes: {known}"
        if wanted.storage and not size.storage <= wanted.storage <= most:
            return f"storage must be from {size.storage} GB, which it has, to {most} GB (the setting max_storage)"
        if wanted.left and size.klass not in {wanted.left, wanted.klass}:
            return f"its class is {size.klass} now, not {wanted.left}: look again before changing anything"
        return f"it is {size.status} now: wait until it is available" if size.status != "available" else ""


def wanted_of(args: Args) -> Wanted:
    """What the arguments ask for. A storage that is no number is refused as too little."""
    text = {name: str(args.get(name) or "").strip() for name in ("class", "storage", "from")}
    given = text["storage"]
    storage = (int(given) if given.isascii() and given.isdigit() else -1) if given else 0
    return Wanted(text["class"], storage, text["from"])


def _words(wanted: Wanted, size: Size) -> str:
    parts = [f"from {size.klass} to {wanted.klass}"] if wanted.klass not in ("", size.klass) else []
    parts += [f"storage from {size.storage} to {wanted.storage} GB"] if wanted.storage not in (0, size.storage) else []
    return ", ".join(parts)
