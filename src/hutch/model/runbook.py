"""A runbook as data: document, runbook, section, step, statement (DESIGN §1, §3).

Parsing yields these without effects; classification fills in ``Statement.verdict``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from hutch.model.alert import Rule
from hutch.model.effect import Effect, Verdict, worst

RUNNABLE = frozenset({"bash", "sh", "shell", "console", "sql", "http", "promql", "python"})
"""Fence languages whose blocks run; every other language is read, not run."""


class Role(StrEnum):
    """What a section is for, told by the words of its heading."""

    OVERVIEW = "overview"
    SYMPTOMS = "symptoms"
    DETECTION = "detection"
    DIAGNOSIS = "diagnosis"
    ACTIONS = "actions"
    RESOLUTION = "resolution"
    OPTION = "option"
    VERIFICATION = "verification"
    RECOVERY = "recovery"
    PREVENTION = "prevention"
    COMMUNICATION = "communication"
    NOTIFICATION = "notification"
    TEMPLATE = "template"
    REFERENCE = "reference"


READING_ROLES = frozenset({Role.SYMPTOMS, Role.DETECTION, Role.DIAGNOSIS, Role.ACTIONS, Role.OVERVIEW})
"""Sections whose read statements a run executes by itself, before anything is proposed."""

REMEDY_ROLES = frozenset({Role.RESOLUTION, Role.OPTION, Role.RECOVERY})
"""Sections whose statements are remedies: they wait to be chosen and approved."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Something to fill in before a statement may run.

    ``name`` is the normalised key (``deployment-url``), ``text`` what stands in the document
    (``[deployment-url]``), ``start`` and ``end`` its offsets in ``Statement.text``.
    """

    name: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be seen for a statement to have passed, and the line that says so."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ActionCall:
    """A typed action called by a document: its name (``deploy.rollback``) and arguments."""

    name: str
    args: Mapping[str, object] = field(default_factory=dict)


class OnFailure(StrEnum):
    """What a failed step means for what comes after it (``hutch.on_failure``)."""

    STOP = "stop"  # the option ends here, unverified
    CONTINUE = "continue"  # the next step runs all the same
    NEXT = "next"  # the next option is offered


@dataclass(frozen=True, slots=True)
class Capture:
    """A value taken from a step's output (``hutch.capture``) for the placeholder ``name`` of later steps.

    By ``pattern`` (a regular expression; its first group, else all of it) or ``path`` (``$.items[0].id`` in JSON
    output); with neither the whole output, which then must be a single line.
    """

    name: str
    pattern: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """How a step is carried out, as its annotations say. ``timeout`` None means the runner's own.

    ``when`` is a condition over captured and incident values (:mod:`hutch.runbook.when`), empty for always; ``undo``
    a statement in the step's language or, if :attr:`undo_action` says so, the name of a typed action.
    """

    captures: tuple[Capture, ...] = ()
    on_failure: OnFailure = OnFailure.STOP
    retries: int = 0
    timeout: timedelta | None = None
    when: str = ""
    undo: str = ""
    undo_action: bool = False
    manual: bool = False  # a person does it and ticks it off; nothing of it runs


@dataclass(frozen=True, slots=True)
class Link:
    """A sub-runbook: ``document`` is a relative path as written (empty for this document), ``anchor`` without ``#``."""

    document: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One command or SQL statement of a step; ``line`` counts from 1 in the document."""

    id: str
    text: str
    line: int
    comments: tuple[str, ...] = ()  # the comment lines that stand before it or at its end
    placeholders: tuple[Placeholder, ...] = ()
    expects: tuple[Expectation, ...] = ()
    action: ActionCall | None = None
    verdict: Verdict | None = None

    def judged(self, verdict: Verdict) -> Statement:
        """This statement with its verdict."""
        return Statement(
            self.id, self.text, self.line, self.comments, self.placeholders, self.expects, self.action, verdict
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A fenced block, or the link to a sub-runbook. ``lang`` is the fence's language (what its prompts
    say it is, if it is a session of psql), empty where it has none."""

    id: str
    name: str
    lang: str
    line: int
    text: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    notes: tuple[str, ...] = ()  # comments that belong to no statement: what a person does by hand
    flow: Flow = Flow()
    link: Link | None = None

    def holding(self, statements: tuple[Statement, ...]) -> Step:
        """This step with other statements."""
        return Step(
            self.id,
            self.name,
            self.lang,
            self.line,
            self.text,
            self.annotations,
            statements,
            self.notes,
            self.flow,
            self.link,
        )

    @property
    def runnable(self) -> bool:
        """Whether the block is run: a known shell or query language, or a typed action, and not left to a person."""
        return not self.flow.manual and (self.lang in RUNNABLE or any(s.action for s in self.statements))

    @property
    def verdict(self) -> Verdict:
        """The greatest effect of its statements; ``none`` for a block that is only read."""
        return worst([s.verdict for s in self.statements if s.verdict])

    @property
    def effect(self) -> Effect:
        """The effect of :attr:`verdict`."""
        return self.verdict.effect


@dataclass(frozen=True, slots=True)
class Section:
    """A heading or bold label with a role. ``option`` is its number among alternatives, or None.

    ``path`` is the heading path from the runbook's title down, ``text`` its prose.
    """

    id: str
    title: str
    role: Role
    line: int
    path: tuple[str, ...]
    option: int | None = None
    text: str = ""
    steps: tuple[Step, ...] = ()

    def holding(self, steps: tuple[Step, ...]) -> Section:
        """This section with other steps."""
        return Section(self.id, self.title, self.role, self.line, self.path, self.option, self.text, steps)


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook of a document; ``id`` is its anchor, ``chapter`` the ``##`` it stands under."""

    id: str
    title: str
    line: int
    chapter: str
    sections: tuple[Section, ...] = ()

    def steps(self) -> Iterator[tuple[Section, Step]]:
        """Every step with its section, in document order."""
        for section in self.sections:
            for step in section.steps:
                yield section, step


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading that divides the document: a runbook itself, or the heading over several."""

    id: str
    title: str
    line: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A statement with its placeholders filled in; nothing of it may run while ``missing`` is not empty.

    ``text`` is what is shown and hashed; a shell runs it with ``env`` added. SQL runs as ``sql`` with ``params``
    bound (``execute(sql, params or None)``: a literal ``%`` is doubled only where there are parameters).
    """

    text: str
    sql: str = ""
    params: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """A placeholder with its value and where that came from (``--set``, ``incident``, …), for display.

    ``value`` and ``source`` are empty where nothing gives one.
    """

    name: str
    text: str
    value: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Something of the outside that a statement names and that a binding maps to a service.

    ``kind`` is one of program, host, cluster, service, bucket, database, file.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed Markdown file. ``hash`` is the SHA-256 of its bytes, ``source`` where it came from.

    ``front`` holds the sections that belong to no runbook: the title's, the table of contents, a chapter's words.
    """

    title: str
    hash: str
    source: str
    runbooks: tuple[Runbook, ...] = ()
    rules: tuple[Rule, ...] = ()
    anchors: Mapping[str, str] = field(default_factory=dict)  # any heading's anchor -> runbook id, "" in front
    chapters: tuple[Chapter, ...] = ()
    front: tuple[Section, ...] = ()
    meta: Mapping[str, object] = field(default_factory=dict)  # the front matter

    def find(self, anchor: str) -> Runbook | None:
        """The runbook that ``anchor`` (with or without ``#``) leads to, or None."""
        wanted = self.anchors.get(anchor.removeprefix("#"), "")
        return next((r for r in self.runbooks if r.id == wanted), None)
