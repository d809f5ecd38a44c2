"""Every line of the corpora has the effect that its file's name says; nothing in them is ever executed here."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hutch.effect import classify
from hutch.effect.specs import spec_of
from hutch.model.effect import Effect

DATA = Path(__file__).parents[2] / "data" / "effect"
EFFECTS = ("read", "change", "destroy")
CASES = tomllib.loads((DATA / "seed-like.toml").read_text("utf-8"))["case"]


def lines(kind: str, effect: str) -> list[str]:
    text = (DATA / f"{kind}-{effect}.txt").read_text("utf-8")
    return [line.replace("⏎", "\n") for line in text.splitlines() if line and not line.startswith("## ")]


def rows(kind: str) -> list[tuple[str, str]]:
    return [(line, effect) for effect in EFFECTS for line in lines(kind, effect)]


@pytest.mark.parametrize(("text", "effect"), rows("sql"))
def test_sql_corpus(text: str, effect: str) -> None:
    verdict = classify("sql", text)
    assert verdict.effect is Effect.of(effect), verdict.why


@pytest.mark.parametrize(("text", "effect"), rows("shell"))
def test_shell_corpus(text: str, effect: str) -> None:
    verdict = classify("bash", text)
    assert verdict.effect is Effect.of(effect), verdict.why


def judged(name: str) -> list[tuple[str, str]]:
    """The lines of a file, each with its effect, "!" for sensitive."""
    found = (DATA / f"{name}.txt").read_text("utf-8").splitlines()
    pairs = (line.partition(" ") for line in found if line and not line.startswith("#"))
    return [(text.replace("⏎", "\n"), word) for word, _, text in pairs]


@pytest.mark.parametrize(("text", "word"), judged("by-program") + judged("shell-tricks"))
def test_shell_lines_judged_by_hand(text: str, word: str) -> None:
    verdict = classify("bash", text)
    assert verdict.effect.word + "!" * verdict.sensitive == word, verdict.why


@pytest.mark.parametrize(("text", "word"), judged("sql-tricks"))
def test_sql_lines_judged_by_hand(text: str, word: str) -> None:
    verdict = classify("sql", text)
    assert verdict.effect.word + "!" * verdict.sensitive == word, verdict.why


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:50])
def test_what_an_expert_says(case: dict[str, str]) -> None:
    verdict = classify(case.get("lang", "bash"), case["text"])
    assert (verdict.effect.word, verdict.sensitive) == (case["effect"], case.get("sensitive", False))
    assert case["why"] in verdict.why
    assert "\n" not in verdict.why


@pytest.mark.parametrize("text", lines("sql", "change") + lines("sql", "destroy"))
def test_sql_through_psql_is_as_harmful(text: str) -> None:
    quoted = text.replace("'", "'\\''")
    assert classify("bash", f"psql -c '{quoted}'").effect >= Effect.CHANGE


@pytest.mark.parametrize("text", lines("shell", "change") + lines("shell", "destroy"))
def test_harm_stays_harm_inside_other_commands(text: str) -> None:
    alone = classify("bash", text).effect
    assert classify("bash", f"ls; {text}").effect >= Effect.CHANGE
    assert classify("bash", f"{text}\nls").effect >= Effect.CHANGE
    quoted = text.replace("'", "'\\''")
    assert classify("bash", f"bash -c '{quoted}'").effect >= min(alone, Effect.CHANGE)
    assert classify("bash", f"sudo bash -c '{quoted}'").effect >= Effect.CHANGE


def programs() -> list[str]:
    folder = Path(__file__).parents[3] / "src" / "hutch" / "effect" / "programs"
    return sorted(path.stem for path in folder.glob("*.toml"))


@pytest.mark.parametrize("program", programs())
def test_every_program_file_is_well_formed(program: str) -> None:
    spec = spec_of(program)
    assert spec is not None
    assert all(sub.path for sub in spec.subs)
    harmful = [spec, *spec.subs]
    assert all(s.why or s.hook or s.effect is Effect.READ for s in harmful if not s.subs), "a change says why"


def test_the_programs_asked_for_are_known() -> None:
    asked = """psql redis-cli curl wget git aws kubectl oc docker systemctl journalctl vercel railway npm terraform helm
    gh pg_dump pg_restore openssl dig ssh find sed awk tar dd rm cat grep head tail wc sort uniq cut tr jq ls stat df du
    free ps top uptime vmstat iostat ss netstat ping traceroute host nslookup date echo printf true test hostname uname
    id whoami env printenv which file less more"""
    assert [name for name in asked.split() if spec_of(name) is None] == []
