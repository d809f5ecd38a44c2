"""What a guide says that each verb needs of AWS, and what the verb asked AWS for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hutch.amazon.calls import Calls, right_for

Rights = tuple[set[str], set[str]]
"""With the key for reading, and with the one for changes."""
GUIDES = Path(__file__).parents[2] / "docs" / "guide"
HEAD = "| verb | rights for reading | rights for changes |"


def table_of(guide: str) -> dict[str, Rights]:
    """The guide's table of rights, by verb."""
    text = (GUIDES / guide).read_text("utf-8").partition(HEAD)[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {verb.strip(" `"): (_rights(reading), _rights(changing)) for verb, reading, changing in rows}


def policies_of(guide: str) -> set[str]:
    """Every right in the guide's policies: what stands in quotes."""
    return set(re.findall(r'"([a-z0-9]+:[A-Z]\w+)"', (GUIDES / guide).read_text("utf-8")))


def _rights(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


class Asked:
    """The rights that calls have needed since the last :meth:`taken`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rights: Rights = (set(), set())
        ask = Calls._ask

        def recorded(calls: Calls, service: str, verb: str, asked: Mapping[str, object]) -> Mapping[str, Any]:
            self.rights[calls._changes].add(right_for(service, verb))
            return ask(calls, service, verb, asked)

        monkeypatch.setattr(Calls, "_ask", recorded)

    def taken(self) -> Rights:
        """Those, and none any more."""
        found, self.rights = self.rights, (set(), set())
        return found
