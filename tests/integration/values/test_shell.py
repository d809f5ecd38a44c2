"""Values into shell text, run by bash: each arrives as one word, or inside the word that it stands in, and nothing else
is started.

Run as an ordinary user in a scratch folder, with a time limit and no program to be found but one that writes down what
it was given.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hostile_values import VALUES, filled
from hutch.runbook.shell_argv import argument_list

BASH = shutil.which("bash")
ORDINARY = 65534
DROP = (
    ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--no-new-privs"]
    if os.getuid() == 0
    else []
)
pytestmark = [
    pytest.mark.skipif(BASH is None, reason="bash is not installed"),
    pytest.mark.skipif(bool(DROP) and shutil.which("setpriv") is None, reason="setpriv is not installed"),
]

PLACES = [
    ("tool [ref]", ["{}"]),
    ("tool one [ref] two", ["one", "{}", "two"]),
    ("tool --flag=[ref]", ["--flag={}"]),
    ('tool "[ref]"', ["{}"]),
    ('tool "a [ref] b" c', ["a {} b", "c"]),
    ("tool 'YOUR_REF'", ["{}"]),
    ("tool 'a YOUR_REF b' YOUR_REF", ["a {} b", "{}"]),
    ("tool <ref> {{ ref }}", ["{}", "{}"]),
    ("tool pre-[ref]", ["pre-{}"]),
    ("tool x/[ref]/y", ["x/{}/y"]),
    ('tool "$REF_X" z', ["{}", "z"]),
    ("tool $REF_X z", ["{}", "z"]),
    ("tool a${REF_X}b", ["a{}b"]),
    ('tool "pre${REF_X}post"', ["pre{}post"]),
    ("tool [ref] && true", ["{}"]),
    ("if true; then tool [ref]; fi", ["{}"]),
    ("for i in 1; do tool $i [ref]; done", ["1", "{}"]),
    ("tool $(echo a) [ref]", ["a", "{}"]),
    ('tool "$(tool2 [ref])"', None),
    ("A=1 tool [ref]", ["{}"]),
    ("tool [ref] 2>/dev/null", ["{}"]),
    ("tool <<'EOF'\n[ref]\nEOF", []),
    ("tool <<EOF\nx [ref] y\nEOF", []),
    ("tool <<< [ref]", None),
    ("tool $(echo a)-[ref]", ["a-{}"]),
    ('tool "$(echo a) [ref]" b', ["a {}", "b"]),
    ("tool \\\n  --long [ref] \\\n  end", ["--long", "{}", "end"]),
]  # fmt: skip
"""A text, and the words that the program must get where every placeholder has the value; None: only that nothing else
happens."""

TOOL = """#!/bin/sh
{
  for word in "$@"; do printf '%s\\0' "$word"; done
  printf 'input:'
  while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done
} > "$OUT"
"""


@dataclass(frozen=True)
class Scratch:
    """A folder with the one program that can be found, and another for what it writes down."""

    bin: Path
    work: Path
    out: Path

    def run(self, text: str, env: dict[str, str]) -> tuple[list[str], str] | None:
        """The words and the input that ``tool`` got; None where it was not started."""
        self.out.unlink(missing_ok=True)
        argv = [*DROP, str(BASH), "--noprofile", "--norc", "-c", text]
        given_env = {"PATH": str(self.bin), "LC_ALL": "C.UTF-8", "OUT": str(self.out), **env}
        if DROP:
            argv[0] = str(shutil.which("setpriv"))
        subprocess.run(
            argv, cwd=self.work, env=given_env, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
        assert [p.name for p in self.work.iterdir()] == [], text
        if not self.out.exists():
            return None
        found = self.out.read_bytes().decode("utf-8", "surrogateescape").split("\0")
        return found[:-1], found[-1].removeprefix("input:")


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with tempfile.TemporaryDirectory() as name:  # not in pytest's folder, which others may not enter
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("bin", "work", "out"):
            (folder / part).mkdir()
            (folder / part).chmod(0o777)
        for program in ("tool", "tool2"):
            (folder / "bin" / program).write_text(TOOL)
            (folder / "bin" / program).chmod(0o755)
        yield Scratch(folder / "bin", folder / "work", folder / "out" / "words")


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_a_value_arrives_as_it_is(scratch: Scratch, place: tuple[str, list[str] | None], value: str) -> None:
    text, wanted = place
    done = filled(text, "bash", value)
    if done is None:
        return
    seen = scratch.run(done.text, dict(done.env))
    if wanted is None:
        return
    assert seen is not None, done.text
    assert seen[0] == [word.format(value) if "{}" in word else word for word in wanted], done.text
    if "<<" in text:
        assert value in seen[1], done.text
    direct = argument_list(done.text)
    if direct and not done.env:
        assert direct[direct.index("tool") + 1 :] == seen[0], "without a shell it would be something else"


MARKS = [
    *"'\"\\`$;|&<>(){}[]*?!#~=%:/+-, \n\t",
    "\\\n",
    "\\d",
    '"a b"',
    "'c d'",
    "https://a.example/x?y=[1]",
    "A=1",
    "$'x'",
    '$"x"',
]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*MARKS, "a", "b", " ", " ", "é"]), max_size=10).map("".join))
@example("=\\\n!")
def test_without_a_shell_it_is_what_the_shell_would_start(scratch: Scratch, rest: str) -> None:
    found = argument_list(f"tool {rest}")
    if not found:
        return
    assert scratch.run(f"tool {rest}", {}) == (found[1:], "")


def test_the_scratch_sees_what_would_be_started(scratch: Scratch) -> None:
    """The tests above can fail."""
    assert scratch.run("tool 'a b' \"$X\" c; tool2", {"X": "x y"}) is not None
    assert scratch.run("tool 'a b' \"$X\" c", {"X": "x y"}) == (["a b", "x y", "c"], "")
    with pytest.raises(AssertionError):
        scratch.run("tool a > planted", {})
    (scratch.work / "planted").unlink()
    assert scratch.run("no-such-program", {}) is None


@pytest.mark.parametrize("text", [text for text, wanted in PLACES if wanted is not None])
def test_every_place_takes_a_plain_value(scratch: Scratch, text: str) -> None:
    done = filled(text, "bash", "calm")
    assert done is not None
    assert scratch.run(done.text, dict(done.env)) is not None
