"""What the names of a document stand for at a service: the replacing half of bindings (DESIGN §3).

A statement and a table of bindings give the statement that runs here and what of it nobody has bound. Replaced is only
where a name stands, and only by what cannot be more than a name there; the document is untouched.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from hutch.model.runbook import Placeholder, Statement
from hutch.runbook.errors import RunbookError
from hutch.runbook.hosts import Mention, mentions
from hutch.runbook.render_shell import PLAIN_VALUE

AS_IS = "as-is"
"""The name means itself here."""

MANUAL = "manual"
"""A person does what the statement says."""

ACTION, FILE, TEXT = "action:", "file:", "text:"
"""How the other forms begin: a typed action or read of a provider; a file that is supplied, by its path or its text."""

WHOLE = "..."
"""After an action: it stands for all of its program's line."""

ADDRESS = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(?P<port>:\d{1,5})?(?P<path>(?:/[A-Za-z0-9_.~%-]+)*)/?",
    re.ASCII,
)
"""An address that a host may stand for: nothing in it means more than itself to a shell or in a URL."""

_KEY = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>[^/?#]+)(?P<path>/[^?#]*)?")
_PATH = re.compile(r"(?:/[^\s'\"`?#;|&<>()]*)?")
_ARGUMENT = re.compile(r"([\w.-]+)=(.*)", re.DOTALL)
_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, slots=True)
class Bound:
    """A mention, the entry of the table that it goes by, and what that says it stands for."""

    mention: Mention
    key: str
    value: str

    @property
    def shown(self) -> str:
        """As it is shown: ``https://rolerabbit.com → http://127.0.0.1:8000``."""
        return f"{self.key} → {self.value}"


@dataclass(frozen=True, slots=True)
class Action:
    """A typed action, or a read of a provider, that stands for a program. ``whole``: for all of its line, with the
    words that no argument takes, what filters its output, and the file that this would go to."""

    name: str
    args: Mapping[str, object] = field(default_factory=dict)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """A statement as it stands here: its text with each bound name replaced, its open names, and those that are
    placeholders and so wait for a value."""

    statement: Statement
    bound: tuple[Bound, ...] = ()
    open: tuple[Mention, ...] = ()
    whole: tuple[Mention, ...] = ()

    def of(self, kind: str) -> tuple[Bound, ...]:
        """The bound mentions of one kind."""
        return tuple(b for b in self.bound if b.mention.target.kind == kind)

    @property
    def manual(self) -> bool:
        """Whether a name in it stands for what a person does."""
        return any(_by_hand(b.value) for b in self.bound)

    @property
    def place(self) -> str:
        """Where the person does it, as the binding says after ``manual:``."""
        return next((b.value.partition(":")[2].strip() for b in self.bound if _by_hand(b.value)), "")


def _by_hand(value: str) -> bool:
    return value.partition(":")[0] == MANUAL


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def bind(statement: Statement, lang: str, table: Mapping[str, str]) -> Binding:
    """``statement`` by ``table``: names to what they stand for. Raises :class:`RunbookError` for a value that cannot
    stand there."""
    found = [(m, lookup(m, statement.text, table)) for m in mentions(statement, lang)]
    bound = tuple(Bound(m, key, table[key]) for m, key in found if key)
    edits = [edit for b in bound if b.value != AS_IS and not _by_hand(b.value) for edit in _edits(b, statement)]
    left = tuple(m for m, key in found if not key and not m.whole)
    return Binding(_edited(statement, edits), bound, left, tuple(m for m, key in found if not key and m.whole))


def action(value: str) -> Action | None:
    """The action that ``action:NAME key=value …`` names; None for any other form."""
    if not value.startswith(ACTION):
        return None
    try:
        name, *rest = shlex.split(value.removeprefix(ACTION))
    except ValueError:
        raise RunbookError(f"{value!r} is not an action: write action:NAME key=value …") from None
    whole = rest[-1:] == [WHOLE]
    pairs = [_ARGUMENT.fullmatch(word) for word in (rest[:-1] if whole else rest)]
    if not all(pairs):
        raise RunbookError(f"{value!r} is not an action: write action:NAME key=value …")
    args = {p[1]: int(p[2]) if p[2].isdecimal() and p[2].isascii() else p[2] for p in pairs if p}
    return Action(name, args, whole)


# ------------------------------------------------------------------ which entry


def lookup(mention: Mention, text: str, table: Mapping[str, str]) -> str:
    """The key of ``table`` that a mention in ``text`` goes by; empty when there is none."""
    name = mention.target.name
    match mention.target.kind:
        case "host":
            return _host(mention, text, table)
        case "program":
            return _program(mention, table)
    return name if name in table else ""


