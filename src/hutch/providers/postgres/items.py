"""The lists and figures in a finding's data."""

from __future__ import annotations

from collections.abc import Mapping

from hutch.model.finding import Finding

Item = Mapping[str, object]


def items(finding: Finding | None, name: str) -> list[Item]:
    """A list of the finding's data; empty where there is none."""
    listed = finding.data.get(name, ()) if finding else ()
    assert isinstance(listed, list | tuple)
    return list(listed)


def number(item: Item, name: str) -> float:
    """A figure of it; 0 for none."""
    value = item.get(name)
    return float(str(value)) if value is not None else 0.0
