"""What hides is shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.runbook.parse import parse
from hutch.runbook.tree import as_text
from hutch.runbook.visible import hidden, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("größe 監視 ⚠️ 🔥", "größe 監視 ⚠️ 🔥"),
        ("rm\u202ex", "rm\\u202ex"),
        ("a\u200bb\u00adc\ufeff", "a\\u200bb\\xadc\\ufeff"),
        ("\x1b[31m\x00\x9b\r", "\\x1b[31m\\x00\\x9b\\r".replace("\\r", "\\x0d")),
        ("a\ufe0fb\U000e0041", "a\\ufe0fb\\U000e0041"),
        ("x\u2028y\u2066", "x\\u2028y\\u2066"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_hidden_characters_are_named() -> None:
    assert list(hidden("rm\u202e x\x00")) == [(2, "RIGHT-TO-LEFT OVERRIDE"), (5, "\\x00")]


@given(st.text(max_size=40))
def test_nothing_hides_in_what_is_shown(text: str) -> None:
    shown = visible(text)
    assert not set(shown) & {*"\x00\x1b\x7f\x9b\r\u200b\u202e\u2066\ufeff\u2028"}
    assert not {c for c in shown if unicodedata.category(c) == "Cc"} - {"\t", "\n"}
    assert bool(list(hidden(text))) == (shown != text)


def test_the_table_of_a_document_hides_nothing() -> None:
    found = as_text(parse("# A\u202e\n\n## Fix \u200bit\n\n```sh\nrm \u202ex \x1b[2J\n```\n", "a.md"))
    assert "rm \\u202ex \\x1b[2J" in found
    assert "\u202e" not in found
    assert "\u200b" not in found
