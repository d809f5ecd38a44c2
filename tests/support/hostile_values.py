"""Values that try to be more than values; what the tests of every language are fed with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st

from hutch.model.runbook import Rendered, Statement
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import find
from hutch.runbook.render import render

KNOWN: list[str] = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/values/hostile.jsonl").read_text("utf-8").splitlines()
]
PIECES = [*"'\"`$\\;&|<>(){}[]*?!#~=%@:/+-, \n\r\t", "a", "touch planted", "--"]


VALUES = st.one_of(
    st.sampled_from(KNOWN),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60),
    st.lists(
        st.sampled_from([*"'\"`$\\;&|<>(){}[]*?!#~=%@:/+-, \n\r\t", "a", "touch planted", "--"]),
        min_size=1,
        max_size=12,
    ).map("".join),
)


def filled(text: str, lang: str, value: str | Mapping[str, str]) -> Rendered | None:
    """The statement with the value in every place; None where it is refused, or is none (blank)."""
    statement = Statement("s", text, 1, placeholders=find(text, lang))
    names = [p.name for p in statement.placeholders]
    assert names, text
    values = dict.fromkeys(names, value) if isinstance(value, str) else value
    try:
        done = render(statement, lang, values)
    except RunbookError:
        return None
    return None if done.missing else done
