"""What a rehearsal is played on, read from its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from rehearsal.script import Scene, ScriptError, read

from hutch.commands.documents import bundled, load_document
from hutch.commands.drills.catalogue import find_faults

HERE = Path(__file__).resolve().parents[3] / "rehearsal"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "script.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_chapter_says_comes_before_what_its_platform_says(tmp_path: Path) -> None:
    script = read(
        written(
            tmp_path,
            '[platform.local.binds]\na = "1"\nb = "1"\n[platform.ecs]\napi = "ecs"\n[why]\n7 = "there is none here"\n'
            '[[chapter]]\nrunbook = "outage"\nfault = "leak"\nplatforms = ["local", "ecs"]\nbinds = { b = "2" }\n',
        )
    )
    one, two = script.of("outage")
    assert (one.platform, one.api, one.fault, one.binds) == ("local", "local", "leak", {"a": "1", "b": "2"})
    assert (two.platform, two.api, two.binds) == ("ecs", "ecs", {"b": "2"})
    assert script.why == {7: "there is none here"}


def test_a_chapter_that_the_script_does_not_name_is_played_without_a_fault(tmp_path: Path) -> None:
    assert read(written(tmp_path, "[platform.local]\n")).of("anything") == (Scene("anything"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[chapter]]\nfault = 'leak'\n", "a chapter has no runbook; known: binds, "),
        ("[[chapter]]\nrunbook = 'a'\nfautl = 'leak'\n", "a chapter has fautl; known: binds, "),
        (
            "[[chapter]]\nrunbook = 'a'\nplatforms = ['mars']\n",
            "a names the platform mars, which has no [platform.mars]",
        ),
        ("[[chapter", "is no script: "),
    ],
)
def test_a_script_that_cannot_be_played(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ScriptError, match=r"script\.toml") as error:
        read(written(tmp_path, text))
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["seed", "library"])
def test_every_fault_of_our_scripts_is_installed(name: str) -> None:
    faults = find_faults()
    assert {s.fault for s in read(HERE / f"{name}.toml").scenes if s.fault} - set(faults) == set()


def test_our_script_names_chapters_of_the_library() -> None:
    known = {f"{n}#{r.id}" for n, path in bundled().items() for r in load_document(str(path)).runbooks}
    assert {s.runbook for s in read(HERE / "library.toml").scenes} - known == set()
