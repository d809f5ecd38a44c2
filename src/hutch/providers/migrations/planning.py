"""What would be run, in words and statements, before anything is: the ways up and down of versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.declared import Key, Op
from hutch.providers.migrations.files import File, Step
from hutch.providers.migrations.look import Picture, expectations, sql_printed, states_of
from hutch.providers.migrations.marks import Unmarkable, version_column
from hutch.providers.migrations.standing import Standing
from hutch.providers.migrations.todo import Todo, left_of

DIGEST = 16
"""Hexadecimal digits of the digest of a plan: 64 bits, against change by accident; the approval has its own."""
SHOWN = 200
"""Statements that a preview shows; the others are counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """One version of a plan: the statements, whether they run as a whole, and what they lose."""

    standing: Standing
    file: File | None
    steps: tuple[Step, ...] = ()
    together: bool = True
    drop_first: tuple[str, ...] = ()
    refused: str = ""
    unread: str = ""

    @property
    def loses(self) -> list[str]:
        """What nothing but a backup brings back; of a script that can't be read, that it may."""
        found = [f"{self.standing.version}: {s.loses}" for s in self.steps if s.loses]
        return [*found, *([f"{self.standing.version}: {self.unread}"] if self.unread else [])]

    @property
    def lines(self) -> list[str]:
        """The statements as they are shown."""
        drops = [f"DROP INDEX CONCURRENTLY {name};" for name in self.drop_first]
        ending = "" if self.file is not None and self.file.language == "python" else ";"
        return [*drops, *(f"{step.text}{ending}" for step in self.steps)]


@dataclass(frozen=True, slots=True)
class Plan:
    """The versions in the order in which they are run, and why it must not be run at all."""

    parts: tuple[Part, ...]
    refused: str = ""

    @property
    def digest(self) -> str:
        """Of all that would be run: what was approved and is something else now is refused."""
        told = [(p.standing.version, p.standing.state, *p.lines) for p in self.parts]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:DIGEST]

    @property
    def loses(self) -> list[str]:
        """What is lost by it."""
        return [text for part in self.parts for text in part.loses]

    @property
    def items(self) -> tuple[str, ...]:
        """For a preview: each version, then its statements."""
        lines = [line for part in self.parts for line in (_headed(part), *(f"  {text}" for text in part.lines))]
        more = [f"… {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
        return (*lines[:SHOWN], *more)


def _headed(part: Part) -> str:
    how = "" if part.together else "  (statement by statement, as its file asks)"
    return f"{part.standing.state} {part.standing.label}{how}"


def by_us(config: Config) -> bool:
    """Whether Hutch runs the files itself: SQL ones, where no command of the team's is configured."""
    return config.tool == "sql" and not config.command


async def plan_up(client: Client, config: Config, picture: Picture) -> Plan:
    """Finish what is half-applied and apply what is due. Raises :class:`MigrationsError`."""
    due = picture.due
    files = list(picture.files.values())
    known = [picture.files[s.version] for s in due if s.version in picture.files]
    expected = expectations(files, known, {s.version: s.state for s in picture.versions})
    states = await states_of(client, [w.key for some in expected.values() for w in some]) if by_us(config) else {}
    parts = []
    for standing in due:
        file = picture.files.get(standing.version)
        todo = left_of(file, standing, expected[standing.version], states) if file and by_us(config) else Todo(())
        steps = [file.steps[n] for n in todo.steps] if file and by_us(config) else file.steps if file else ()
        together = file is None or file.transactional
        parts.append(Part(standing, file, tuple(steps), together, todo.drop_first, _unfit(config, file, todo)))
    refused = _picture_refuses(picture) or next((f"{p.standing.label}: {p.refused}" for p in parts if p.refused), "")
    return Plan(tuple(parts), refused or (_table_refuses(config, picture) if due else ""))


def _unfit(config: Config, file: File | None, todo: Todo) -> str:
    """Why we can't run that file; the team's own tool knows by itself."""
    if not by_us(config):
        return ""
    if file is None:
        return "there is no file for it"
    if file.trouble:
        return file.trouble
    if file.controls:
        return "it begins or ends transactions itself: set services.*.migrations.command to the tool that runs it"
    if not file.marked:
        return "it has no `-- migrate:up`: set services.*.migrations.command to the tool whose file it is"
    return todo.refused and f"{todo.refused}; finish it by hand, then mark it: `hutch migrate status` shows how"


def _picture_refuses(picture: Picture) -> str:
    if picture.busy:
        return f"a migration is running: {picture.busy[0]}"
    return next((p for p in picture.problems if "used twice" in p), "")


def _table_refuses(config: Config, picture: Picture) -> str:
    if not by_us(config):
        return ""
    try:
        version_column(config.tool, picture.columns)
    except Unmarkable as error:
        return str(error).replace("mark_command", "command")
    return ""


# ------------------------------------------------------------------ the way down


async def plan_down(config: Config, picture: Picture, versions: Sequence[str], steps: int) -> Plan:
    """Take back the last ``steps`` versions, or those named, which must be the last ones."""
    applied = picture.of("applied", "half-applied", "no-file")
    named = list(versions) or [s.version for s in reversed(applied[-steps:])]
    last = [s.version for s in reversed(applied)][: len(named)]
    if sorted(named) != sorted(last):
        missing = [v for v in named if v not in {s.version for s in applied}]
        why = f"{missing[0]} is not applied" if missing else f"the last applied are {', '.join(last)}"
        return Plan((), f"only the last ones can be taken back: {why}")
    by_version = {s.version: s for s in applied}
    parts = [await _down(config, by_version[v], picture.files.get(v)) for v in last]
    refused = _picture_refuses(picture) or next((f"{p.standing.label}: {p.refused}" for p in parts if p.refused), "")
    return Plan(tuple(parts), refused or (_table_refuses(config, picture) if parts else ""))


async def _down(config: Config, standing: Standing, file: File | None) -> Part:
    if by_us(config):
        return _down_by_us(standing, file)
    if file is None or not file.steps_down:
        return Part(standing, file, unread="its way down can't be read here, and may lose data")
    return Part(standing, file, file.steps_down, file.down_transactional)


def _down_by_us(standing: Standing, file: File | None) -> Part:
    refused = _unfit_down(file)
    if file is None or refused:
        return Part(standing, file, refused=refused)
    return Part(standing, file, file.steps_down, file.down_transactional)


def _unfit_down(file: File | None) -> str:
    if file is None:
        return "it has no file: undo it by hand"
    if file.controls:
        return "it begins or ends transactions itself: set services.*.migrations.down_command"
    return file.trouble or ("" if file.steps_down else "nothing follows `-- migrate:down` in its file")


def there_to_take_back(part: Part, states: Mapping[Key, str]) -> tuple[Step, ...]:
    """Of a version that stopped half-way, only what it did: a drop of what is missing would fail."""
    if part.standing.state != "half-applied":
        return part.steps
    return tuple(s for s in part.steps if not s.ops or any(_left_to_do(op, states) for op in s.ops))


def _left_to_do(op: Op, states: Mapping[Key, str]) -> bool:
    missing = states.get(op.key) == "missing"
    return missing if op.verb == "make" else not missing


async def sql_of(client: Client, config: Config, file: File, *, up: bool) -> str:
    """What the team's tool would send, as it prints it; empty where nobody says how to ask it."""
    command = config.sql_command if up else config.down_sql_command
    if not command or file.language == "sql":
        return ""
    try:
        return await sql_printed(client, config, command, file, back=not up)
    except MigrationsError as error:
        return f"-- could not be printed: {error}"
