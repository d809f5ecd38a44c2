"""What stands after the fence: the language, and Runme's annotations in both forms.

JSON (``sql {"name":"x","hutch.effect":"change"}``) and attributes (``sh { name=x interactive=false }``). Runme ends
an annotation at the first ``}``, so no value may hold one; what follows it is not Runme's. Words without ``=`` are of
other tools (``{.numberLines}``, ``{1,3-4}``, ``{r}``) and say nothing here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from hutch.model.runbook import ActionCall
from hutch.runbook import yaml_text
from hutch.runbook.errors import RunbookError
from hutch.runbook.yaml_text import YamlError

LANGUAGES: Mapping[str, str] = {
    "zsh": "bash",
    "ksh": "bash",
    "shellscript": "bash",
    "shell-session": "console",
    "shellsession": "console",
    "terminal": "console",
    "sh-session": "console",
    "postgres": "sql",
    "postgresql": "sql",
    "pgsql": "sql",
    "psql": "sql",
    "yml": "yaml",
    "ts": "typescript",
    "md": "markdown",
    "py": "python",
    "python3": "python",
}
"""Other names that documents give to a language."""

_LANGUAGE = re.compile(r"[^\s{]+")
_WORD = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"|[^\s"])+)')
_EXAMPLE = 'write flat JSON after the language: {"name":"check","hutch.effect":"read"}'


def language(info: str) -> str:
    """The language of a fence by its usual name, lower case; empty where it has none."""
    found = _LANGUAGE.match(info)
    word = found.group().lower() if found else ""
    return LANGUAGES.get(word, word)


def read_annotations(info: str, line: int) -> dict[str, str]:
    """The annotations after the language. Raises :class:`RunbookError` with ``line`` for malformed ones."""
    start = info.find("{")
    if start < 0:
        return {}
    body = info[start:].strip()
    return _json(body, line) if body[1:].lstrip().startswith('"') else _attributes(body, line)


def _json(body: str, line: int) -> dict[str, str]:
    decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: _flat(pairs, line))
    try:
        read, _ = decoder.raw_decode(body)
    except json.JSONDecodeError as error:
        raise RunbookError(
            f"malformed annotation: {error.msg} at character {error.pos + 1}; {_EXAMPLE}", line
        ) from None
    except RecursionError:
        raise RunbookError(f"malformed annotation: nested too deep; {_EXAMPLE}", line) from None
    return {key: value for key, value in read.items() if isinstance(value, str)}


def _flat(pairs: list[tuple[str, object]], line: int) -> dict[str, str]:
    """Runme's reading: a string as it is, anything else as its JSON text; ours are strings."""
    for key, value in pairs:
        if isinstance(value, dict) or (isinstance(value, list) and key.startswith("hutch.")):
            raise RunbookError(f"annotation {key!r} is not a string; {_EXAMPLE}", line)
        if isinstance(value, str) and "}" in value:
            raise RunbookError(f"annotation {key!r} holds a '}}', where an annotation ends; leave it out", line)
    return {k: v if isinstance(v, str) else json.dumps(v, separators=(",", ":")) for k, v in pairs}


def _attributes(body: str, line: int) -> dict[str, str]:
    inner, closed, _ = body[1:].partition("}")
    found: dict[str, str] = {}
    for match in _WORD.finditer(inner):
        key, equals, value = match[1].partition("=")
        if not equals and not key.startswith("hutch."):
            continue
        if not closed or not key or not value:
            raise RunbookError(f"malformed annotation {body[:40]!r}; {_EXAMPLE}", line)
        found[key] = value.strip('"')
    return found


def action_call(name: str, text: str, line: int) -> ActionCall:
    """The typed action of a ``yaml`` block: its arguments are the block's mapping. ``line`` is the block's first."""
    try:
        args = yaml_text.load(text)
    except YamlError as error:
        raise RunbookError(
            f"action {name!r}: the arguments are not YAML ({error.problem}); correct them", line + error.line
        ) from None
    if args is None:
        return ActionCall(name)
    if not isinstance(args, dict):
        raise RunbookError(
            f"action {name!r}: the arguments are a {type(args).__name__}; write 'key: value' lines", line
        )
    return ActionCall(name, {str(key): value for key, value in args.items()})
