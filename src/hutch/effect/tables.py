"""The packaged knowledge: function, type and name lists, each read once from its TOML file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, cast


@cache
def table(name: str) -> dict[str, Any]:
    """The parsed ``data/<name>.toml``."""
    return tomllib.loads(files("hutch.effect").joinpath("data", f"{name}.toml").read_text("utf-8"))


@cache
def words(name: str, *keys: str) -> frozenset[str]:
    """A list of words in ``data/<name>.toml``: a TOML array or a block of words separated by blanks."""
    value: Any = table(name)
    for key in keys:
        value = value[key]
    return frozenset(value.split() if isinstance(value, str) else cast(list[str], value))


@cache
def reasons(name: str, *keys: str) -> dict[str, str]:
    """A mapping of names to reasons in ``data/<name>.toml``."""
    value: Any = table(name)
    for key in keys:
        value = value[key]
    return cast(dict[str, str], value)
