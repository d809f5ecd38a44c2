"""Generated command lines: what is called a read runs for real, and changes no file and sends nothing."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hutch.effect import classify
from hutch.effect.specs import spec_of
from hutch.model.effect import Effect
from shell_world import Shell, shell

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
GRAMMAR = tomllib.loads((Path(__file__).parents[2] / "data" / "effect" / "grammar.toml").read_text("utf-8"))["shell"]
PROGRAMS: dict[str, list[str]] = GRAMMAR["programs"]
SHAPES: dict[str, list[str]] = GRAMMAR["shapes"]


def command(draw: st.DrawFn) -> str:
    """A program with one or two of its pieces; sometimes with one of another program."""
    program = draw(st.sampled_from(sorted(PROGRAMS)))
    pieces = [draw(st.sampled_from(PROGRAMS[program])) for _ in range(draw(st.sampled_from((1, 1, 1, 2))))]
    if draw(st.integers(0, 9)) == 0:
        pieces.append(draw(st.sampled_from(PROGRAMS[draw(st.sampled_from(sorted(PROGRAMS)))])))
    return f"{spelled(draw, program)} {' '.join(pieces)}".strip()


def spelled(draw: st.DrawFn, program: str) -> str:
    """The program's name as it is, or in another spelling of bash's."""
    one, rest = program[:1], program[1:]
    others = (f"'{program}'", f'"{program}"', f"\\{program}", f"{one}''{rest}", f"$'{program}'", f"{one}\\\n{rest}")
    shapes = (program, program, program, program, f"/usr/bin/{program}", f"/bin/{program}", *others)
    return draw(st.sampled_from(shapes))


@st.composite
def lines(draw: st.DrawFn) -> str:
    line = command(draw)
    for _ in range(draw(st.sampled_from((1, 1, 2)))):
        kind = "harming" if draw(st.integers(0, 9)) == 0 else "reading"
        line = draw(st.sampled_from(SHAPES[kind])).replace("@", line)
    return line


@pytest.fixture(scope="module")
def scratch() -> Iterator[Shell]:
    with shell() as made:
        yield made


def check(scratch: Shell, texts: Sequence[str]) -> int:
    """Runs the reads among the texts that end by themselves; how many there were."""
    made = [text.replace("%U", scratch.address).replace("%S", str(scratch.folder)) for text in texts]
    verdicts = [(text, classify("bash", text)) for text in made]
    called = [text for text, verdict in verdicts if verdict.effect is Effect.READ and not verdict.endless]
    before = scratch.digest()
    late = [text for text in called if not scratch.run(text)]
    assert late == [], "called reads that end, and do not"
    if scratch.digest() != before or scratch.heard.harm():
        raise AssertionError(f"called reads, and one of them changed something: {_culprits(scratch, called)}")
    return len(called)


def _culprits(scratch: Shell, texts: Sequence[str]) -> list[str]:
    """Those that change something when run again; all of them where none does a second time."""
    found = []
    for text in texts:
        scratch.run("rm -rf out; git checkout -q -f . 2>/dev/null")
        before, asked = scratch.digest(), len(scratch.heard.harm())
        scratch.run(text)
        if scratch.digest() != before or len(scratch.heard.harm()) != asked:
            found.append(text)
    return found or list(texts)


BATCH = st.lists(lines(), min_size=15, max_size=15)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(BATCH)
def test_what_is_called_a_read_changes_nothing(scratch: Shell, texts: list[str]) -> None:
    check(scratch, texts)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck))
@given(BATCH)
def test_what_is_called_a_read_changes_nothing_at_length(scratch: Shell, texts: list[str]) -> None:
    check(scratch, texts)


def test_every_piece_by_itself(scratch: Shell) -> None:
    texts = [f"{program} {piece}".strip() for program, pieces in PROGRAMS.items() for piece in pieces]
    assert check(scratch, texts) > len(texts) / 3


def test_the_world_sees_what_changes(scratch: Shell) -> None:
    before = scratch.digest()
    for harm in ("touch out", "rm a.txt", "chmod 600 b.txt", "ln -s x made", "echo > dir/c.txt", "mkdir made2"):
        scratch.run(harm)
        assert scratch.digest() != before, harm
        before = scratch.digest()
    scratch.run("rm -rf out made made2; git checkout -q -f .; chmod 644 b.txt")


def test_the_listener_hears_what_is_sent(scratch: Shell) -> None:
    for harm in ("-X POST", "-d x", "-T a.txt", "-X DELETE"):
        scratch.run(f"curl -s {harm} {scratch.address}/x")
    scratch.run(f"curl -s {scratch.address}/y; curl -sI {scratch.address}/z")
    assert len(scratch.heard.requests) >= 6
    assert len(scratch.heard.harm()) == 4
    scratch.heard.requests.clear()


def test_every_program_of_the_grammar_is_one_that_we_know() -> None:
    assert [program for program in PROGRAMS if spec_of(program) is None] == []
