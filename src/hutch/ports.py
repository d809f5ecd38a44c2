"""What the core needs from outside, as narrow protocols, and what a provider is (DESIGN §2).

A provider is found through the entry-point group ``hutch.providers``; the entry point is a :class:`Provider`.
It opens one :class:`Connection` for each target that the configuration names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from hutch.model.action import Command, Outcome, Preview, Sample, Verification
from hutch.model.advisory import Advisories as Advisories
from hutch.model.bins import Samples as Samples
from hutch.model.depth import Depth
from hutch.model.effect import Effect
from hutch.model.event import Draft, Event
from hutch.model.finding import Cause, Change, Finding
from hutch.model.held import ArchiveError as ArchiveError
from hutch.model.held import Archives as Archives
from hutch.model.held import Evidence as Evidence
from hutch.model.notifier import Notifier as Notifier
from hutch.model.notifier import NotifierKind as NotifierKind
from hutch.model.platform import Logs as Logs
from hutch.model.platform import Platform as Platform
from hutch.model.platform import Unanswered as Unanswered
from hutch.model.probe import Sightings as Sightings
from hutch.model.probekind import Probe as Probe
from hutch.model.probekind import ProbeKind as ProbeKind
from hutch.model.probekind import ProbeTarget as ProbeTarget
from hutch.model.program import Item
from hutch.model.setting import Setting as Setting
from hutch.model.timed import Timed

# ------------------------------------------------------------------ the store and its jobs


@dataclass(frozen=True, slots=True)
class Append:
    """Drafts for the end of one stream. With ``expect`` the stream must still end at that ``seq``."""

    stream: str
    drafts: tuple[Draft, ...]
    expect: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work to do at or after ``run_at`` (None: at once). At most one job of a ``lock`` runs at a time.

    ``unique`` replaces an earlier, not yet taken job with the same kind, lock and unique key: timers use it.
    """

    kind: str
    lock: str
    run_at: datetime | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    unique: str = ""


@dataclass(frozen=True, slots=True)
class TakenJob:
    """A job in our hands, under a lease that :meth:`Queue.extend` renews."""

    id: int
    job: Job
    attempts: int


class Conflict(Exception):
    """The stream moved on since it was read: read again, decide again. Nothing was written."""


class StoreFull(Exception):
    """The store's disk is full: nothing was written; what was acknowledged before stands."""


class StoreAway(Exception):
    """The store's server can't be reached, and waiting did not help: what was asked for was not written."""


class Place(NamedTuple):
    """Where an event stands in the log, and in its stream."""

    position: int
    stream: str
    seq: int


class Store(Protocol):
    """The append-only event log. Everything in one :meth:`commit` is written, or nothing is."""

    async def commit(
        self, appends: Sequence[Append], jobs: Sequence[Job] = (), *, done: int | None = None
    ) -> list[Event]:
        """Append events, defer jobs and finish job ``done`` in one transaction; durable on return.

        Raises :class:`Conflict` when an ``expect`` does not hold, :class:`StoreFull` when the disk is full,
        :class:`StoreAway` when its server can't be reached.
        """

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        """The stream's events with ``seq > after``, in order; empty for an unknown stream."""

    async def read_all(self, streams: Sequence[str]) -> list[list[Event]]:
        """The events of each of these streams, as :meth:`read` gives them, in one turn."""

    async def erase(self, stream: str, seq: int) -> bool:
        """Put ``ERASED`` in place of an event's data; False if there is no such event.

        For data that the law makes us erase; the chain still proves the rest. Say in an event that it was done.
        """

    async def positions(self, stream: str) -> list[int]:
        """Where its events stand among those of all streams, in order."""

    async def cut(self, stream: str, upto: int) -> int:
        """Take out events 1 to ``upto``, which lie in an archive, as the mark behind them says; nothing without one."""

    async def put_back(self, rows: Sequence[tuple[int, Event]]) -> int:
        """Put events that were cut back to their positions, all or none; those that are there stay."""

    async def streams(self, prefix: str = "") -> list[str]:
        """The names of the streams that begin with ``prefix``, in order of the first event that is there."""

    async def since(self, kind: str, at: datetime) -> list[Event]:
        """The events of one kind, in any stream, written at or after ``at``: for rate limits."""

    async def tail(self, position: int = 0, limit: int = 1000) -> list[tuple[int, Event]]:
        """Events of all streams in writing order with ``position`` greater than given: for live pages.

        What is given out once is complete up to there: no event appears later behind a position already seen.
        """

    async def places(self, position: int = 0, limit: int = 1000) -> list[Place]:
        """Where the events stand that :meth:`tail` gives, without what they say: for who knows most of them already."""

    async def wait(self, position: int, timeout: float) -> None:
        """Return when an event stands behind ``position``, whichever process wrote it; at latest after ``timeout``
        seconds."""

    async def close(self) -> None:
        """Write what is pending and let go of the file or connection."""