def _program(mention: Mention, table: Mapping[str, str]) -> str:
    """By its name with its script, or by the longest key that the command begins with: ``vercel rollback``."""
    keys = [k for k in table if tuple(k.split()) == mention.words[: len(k.split())] and k.split()]
    if mention.target.name in table:
        keys.append(mention.target.name)
    return max(keys, key=lambda k: len(k.split()), default="")


def _host(mention: Mention, text: str, table: Mapping[str, str]) -> str:
    written = _written_scheme(mention, text)
    path = _path_after(mention, text)
    ranked = []
    for key in table:
        found = _KEY.fullmatch(key)
        if found and _same_host(mention.target.name, found["host"], written) and _below(path, found["path"] or ""):
            exact = not found["host"].startswith("*")
            ranked.append((len(found["path"] or ""), exact, found["scheme"] == written, len(key), key))
    return max(ranked)[-1] if ranked else ""


def _written_scheme(mention: Mention, text: str) -> str:
    if not 0 <= mention.begins < mention.start:
        return ""
    return text[mention.begins : mention.start].partition("://")[0].lower()


def _path_after(mention: Mention, text: str) -> str:
    found = _PATH.match(text, mention.end) if mention.end >= 0 and mention.begins >= 0 else None
    return found.group() if found else ""


def _same_host(name: str, key: str, scheme: str) -> bool:
    """Whether ``key`` means the host ``name``; without a port it means the scheme's own. ``*.x.co``: any below x.co."""
    name, key = name.lower(), key.lower()
    default = _PORTS.get(scheme, "")
    if default:
        name, key = name.removesuffix(default), key.removesuffix(default)
    return name.endswith(key[1:]) and name != key[1:] if key.startswith("*.") else name == key


def _below(path: str, prefix: str) -> bool:
    prefix = prefix.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/") or not prefix


# ------------------------------------------------------------------ what it becomes


def _edits(bound: Bound, statement: Statement) -> Iterator[_Edit]:
    mention, kind = bound.mention, bound.mention.target.kind
    if kind == "file" or bound.value.startswith(ACTION):
        return
    if mention.start < 0:
        raise RunbookError(f"{mention.target.name} is not written in one piece; only {AS_IS} or {MANUAL} can bind it")
    if kind == "host":
        yield _address(bound, statement.text)
    elif kind == "program":
        yield _command(bound)
    elif PLAIN_VALUE.fullmatch(bound.value) and "--" not in bound.value:
        yield _Edit(mention.start, mention.end, bound.value)
    else:
        raise RunbookError(f"{bound.value!r}, which {kind} {bound.key} is bound to, is no name of one")


def _address(bound: Bound, text: str) -> _Edit:
    mention, value = bound.mention, ADDRESS.fullmatch(bound.value)
    if value is None:
        wanted = f"give an address such as http://127.0.0.1:8000, {AS_IS} or {MANUAL}"
        raise RunbookError(f"{bound.value!r}, which host {bound.key} is bound to, is no address; {wanted}")
    host = value["host"]
    if mention.begins < 0:
        return _Edit(mention.start, mention.end, host)
    before = text[mention.begins : mention.start]
    if value["scheme"]:
        before = f"{value['scheme']}://{before.partition('://')[2]}"
    key = _KEY.fullmatch(bound.key)
    gone = len(((key["path"] if key else "") or "").rstrip("/"))
    after = f"{host}{value['port'] or ''}{value['path']}"
    return _Edit(mention.begins, mention.end + gone, before + after)


def _command(bound: Bound) -> _Edit:
    """The words that the key stands for, replaced by other words; none of them means more than itself."""
    try:
        words = shlex.split(bound.value)
    except ValueError:
        words = []
    if not words:
        raise RunbookError(f"{bound.value!r}, which program {bound.key} is bound to, is no command")
    mention, count = bound.mention, len(bound.key.split())
    if mention.words[:count] != tuple(bound.key.split()):
        raise RunbookError(f"{bound.key} is called with options between its words: bind {mention.words[0]} instead")
    return _Edit(mention.start, mention.ends[count - 1], shlex.join(words))


def _edited(statement: Statement, edits: Iterable[_Edit]) -> Statement:
    parts: list[str] = []
    kept: list[Placeholder] = []
    holes = list(statement.placeholders)
    at = moved = 0
    for edit in [*sorted(edits, key=lambda e: (e.start, e.end)), _Edit(len(statement.text), len(statement.text), "")]:
        if edit.start < at:
            raise RunbookError("two of its bindings meet in one place: bind only one of them")
        while holes and holes[0].end <= edit.start:
            one = holes.pop(0)
            kept += [replace(one, start=one.start + moved, end=one.end + moved)] if one.start >= at else []
        parts += [statement.text[at : edit.start], edit.text]
        moved += len(edit.text) - (edit.end - edit.start)
        at = edit.end
        holes = [one for one in holes if one.start >= edit.end]
    return replace(statement, text="".join(parts), placeholders=tuple(kept))
