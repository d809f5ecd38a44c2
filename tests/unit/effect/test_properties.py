"""Compositions keep their effect, and no trick of spelling lowers one."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hutch.effect import classify
from hutch.model.effect import Effect

DATA = Path(__file__).parents[2] / "data" / "effect"


def lines(name: str) -> list[str]:
    text = (DATA / f"{name}.txt").read_text("utf-8")
    return [line.replace("⏎", "\n") for line in text.splitlines() if line and not line.startswith("## ")]


def plain(name: str) -> list[str]:
    """One-line commands that can stand in a pipeline."""
    return [
        line
        for line in lines(name)
        if not any(mark in line for mark in ("\n", "#", "<<", ";", "&", "\\", "null arg", "</dev"))
    ]


SHELL_READS = plain("shell-read")
FILTERS = ["grep x", "wc -l", "head -5", "sort -nrk 3", "cut -d, -f1", "jq .status", "tail -n 3", "awk '{print $1}'"]
SHELL_HARMS = plain("shell-change") + plain("shell-destroy")
SQL_READS = [line.rstrip(";") for line in lines("sql-read") if "--" not in line and not line.startswith("\\")]
SQL_HARMS = lines("sql-change") + lines("sql-destroy")
JOINTS = [" | ", " && ", " || ", "; ", "\n", " |& "]


def effect_of(text: str, lang: str = "bash") -> Effect:
    return classify(lang, text).effect


@given(st.sampled_from(SHELL_READS), st.lists(st.sampled_from(FILTERS), max_size=4))
def test_a_pipeline_of_reads_reads(first: str, filters: list[str]) -> None:
    assert effect_of(" | ".join([first, *filters])) is Effect.READ


@given(st.lists(st.sampled_from(SHELL_READS), min_size=1, max_size=4), st.sampled_from(["; ", " && ", " || ", "\n"]))
def test_a_list_of_reads_reads(parts: list[str], joint: str) -> None:
    assert effect_of(joint.join(parts)) is Effect.READ


@given(st.lists(st.sampled_from(SHELL_READS), max_size=3), st.sampled_from(SHELL_HARMS), st.data())
def test_one_harmful_part_makes_the_whole_harmful(reads: list[str], harm: str, data: st.DataObject) -> None:
    parts = list(reads)
    parts.insert(data.draw(st.integers(0, len(parts))), harm)
    text = parts[0]
    for part in parts[1:]:
        text += data.draw(st.sampled_from(JOINTS)) + part
    assert effect_of(text) >= Effect.CHANGE


WRAPPERS = [
    "( @ )",
    "{ @; }",
    "! @",
    "if ls; then @; fi",
    "echo $(@)",
    'echo "$(@)"',
    "for i in 1 2; do @; done",
    "diff <(@) x",
]


@given(st.sampled_from(SHELL_HARMS), st.sampled_from(WRAPPERS))
def test_wrapping_never_lowers(harm: str, wrapper: str) -> None:
    assert effect_of(wrapper.replace("@", harm)) >= Effect.CHANGE


@st.composite
def respelled(draw: st.DrawFn, word: str) -> str:
    """``word`` as bash also reads it: quoted, escaped, or broken over lines."""
    pieces = []
    for letter in word:
        shapes = [letter, f"'{letter}'", f'"{letter}"', f"\\{letter}", f"{letter}''", f'{letter}""', f"{letter}\\\n"]
        pieces.append(draw(st.sampled_from(shapes)))
    return "".join(pieces)


@given(respelled("rm"), st.sampled_from([" -rf x", "\t-r\tx", " \\\n x", " x # ls"]))
def test_no_spelling_hides_a_program(program: str, rest: str) -> None:
    assert effect_of(program + rest) >= Effect.CHANGE


@given(respelled("-delete"))
def test_no_spelling_hides_a_flag(flag: str) -> None:
    assert effect_of(f"find . {flag}") >= Effect.CHANGE


@given(respelled("secret"))
def test_a_respelled_argument_is_still_the_argument(word: str) -> None:
    verdict = classify("bash", f"kubectl get {word}")
    assert verdict.effect >= Effect.CHANGE or verdict.sensitive


BLANKS = st.text(alphabet=" \t\n", min_size=1, max_size=3)
COMMENTS = st.sampled_from(["/* x */", "/* /* ; */ */", "-- x\n", "/**/"])
GAPS = st.one_of(BLANKS, COMMENTS)


@st.composite
def spaced(draw: st.DrawFn, statement: str) -> str:
    """The statement with other blanks and comments between its words, in another case."""
    words = statement.split(" ")
    text = words[0]
    for word in words[1:]:
        text += draw(GAPS) + draw(GAPS) + word
    return text.upper() if draw(st.booleans()) else text


SIMPLE = [s for s in SQL_HARMS if not any(c in s for c in "'\"$\\:{}\n-") and s.isascii()]


@given(st.sampled_from(SIMPLE).flatmap(spaced))
def test_blanks_comments_and_case_never_lower_sql(text: str) -> None:
    assert effect_of(text, "sql") >= Effect.CHANGE


@given(st.sampled_from(SQL_READS), st.sampled_from(SQL_HARMS), st.sampled_from([";", "; ", ";\n", " ; -- x\n"]))
def test_a_harmful_statement_after_a_read_counts(read: str, harm: str, joint: str) -> None:
    assert effect_of(read + joint + harm, "sql") >= Effect.CHANGE


CALLS = [
    "pg_sleep(1)",
    "nextval('s')",
    "f(1)",
    '"lower"(x)',
    "s.lower(x)",
    "set_config('a','b',true)",
    "x::mytype",
    "mytype 'x'",
    "lo_unlink(1)",
    "dblink('a','b')",
]
PLACES = [
    "select {}",
    "select 1 where {} is null",
    "select * from t order by {}",
    "values ({})",
    "select lower({}::text)",
    "with x as (select {}) select * from x",
    "select (select {})",
    "select case when true then {} end",
    "select array[{}]",
    "select * from t limit {}",
    "select 1 union all select {}",
    "explain select {}",
    "select count(*) filter (where {} is null)",
    "select * from t join u on {} is null",
    "select row({}, 1)",
    "select distinct on (a) {} from t",
    "select sum(1) over (order by {})",
    "select 1 group by {}",
    "copy (select {}) to stdout",
]


@given(st.sampled_from(CALLS), st.sampled_from(PLACES))
def test_a_harmful_call_counts_wherever_it_stands(call: str, place: str) -> None:
    assert effect_of(place.format(call), "sql") >= Effect.CHANGE


@given(st.text(max_size=200))
def test_no_text_breaks_a_classifier(text: str) -> None:
    for lang in ("sql", "bash", "http"):
        verdict = classify(lang, text)
        assert verdict.why
        assert "\n" not in verdict.why


WORDS = ["rm x", "ls", "$(", "EOF", "/dev/null", "$X", "if", "then", "fi", "<<EOF\n"]
SHARDS = st.lists(st.sampled_from([*"'\"\\`);|&{}>=a(* #\n", *WORDS]), max_size=14)


@given(SHARDS)
def test_shell_shards_are_judged_without_error(shards: list[str]) -> None:
    assert classify("bash", "".join(shards)).effect in Effect


SQL_WORDS = [
    "select ", "explain ", "copy ", " to stdout", "show ", "with x as ", "delete from t ", "where ",
    "update t set a", "merge into t using s on ", "alter table t ", "drop ", "values ", "f(1)", "::", "cast(",
    " as ", "for update", "into ", "from t ", "distinct on ", "analyze ", "insert into t ", "or ", "not ", "null",
    "like ",
]  # fmt: skip
SQL_SHARDS = st.lists(st.sampled_from([*"'\"()$;,.:*=-[]{}\\ x1\n", *SQL_WORDS]), max_size=14)


@given(SQL_SHARDS, st.sampled_from(["", "select ", "explain ", "copy ", "delete from t ", "alter table t ", "show "]))
def test_sql_shards_are_judged_without_error(shards: list[str], start: str) -> None:
    verdict = classify("sql", start + "".join(shards))
    assert verdict.effect in Effect
    assert verdict.effect >= Effect.CHANGE or not start.startswith(("delete", "alter"))
