"""Plain lines are told by their characters; the walk over the parser's tree says the same of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hutch.effect
from hutch.effect import shell
from hutch.effect.arguments import Stdin
from hutch.effect.plain import plain_words

PROGRAMS = sorted((Path(hutch.effect.__file__).parent / "programs").glob("*.toml"))
KNOWN = sorted({w for p in PROGRAMS for w in re.findall(r"[A-Za-z0-9@+=:,./_-]+", p.read_text("utf-8"))})
WORD = st.sampled_from(KNOWN) | st.text("abXY09@+=:,./_-", min_size=1, max_size=6)
FIRST = st.sampled_from([p.stem for p in PROGRAMS]) | WORD
LINE = st.builds(
    lambda first, rest: first + "".join(blank + word for blank, word in rest),
    FIRST,
    st.lists(st.tuples(st.sampled_from([" ", "  ", "\t", " \\\n  ", "\\\n "]), WORD), max_size=6),
)


@given(LINE)
def test_the_walk_says_the_same(line: str) -> None:
    words = plain_words(line)
    assert not words or shell.run_argv(words, Stdin()) == shell._walked(line)


@given(LINE)
def test_its_words_are_those_between_the_blanks(line: str) -> None:
    words = plain_words(line)
    assert not words or [word.text for word in words] == line.replace("\\\n", "").split()


@pytest.mark.parametrize("line", [
    "", "ls ", " ls", "ls *", "ls ~", "ls $HOME", "ls 'a'", 'ls "a"', "ls|wc", "ls;id", "ls&", "ls > a", "ls # a",
    "ls a\\ b", "A=b ls", "ls =a", "ls a=", "ls a==b", "if ls", "time ls", "export A=b", "echo then", "ls {a,b}",
    "ls !a", "ls a\\\n", "ls é", "ls a%b", "ls\na", "ls\ra", "(ls)", "ls a[0]", "@ls", "-ls", "+ls",
])  # fmt: skip
def test_what_a_shell_or_its_parser_could_take_for_more_is_left_to_the_walk(line: str) -> None:
    assert plain_words(line) == []
