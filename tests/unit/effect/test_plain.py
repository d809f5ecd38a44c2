"""Plain lines are told by their characters; the walk over the parser's tree says the same of each."""

from __future__ import annotations

import re
import shlex
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
BARE = st.sampled_from(KNOWN) | st.text("abXY09@+=:,./_-", min_size=1, max_size=6)
HELD = st.text("abXY09 \t@+=:,./_-|;&<>#*?!~(){}[]^\"'$\\`\n%", min_size=1, max_size=8)
VARIABLE = st.sampled_from(["$HOLE", "$X", "$a_1", "$IFS", "$_", "$PWD", "$BASH_ENV", "$1", "$$"])
MIXED = st.lists(VARIABLE | st.text("ab0@+=:,./_-", min_size=1, max_size=3), min_size=1, max_size=4).map("".join)
WORD = BARE | BARE | MIXED | VARIABLE.map('"{}"'.format) | HELD.map('"{}"'.format) | HELD.map("'{}'".format)
FIRST = st.sampled_from([p.stem for p in PROGRAMS]) | BARE
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
def test_its_words_are_those_that_a_shell_would_split(line: str) -> None:
    words = plain_words(line)
    shown = re.sub(r"\$\w+", "\0", line) if "'" not in line else line
    assert not words or "'" in line or [word.text for word in words] == shlex.split(shown.replace("\\\n", ""))


@pytest.mark.parametrize("line", [
    "", "ls ", " ls", "ls *", "ls ~", "$HOME", "ls $(id)", "ls 'a'b", 'ls "a"b', "ls|wc", "ls;id", "ls&", "ls > a",
    "ls # a", "ls $X\\\n a", "ls $X$Y", "ls $X=a", "ls a=b=$X", "ls 'a'\\\n a",
    "ls a\\ b", "A=b ls", "ls =a", "ls a=", "ls a==b", "if ls", "time ls", "export A=b", "echo then", "ls {a,b}",
    "ls !a", "ls a\\\n", "ls é", "ls a%b", "ls\na", "ls\ra", "(ls)", "ls a[0]", "@ls", "-ls", "+ls",
    "ls ${X}", "ls $1", "ls $X-a", "ls $IFS", "ls '", 'ls "a', "ls ''", 'ls "a$X"', 'ls "a\\n"', "'ls'", "ls 'é'",
    "ls $'a'", 'ls $"a"', 'ls "`id`"', "ls 'a\nb'", "ls a'b'", "ls $X'b'", "ls -$X=", "ls " + "a" * 1000,
])  # fmt: skip
def test_what_a_shell_or_its_parser_could_take_for_more_is_left_to_the_walk(line: str) -> None:
    assert plain_words(line) == []
