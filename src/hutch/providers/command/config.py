"""The settings of a team's own command lines, and their checked form."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hutch.ports import Setting
from hutch.providers.command.causes import CODES
from hutch.providers.command.line import PLAIN, Line
from hutch.providers.command.sources import Sources, sources_from

SETTINGS = (
    Setting("verbs", "map", "what can be done, by verb (`deploy.rollback` …): see docs/guide/command-provider.md"),
    Setting("checks", "map", "what tells whether the service is well, by name: `run`, `expect`, `cause`, `remedies`"),
    Setting("advisories", "map", "the reports on a release's packages: `files`, `run`, `severity`, `max_age` …"),
    Setting("directory", "text", "folder that commands run in; empty: a new one, deleted afterwards", default=""),
    Setting("environment", "map", "variables that commands get, beside PATH, HOME, LANG and TMPDIR"),
    Setting("secrets", "secrets", "variables that hold secrets, each {env: NAME} or {file: PATH}"),
    Setting("timeout", "float", "longest time in seconds that one command may take", default=120.0),
)

VERB = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
NAME = re.compile(r"[a-z][a-z0-9_]*")
VERB_KEYS = ("run", "args", "effect", "preview", "hits", "verify", "expect", "pending", "undo", "each", "timeout")
CHECK_KEYS = ("run", "expect", "cause", "object", "remedies", "matters", "timeout")
ADVISORY_KEYS = ("files", "run", "severity", "unrated", "max_age", "timeout")
EFFECTS = ("read", "change", "destroy")
LINES = "lines"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be done or asked.

    ``hits`` is how many things it touches, None: as many as its preview has lines. ``expect`` and ``pending`` are
    looked for in the output of ``verify`` (of ``run`` where there is none to verify: a read).
    """

    name: str
    run: Line
    effect: str = "change"
    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    preview: Line | None = None
    hits: int | None = 1
    verify: Line | None = None
    expect: re.Pattern[str] | None = None
    pending: re.Pattern[str] | None = None
    undo: Line | None = None
    each: re.Pattern[str] | None = None
    timeout: float = 120.0

    @property
    def undo_name(self) -> str:
        """The action that undoes it: ``deploy.undo_rollback``."""
        area, _, verb = self.name.partition(".")
        return f"{area}.undo_{verb}"