class World(Protocol):
    """What one run may see and do of its service: narrow verbs, wired by bootstrap from the providers."""

    async def read(self, command: Command) -> Outcome:
        """Run one read statement; repeated freely."""

    async def diagnose(self) -> Mapping[str, object]:
        """Run the service's checks and rank the causes: the JSON object of ``hutch diagnose --json``."""

    async def preview(self, command: Command) -> Preview:
        """What this command would hit now."""

    async def apply(self, command: Command) -> Outcome:
        """Do it, once."""

    async def verify(self, command: Command) -> Verification | None:
        """The provider's word on whether the command has had its effect; None where it has none."""

    async def signals(self, besides: Collection[str] = ()) -> Verification | None:
        """Whether the run's alerts have cleared, but for those of other causes ``besides``; None: nobody watches."""

    async def render(self, item: Item, captured: Mapping[str, str]) -> Item:
        """``item`` rendered anew from its document, with the values that earlier steps gave; refused, with the reason,
        where that cannot be."""

    async def moved(self, command: Command) -> str:
        """Why what was approved is no longer what would be done: its target stands for something else now, or is
        gone. Empty when it holds."""


class Queue(Protocol):
    """Takes jobs that a commit deferred."""

    async def take(self, kinds: Sequence[str], lock: str | None = None) -> TakenJob | None:
        """The next due job whose lock is free, leased to us; None when there is none. ``lock`` narrows it."""

    async def take_all(self, kinds: Sequence[str], most: int) -> list[TakenJob]:
        """As :meth:`take`, but up to ``most`` of them at once, no two of one lock; empty when there is none."""

    async def extend(self, taken: TakenJob) -> bool:
        """Renew the lease; False when it was lost and somebody else may have the job."""

    async def finish(self, taken: TakenJob) -> None:
        """The job is done (use ``done=`` of a commit where events are written at the same time)."""

    async def fail(self, taken: TakenJob, retry_at: datetime | None) -> None:
        """Give the job back for ``retry_at``, or drop it for good (kept for the record) when None."""

    async def wait(self, timeout: float) -> None:
        """Return when a job may be due, at latest after ``timeout`` seconds."""

    async def depth(self) -> Depth:
        """How many jobs there are, of all kinds."""


