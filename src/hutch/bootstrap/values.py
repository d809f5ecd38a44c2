"""Reads one setting of each kind from a YAML node, with one clear error for a bad value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from hutch.bootstrap.yamlnodes import Node
from hutch.model.event import parse_instant
from hutch.ports import Setting

DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def text(node: Node) -> str:
    """Text; a number is taken as it is written."""
    if isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
        return str(node.value)
    raise node.fail("expected text")


def number(node: Node) -> float:
    """A number."""
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise node.fail(f"expected a number, found {node.plain()!r}")
    return float(node.value)


def integer(node: Node) -> int:
    """A whole number."""
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        raise node.fail(f"expected a whole number, found {node.plain()!r}")
    return node.value


def boolean(node: Node) -> bool:
    """true or false."""
    if not isinstance(node.value, bool):
        raise node.fail(f"expected true or false, found {node.plain()!r}")
    return node.value


def duration(node: Node) -> timedelta:
    """A length of time: ``30s``, ``5m``, ``2h``, ``1d``."""
    match = DURATION.match(str(node.plain()))
    if not match:
        raise node.fail(f"expected a duration such as 30s, 5m, 2h or 1d, found {node.plain()!r}")
    return timedelta(seconds=float(match[1]) * UNITS[match[2]])


def time(node: Node) -> datetime:
    """A time with its zone, in UTC: ``2026-02-01T02:00:00Z``. One without is taken as UTC where YAML reads a time."""
    if isinstance(node.value, datetime):
        return node.value.replace(tzinfo=node.value.tzinfo or UTC).astimezone(UTC)
    try:
        return parse_instant(str(node.plain()))
    except ValueError as error:
        raise node.fail(f"expected a time such as 2026-02-01T02:00:00Z: {error}") from error


def url(node: Node) -> str:
    """A URL with a scheme and a host."""
    value = text(node)
    parts = urlsplit(value)
    if not parts.scheme or not parts.netloc:
        raise node.fail(f"expected a URL such as https://host, found {value!r}")
    return value


def secret(node: Node) -> str:
    """A reference to a secret: ``{env: NAME}`` or ``{file: PATH}``, given back as ``env:NAME`` or ``file:PATH``.

    A URL that holds no password may be written as it is (given back with the prefix ``plain:``).
    """
    if isinstance(node.value, dict):
        node.only(["env", "file"])
        if len(node.value) != 1:
            raise node.fail("expected one of {env: NAME} or {file: PATH}")
        source, place = next(iter(node.value.items()))
        return f"{source}:{text(place)}"
    value = text(node)
    parts = urlsplit(value)
    if parts.scheme and parts.netloc and not parts.password:
        return f"plain:{value}"
    raise node.fail("a secret is not written in this file: use {env: NAME} or {file: PATH}")


def secrets(node: Node) -> dict[str, str]:
    """Variables that hold secrets: each a reference, never a value."""
    found = {}
    for name, child in node.mapping().items():
        if not isinstance(child.value, dict):
            raise child.fail("a secret is not written in this file: use {env: NAME} or {file: PATH}")
        found[name] = secret(child)
    return found


def path(node: Node) -> str:
    """A file that can be read; a relative name is taken from the configuration's folder."""
    found = Path(node.path).parent / text(node)
    if not found.is_file():
        raise node.fail(f"there is no file {found}")
    return str(found)


def folder(node: Node) -> str:
    """A folder, which need not be there yet; a relative name is taken from the configuration's folder."""
    found = (Path(node.path).parent / text(node)).absolute()
    if found.exists() and not found.is_dir():
        raise node.fail(f"{found} is no folder")
    return str(found)


def texts(node: Node) -> list[str]:
    """A list of texts."""
    return [text(n) for n in node.items()]


def text_map(node: Node) -> dict[str, str]:
    """A mapping from text to text."""
    return {k: text(n) for k, n in node.mapping().items()}


def plain_map(node: Node) -> dict[str, object]:
    """A mapping whose values are the provider's own business."""
    return {k: n.plain() for k, n in node.mapping().items()}


KINDS: Mapping[str, Callable[[Node], object]] = {
    "text": text,
    "url": url,
    "secret": secret,
    "secrets": secrets,
    "int": integer,
    "float": number,
    "bool": boolean,
    "duration": duration,
    "time": time,
    "path": path,
    "folder": folder,
    "list": texts,
    "map": plain_map,
}
"""How each kind of setting is read."""


def settings(node: Node, known: Sequence[Setting]) -> dict[str, object]:
    """All settings of a block: given values read, defaults filled in, unknown and missing ones refused."""
    node.only([s.name for s in known])
    given = node.mapping()
    found: dict[str, object] = {}
    for setting in known:
        if setting.name in given and given[setting.name].value is not None:
            found[setting.name] = KINDS[setting.kind](given[setting.name])
        elif setting.required:
            raise node.fail(f"{setting.name} is missing: {setting.doc}")
        else:
            found[setting.name] = setting.default
    return found