@dataclass(frozen=True, slots=True)
class Probe:
    """One check: well when the command ends with 0 and shows what is expected."""

    name: str
    run: Line
    expect: re.Pattern[str] | None = None
    cause: str = ""
    object: str = ""
    remedies: tuple[str, ...] = ()
    matters: bool = True
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. ``environment`` holds secrets too and is never shown."""

    verbs: tuple[Verb, ...]
    probes: tuple[Probe, ...]
    directory: str
    environment: Mapping[str, str] = field(repr=False)
    advisories: Sources | None = None


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    timeout = _seconds("timeout", values["timeout"])
    verbs = tuple(_verb(n, _map(f"verbs.{n}", v), timeout) for n, v in _map("verbs", values["verbs"]).items())
    probes = tuple(_probe(n, _map(f"checks.{n}", v), timeout) for n, v in _map("checks", values["checks"]).items())
    return Config(
        verbs,
        probes,
        _text("directory", values["directory"] or ""),
        {**_texts("environment", values["environment"]), **_texts("secrets", values["secrets"])},
        _sources(values["advisories"], timeout),
    )


def _sources(value: object, timeout: float) -> Sources | None:
    given = _map("advisories", value)
    if not given:
        return None
    _only("advisories", given, ADVISORY_KEYS)
    seconds = _seconds("advisories.timeout", given.get("timeout", timeout))
    return replace(sources_from("advisories", given, _line), timeout=seconds)


def _verb(name: str, given: Mapping[str, object], timeout: float) -> Verb:
    where = f"verbs.{name}"
    if not VERB.fullmatch(name):
        raise ValueError(f"{where}: a verb is written area.verb, such as deploy.rollback")
    _only(where, given, VERB_KEYS)
    effect = given.get("effect", "read" if "each" in given else "change")
    if effect not in EFFECTS:
        raise ValueError(f"{where}.effect: expected one of {', '.join(EFFECTS)}, found {effect!r}")
    declared = _map(f"{where}.args", given.get("args"))
    patterns = {k: _pattern(f"{where}.args.{k}", v) if v else PLAIN for k, v in declared.items()}
    made = Verb(
        name=name,
        run=_line(f"{where}.run", given.get("run")),
        effect=str(effect),
        patterns=patterns,
        preview=_optional(_line, f"{where}.preview", given),
        hits=_hits(where, given),
        verify=_optional(_line, f"{where}.verify", given),
        expect=_optional(_pattern, f"{where}.expect", given),
        pending=_optional(_pattern, f"{where}.pending", given),
        undo=_optional(_line, f"{where}.undo", given),
        each=_optional(_each, f"{where}.each", given),
        timeout=_seconds(f"{where}.timeout", given.get("timeout", timeout)),
    )
    if made.verify is None and made.effect != "read" and (made.expect or made.pending):
        raise ValueError(f"{where}: expect and pending are looked for in what verify shows; add verify")
    return made


def _probe(name: str, given: Mapping[str, object], timeout: float) -> Probe:
    where = f"checks.{name}"
    if not NAME.fullmatch(name):
        raise ValueError(f"{where}: the name of a check has a-z, 0-9 and _ only")
    _only(where, given, CHECK_KEYS)
    cause = _text(f"{where}.cause", given.get("cause", ""))
    if cause and cause not in CODES:
        raise ValueError(f"{where}.cause: expected one of {', '.join(sorted(CODES))}, found {cause!r}")
    line = _line(f"{where}.run", given.get("run"))
    remedies = given.get("remedies") or []
    if not isinstance(remedies, list) or not all(isinstance(r, str) and VERB.fullmatch(r) for r in remedies):
        raise ValueError(f"{where}.remedies: expected a list of verbs, such as [service.restart]")
    matters = given.get("matters", True)
    if not isinstance(matters, bool):
        raise ValueError(f"{where}.matters: expected true or false, found {matters!r}")
    return Probe(
        name,
        line,
        _optional(_pattern, f"{where}.expect", given),
        cause,
        _text(f"{where}.object", given.get("object", "")),
        tuple(remedies),
        matters,
        _seconds(f"{where}.timeout", given.get("timeout", min(timeout, 10.0))),
    )


# ------------------------------------------------------------------ single values


def _optional(read: Callable[[str, object], T], where: str, given: Mapping[str, object]) -> T | None:
    key = where.rpartition(".")[2]
    return read(where, given[key]) if key in given else None


def _only(where: str, given: Mapping[str, object], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r}; known: {', '.join(known)}")


def _map(where: str, value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: expected keys and values, found {value!r}")
    return {str(k): v for k, v in value.items()}


def _texts(where: str, value: object) -> dict[str, str]:
    return {k: _text(f"{where}.{k}", v) for k, v in _map(where, value).items()}


def _text(where: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{where}: expected text, found {value!r}")
    return str(value)


def _line(where: str, value: object) -> Line:
    """A list of words, or a text that is split as a shell would, without any of its other powers."""
    try:
        words = shlex.split(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if not isinstance(words, list) or not words or not all(isinstance(w, str | int | float) for w in words):
        raise ValueError(f"{where}: expected a command line, such as [kubectl, get, pods]")
    return Line(tuple(str(w) for w in words))


def _pattern(where: str, value: object) -> re.Pattern[str]:
    try:
        return re.compile(_text(where, value), re.MULTILINE)
    except re.error as error:
        raise ValueError(f"{where}: not a regular expression: {error}") from error


def _each(where: str, value: object) -> re.Pattern[str]:
    pattern = _pattern(where, value)
    if not {"id", "at"} <= set(pattern.groupindex):
        raise ValueError(f"{where}: needs the groups (?P<id>…) and (?P<at>…), a time in ISO 8601 or seconds")
    return pattern


def _hits(where: str, given: Mapping[str, object]) -> int | None:
    value = given.get("hits", 1)
    if value == LINES and "preview" in given:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{where}.hits: expected a whole number from 1, or `lines` (of the preview's output)")
    return value


def _seconds(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{where}: expected seconds above 0, found {value!r}")
    return float(value)
