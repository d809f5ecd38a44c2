"""``hutch.capture``: a value out of a step's output, for the placeholders of later steps.

``"hutch.capture": "pid"`` takes the whole output (one line); ``"pid = /pid: (\\\\d+)/"`` the first group of a pattern
(:mod:`hutch.runbook.pattern`); ``"pid = $.items[0].pid"`` a value of JSON output. Several stand with commas between.
"""

from __future__ import annotations

import json
import re

from hutch.model.runbook import Capture
from hutch.runbook.errors import RunbookError
from hutch.runbook.pattern import compile_pattern, first_match
from hutch.runbook.placeholders import normal

MOST_TEXT = 256 * 1024
"""Characters at the end of an output that are looked at."""

MOST_VALUE = 4096
"""Characters that a captured value may have: more is no value but a text."""

_NAME = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*")
_SOURCE = re.compile(r"=\s*(?:/(?P<pattern>(?:[^/\\]|\\.)*)/|(?P<path>\$[^,\s]*))\s*")
_STEP = re.compile(r"\.(?P<key>[\w-]+)|\[(?P<index>-?\d{1,9})\]|\[(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\")\]")
_EXAMPLE = 'write "hutch.capture":"pid", "pid = /pid: (\\\\d+)/" or "pid = $.items[0].pid"'


def parse_captures(text: str, line: int = 0) -> tuple[Capture, ...]:
    """The captures of an annotation's value. Raises :class:`RunbookError`."""
    found: list[Capture] = []
    at = 0
    while True:
        one, at = _capture(text, at, line)
        if any(other.name == one.name for other in found):
            raise RunbookError(f"hutch.capture takes {one.name!r} twice; give each its own name", line)
        found.append(one)
        if at == len(text):
            return tuple(found)
        if text[at] != ",":
            raise _wrong(text, line)
        at += 1


def _capture(text: str, at: int, line: int) -> tuple[Capture, int]:
    named = _NAME.match(text, at)
    if named is None:
        raise _wrong(text, line)
    source = _SOURCE.match(text, named.end())
    if source is None:
        return Capture(normal(named[1])), named.end()
    pattern = (source["pattern"] or "").replace("\\/", "/")
    made = Capture(normal(named[1]), pattern, source["path"] or "")
    try:
        _check(made)
    except RunbookError as error:
        raise RunbookError(f"hutch.capture {named[1]!r}: {error.message}", line) from None
    return made, source.end()


def _check(capture: Capture) -> None:
    if capture.path:
        _keys(capture.path)
    else:
        compile_pattern(capture.pattern)


def _wrong(text: str, line: int) -> RunbookError:
    return RunbookError(f"hutch.capture: cannot read {text[:60]!r}; {_EXAMPLE}", line)


def extract(capture: Capture, output: str) -> str:
    """The value of ``capture`` in ``output``.

    Raises :class:`RunbookError` saying what was not found: a step whose capture finds nothing has not passed.
    """
    value = _by_path(capture, output) if capture.path else _by_text(capture, output)
    if not value.strip():
        raise _nothing(capture, "finds only white space")
    if len(value) > MOST_VALUE:
        raise _nothing(capture, f"finds {len(value)} characters, more than {MOST_VALUE}")
    return value


def _by_text(capture: Capture, output: str) -> str:
    text = output[-MOST_TEXT:]
    if capture.pattern:
        found = first_match(compile_pattern(capture.pattern), text)
        if found is None:
            raise _nothing(capture, f"does not find /{capture.pattern}/ in the output")
        return found
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise _nothing(capture, f"wants an output of one line and got {len(lines) or 'none'}: add a pattern or a path")
    return lines[0]


def _by_path(capture: Capture, output: str) -> str:
    try:
        seen: object = json.loads(output)
    except (json.JSONDecodeError, RecursionError):
        raise _nothing(capture, f"wants JSON for {capture.path}, which the output is not") from None
    try:
        seen = value_at(capture.path, seen)
    except RunbookError as error:
        raise _nothing(
            capture, f"does not find {capture.path} in the output: {error.message.partition(': ')[2]}"
        ) from None
    if isinstance(seen, dict | list) or seen is None:
        raise _nothing(capture, f"finds no single value at {capture.path}")
    return seen if isinstance(seen, str) else json.dumps(seen)


def value_at(path: str, data: object) -> object:
    """What stands at ``$.items[0].name`` in JSON that was read. Raises :class:`RunbookError` where nothing does."""
    seen = data
    for key in _keys(path):
        try:
            seen = _within(seen, key)
        except LookupError:
            raise RunbookError(f"there is nothing at {path[:60]}: no {key!r}") from None
    return seen


def check_path(path: str) -> None:
    """Raises :class:`RunbookError` for what is no path."""
    if not path.startswith("$"):
        raise RunbookError(f"cannot read the path {path[:60]!r}; write $.items[0].name")
    _keys(path)


def _within(seen: object, key: str | int) -> object:
    """Raises ``LookupError`` for what is not there."""
    if isinstance(key, int) and isinstance(seen, list):
        return seen[key]
    if isinstance(key, str) and isinstance(seen, dict):
        return seen[key]
    raise LookupError(key)


def _keys(path: str) -> list[str | int]:
    keys: list[str | int] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise RunbookError(f"cannot read the path {path[:60]!r}; write $.items[0].name")
        if found["index"]:
            keys.append(int(found["index"]))
        else:
            keys.append(next(g for g in found.group("key", "single", "double") if g is not None))
        at = found.end()
    return keys


def _nothing(capture: Capture, what: str) -> RunbookError:
    return RunbookError(f"hutch.capture {capture.name!r} {what}")
