"""What we call a read, bash reads as we did: every command that it would start is a read, and no file appears.

The texts run in an empty folder with no program to be found: bash hands each command to a function that notes its
words. Nothing is started, whatever a text says.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hutch.effect import classify
from hutch.effect.arguments import Stdin
from hutch.effect.shell import run_argv
from hutch.effect.words import Word
from hutch.model.effect import Effect

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")

PREAMBLE = """
exec 9>>"$NOTES"
command_not_found_handle() { local words; printf -v words '%q ' "$@"; printf '%s\\n' "$words" >&9; return 0; }
enable -n kill exec eval source . trap
"""
MARKS = [*"'\"\\`$(){}[];|&<>!#*?~=%", " ", " ", "\n", "\t", "\\\n", "$(", "<<", "<<<", "<(", "&&", "||", "2>&1", ">&2"]
WORDS = ["rm", "ls", "cat", "grep", "find", "-delete", ".", "x", "-o", "sort", "EOF", "/dev/null", "é", "$i", "$'x'"]
BLOCKS = ["<<EOF\n", "<<'EOF'\n", "\nEOF\n", "if ls; then", "for i in a b; do", "done", "fi", "> /dev/null", "| cat"]
TEXTS = st.lists(
    st.one_of(st.sampled_from(WORDS), st.sampled_from(BLOCKS), st.sampled_from(MARKS)), min_size=1, max_size=12
)


class Recorder:
    """A folder where texts are read by bash with nothing to start."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.notes = folder / "notes"
        self.preamble = folder / "preamble"
        self.preamble.write_text(PREAMBLE)

    def commands(self, text: str) -> list[list[str]]:
        """The words of each command that bash would have started for ``text``."""
        self.notes.write_text("")
        env = {"PATH": str(self.scratch), "NOTES": str(self.notes), "BASH_ENV": str(self.preamble), "LC_ALL": "C.UTF-8"}
        command = [str(BASH), "--norc", "--noprofile", "-c", text]
        subprocess.run(command, cwd=self.scratch, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
        noted = self.notes.read_bytes().decode("utf-8", "replace").splitlines()
        return [words for line in noted if (words := _unquoted(line))]


def _unquoted(line: str) -> list[str] | None:
    """The words that bash's ``%q`` wrote, or None where it needed its own ``$'…'``."""
    return None if "$'" in line else shlex.split(line)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    yield Recorder(tmp_path_factory.mktemp("bash"))


def check(recorder: Recorder, text: str) -> None:
    if classify("bash", text).effect > Effect.READ:
        return
    commands = recorder.commands(text)
    for words in commands:
        verdict = run_argv([Word(w) for w in words], Stdin())
        assert verdict.effect <= Effect.READ, f"{text!r} was called a read, but starts {words}: {verdict.why}"
    assert not list(recorder.scratch.iterdir()), f"{text!r} was called a read, but wrote a file"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_bash_starts_only_reads(recorder: Recorder, shards: list[str]) -> None:
    check(recorder, "".join(shards))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_bash_starts_only_reads_after_a_read(recorder: Recorder, shards: list[str]) -> None:
    check(recorder, "cat x " + "".join(shards))


def test_the_recorder_sees_what_would_start(recorder: Recorder) -> None:
    assert recorder.commands("rm 'a b' \"$(ls c)\"; r\\m x") == [["ls", "c"], ["rm", "a b", ""], ["rm", "x"]]