class Wallclock(Protocol):
    """The time; tests and drills bring their own."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""


class Secrets(Protocol):
    """Resolves references to secrets at the last moment, and knows what must be masked."""

    def resolve(self, reference: str) -> str:
        """The value behind ``env:NAME`` or ``file:PATH``. Raises ``LookupError`` that names the reference only."""

    def mask(self, text: str) -> str:
        """``text`` with every known secret, and what looks like one, replaced by ``•••``."""


class Output(Protocol):
    """What one command says, as it comes."""

    def add(self, text: str) -> None:
        """Take in a piece; raises nothing and waits for nothing."""

    async def close(self) -> None:
        """Nothing more comes."""

    @property
    def kept(self) -> int:
        """Bytes that are kept of it; known once it is closed."""


class Outputs(Protocol):
    """Keeps what commands say, masked and bounded, beside the journal: that holds the end of each output alone."""

    def open(self, run: str, item: str) -> Output:
        """A new output in the place of an earlier one of the same statement."""

    def path(self, run: str, item: str) -> Path:
        """The file where it is kept, if it is."""


# ------------------------------------------------------------------ providers


class Check(Protocol):
    """A read-only probe of one thing. It reports failure as a finding; it raises only for a defect."""

    async def __call__(self) -> Finding:
        """Look once (twice, a second apart, where a rate is needed) and say what was seen."""


class Action(Protocol):
    """A typed change of the world."""

    @property
    def effect(self) -> Effect:
        """``change`` or ``destroy``."""

    async def preview(self, args: Mapping[str, object]) -> Preview:
        """What exactly would be hit, how many, how to undo; touches nothing."""

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        """Do it, hitting at most what ``args`` names and still matches."""

    async def verify(self, args: Mapping[str, object]) -> Verification:
        """Is the world as the action wanted it? Also decides outcomes that are unknown after a crash."""


Hear = Callable[[str], None]

hearing: ContextVar[Hear | None] = ContextVar("hearing", default=None)
"""Who wants to hear the output of the command under way, as it comes. A provider of long-running programs calls
:func:`said`; what it says is shown live and is no part of the outcome."""


def said(text: str) -> None:
    """Pass on a piece of output to whoever listens; nothing happens where nobody does."""
    hear = hearing.get()
    if hear:
        hear(text)


Run = Callable[[Command], Awaitable[Outcome]]
Scrape = Callable[[], Awaitable[Sequence[Sample]]]
"""What a source gives now. ``ValueError`` says why nothing, ``Partly`` why less than it should."""
Changes = Callable[[], Awaitable[Sequence[Change]]]
Ask = Callable[[str], Awaitable[float | None]]
"""One number for a signal: None is "no data"; ``ValueError`` says why there is none to be had."""


def _no_causes(_findings: Sequence[Finding]) -> Sequence[Cause]:
    """A provider that explains nothing by itself."""
    return ()


async def _nothing() -> None:
    """Nothing to close."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A target, ready to use: narrow verbs, each optional. Nothing connects before its first use.
    ``runs`` maps what it executes to how (``sql``, ``sh``, a program), ``ask`` languages of custom signals. Actions and
    checks are named ``neutral.verb`` and ``provider.check``. ``timed`` are actions done at times, ``platform`` is what
    the service runs on, ``logs`` are of others, ``scrape_within`` is in seconds, ``secrets`` and ``parts`` names.
    ``takes`` are actions done only with one of these arguments: without it they are somebody else's."""

    target: str
    checks: Mapping[str, Check] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    scrape: Scrape | None = None
    scrape_within: float = 5.0
    changes: Changes | None = None
    ask: Mapping[str, Ask] = field(default_factory=dict)
    timed: tuple[Timed, ...] = ()
    platform: Platform | None = None
    logs: Logs | None = None
    advisories: Advisories | None = None
    secrets: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    takes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] = _nothing


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """One validated provider block of one service. ``settings`` has every key, defaults filled in, secrets resolved."""

    service: str
    settings: Mapping[str, object]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Provider:
    """Everything that Hutch knows of one kind of outside system.
    ``explain`` turns the findings of a service's checks (others' too) into causes, those of ``codes``, each with a
    line of documentation. ``guide`` is the page of docs/guide that tells what its checks and verbs need.
    """

    name: str
    summary: str
    settings: tuple[Setting, ...]
    open: Callable[[TargetConfig], Connection]
    explain: Callable[[Sequence[Finding]], Sequence[Cause]] = _no_causes
    codes: Mapping[str, str] = field(default_factory=dict)
    guide: str = ""


# ------------------------------------------------------------------ drills


class Fault(Protocol):
    """Something that is broken on purpose, found through the entry-point group ``hutch.faults`` (a sequence each).

    The process of :meth:`argv` makes the fault, writes one JSON line on standard output once it stands
    (``{"state": "on", "object": {"kind", "id", ...}, "protected": [...], "known": {...}}``), holds it, undoes it when
    its standard input ends or on SIGTERM, writes ``{"state": "off", ...}`` with what it counted, and exits with 0.
    So the fault is undone even when whoever asked for it was killed.
    """

    @property
    def name(self) -> str:
        """What ``hutch drill run`` calls it."""

    @property
    def summary(self) -> str:
        """What is broken, in one line."""

    @property
    def cause(self) -> str:
        """The cause code that must be named. Empty for a no-fault, which must come out healthy, and for a fault that
        only an alert tells of: an optional ``alert`` is the rule that must fire, in one incident."""

    @property
    def object_kind(self) -> str:
        """The kind of the object that must be named."""

    @property
    def remedies(self) -> Sequence[str]:
        """The actions of which any is right."""

    @property
    def spares(self) -> Sequence[str]:
        """What must not be harmed, in words."""

    def argv(self, ready_file: Path) -> Sequence[str]:
        """The process that makes it where ``ready_file`` says; ``HUTCH_DRILL_SEED`` decides between variants. Optional
        are ``undo_argv(ready_file)``, for what a killed one left, and ``parts``: several at once (``known.also``)."""
