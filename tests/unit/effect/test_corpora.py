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


@pytest.mark.parametrize(("kind", "lang"), [("sql", "sql"), ("shell", "bash")])
@pytest.mark.parametrize("effect", EFFECTS)
def test_every_line_of_a_corpus_has_its_effect(kind: str, lang: str, effect: str) -> None:
    found = [(text, verdict) for text in lines(kind, effect) for verdict in [classify(lang, text)]]
    assert len(found) > 20
    assert [(text, verdict) for text, verdict in found if verdict.effect is not Effect.of(effect)] == []


def judged(name: str) -> list[tuple[str, str]]:
    """The lines of a file, each with its effect, "!" for sensitive."""
    found = (DATA / f"{name}.txt").read_text("utf-8").splitlines()
    pairs = (line.partition(" ") for line in found if line and not line.startswith("#"))
    return [(text.replace("⏎", "\n"), word) for word, _, text in pairs]


@pytest.mark.parametrize(
    ("name", "lang"), [("by-program", "bash"), ("shell-tricks", "bash"), ("sql-tricks", "sql"), ("sensitive", "bash")]
)
def test_lines_judged_by_hand(name: str, lang: str) -> None:
    found = [(text, word, classify(lang, text)) for text, word in judged(name)]
    assert len(found) > 20
    assert [row for row in found if row[2].effect.word + "!" * row[2].sensitive != row[1]] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:50])
def test_what_an_expert_says(case: dict[str, str]) -> None:
    verdict = classify(case.get("lang", "bash"), case["text"])
    assert (verdict.effect.word, verdict.sensitive) == (case["effect"], case.get("sensitive", False))
    assert case["why"] in verdict.why
    assert "\n" not in verdict.why


def test_sql_through_psql_is_as_harmful() -> None:
    given = lines("sql", "change") + lines("sql", "destroy")
    quoted = [f"psql -c '{text}'" for text in (one.replace("'", "'\\''") for one in given)]
    assert [text for text in quoted if classify("bash", text).effect <= Effect.READ] == []


def test_harm_stays_harm_inside_other_commands() -> None:
    given = lines("shell", "change") + lines("shell", "destroy")
    wrapped = [f"ls; {text}" for text in given] + [f"{text}\nls" for text in given]
    quoted = [text.replace("'", "'\\''") for text in given]
    wrapped += [f"bash -c '{text}'" for text in quoted] + [f"sudo bash -c '{text}'" for text in quoted]
    assert [text for text in wrapped if classify("bash", text).effect <= Effect.READ] == []


def programs() -> list[str]:
    folder = Path(__file__).parents[3] / "src" / "hutch" / "effect" / "programs"
    return sorted(path.stem for path in folder.glob("*.toml"))


def test_every_program_file_is_well_formed() -> None:
    for program in programs():
        spec = spec_of(program)
        assert spec is not None, program
        assert all(sub.path for sub in spec.subs), program
        harmful = [spec, *spec.subs]
        assert all(s.why or s.hook or s.effect is Effect.READ for s in harmful if not s.subs), f"{program} says no why"


def test_the_programs_asked_for_are_known() -> None:
    asked = """psql redis-cli curl wget git aws kubectl oc docker systemctl journalctl vercel railway npm terraform helm
    gh pg_dump pg_restore openssl dig ssh find sed awk tar dd rm cat grep head tail wc sort uniq cut tr jq ls stat df du
    free ps top uptime vmstat iostat ss netstat ping traceroute host nslookup date echo printf true test hostname uname
    id whoami env printenv which file less more"""
    assert [name for name in asked.split() if spec_of(name) is None] == []
