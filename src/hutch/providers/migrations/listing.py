"""What a team's own command tells of its migrations, as rows like those of a table of versions. Pure.

Either JSON (``{"applied": […], "half_applied": […], "pending": […]}``, or a list of ``{"version", "name", "state"}``),
or lines that hold a state and a version: dbmate's ``[X] 20260102_name.sql``, Rails' ``up 20260102 Name``, ``applied
020 name``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from hutch.providers.migrations.client import MigrationsError

_STATES = {
    "applied": ("applied", "up", "done", "yes", "success", "executed", "finished", "[x]"),
    "half-applied": ("half-applied", "half_applied", "failed", "dirty", "error"),
    "pending": ("pending", "down", "no", "todo", "waiting", "[ ]", "not-applied"),
}
STATE_OF = {word: state for state, words in _STATES.items() for word in words}
_LINE = re.compile(r"\s*(?P<state>\[[ xX]\]|[A-Za-z_-]+)[\s:|]+(?P<version>[A-Za-z0-9][\w.-]{0,127})(?P<rest>.*)")
_TABLE = re.compile(r"\s*(?P<version>\d[\w.-]{0,127})(?P<rest>[^\n]*?)[\s:|]+(?P<state>\[[ xX]\]|[A-Za-z_-]+)\s*")


def rows_of(text: str) -> list[dict[str, object]]:
    """A row for each version. Raises :class:`MigrationsError` where nothing in it can be read as such."""
    found = list(_of_json(text)) if text.lstrip()[:1] in ("{", "[") and not _LINE.match(text) else list(_of_lines(text))
    if not found and text.strip():
        raise MigrationsError(
            "status_command says nothing that can be read: print lines such as `applied 020 name`, or JSON"
            ' {"applied": [], "half_applied": [], "pending": []}'
        )
    return found


def _row(version: str, state: str) -> dict[str, object]:
    """In the columns that such tables have."""
    if state == "pending":
        return {"version": version, "rolled_back_at": "-"}
    return {"version": version, **({"dirty": True} if state == "half-applied" else {})}


def _of_json(text: str) -> Iterator[dict[str, object]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise MigrationsError("status_command begins like JSON and is none") from None
    if isinstance(data, Mapping) and "migrations" in data:
        data = data["migrations"]
    if isinstance(data, Mapping):
        pairs = [(v, STATE_OF.get(str(key).replace("_", "-"), "")) for key, some in data.items() for v in _texts(some)]
    else:
        items = [one for one in data if isinstance(one, Mapping)] if isinstance(data, list) else []
        pairs = [(str(one.get("version", "")), STATE_OF.get(str(one.get("state", "")).lower(), "")) for one in items]
    yield from (_row(version, state) for version, state in pairs if version and state)


def _texts(value: object) -> list[str]:
    return [str(one) for one in value if isinstance(one, str | int)] if isinstance(value, list) else []


def _of_lines(text: str) -> Iterator[dict[str, object]]:
    for line in text.splitlines():
        named = _LINE.fullmatch(line) or _TABLE.fullmatch(line)
        state = STATE_OF.get(named["state"].lower(), "") if named else ""
        if named and state:
            version = re.sub(r"\.(?:sql|rb|js|ts|py)$", "", named["version"])
            numbered = re.match(r"(\d+)[_-]", version)
            yield _row(numbered[1] if numbered else version, state)
