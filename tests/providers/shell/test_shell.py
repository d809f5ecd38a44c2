"""Programs of this machine: what they get, how they are bounded, and that nothing outlives them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.ports import TargetConfig
from hutch.providers.shell import provider
from hutch.testing import check_provider


async def ran(
    *argv: str, text: str = "", effect: Effect = Effect.READ, settings: dict[str, object] | None = None, **more: Any
) -> Outcome:
    connection = provider.open(TargetConfig("web", settings or {}, lambda: datetime.now(UTC)))
    args = {"argv": list(argv)} if argv else {}
    return await connection.runs["sh"](Command("sh", text or " ".join(argv), "this machine", effect, args=args, **more))


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


async def test_words_are_words_and_no_shell_reads_them() -> None:
    outcome = await ran("echo", "$HOME", ";", "`id`", "a  b", "*")
    assert (outcome.result, outcome.exit_code, outcome.summary) == (Result.DONE, 0, "exit 0")
    assert outcome.output == "$HOME ; `id` a  b *\n"
    assert 0 < outcome.seconds < 5


async def test_a_text_without_words_is_read_by_a_shell() -> None:
    outcome = await ran(text="printf 'b\\na\\n' | sort | head -1 && echo $((1 + 2))")
    assert outcome.output == "a\n3\n"


async def test_a_failure_has_its_exit_code_and_last_line() -> None:
    outcome = await ran(text="echo first; echo the disk is full >&2; exit 3")
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, 3)
    assert outcome.summary == "exit 3: the disk is full"
    assert outcome.output == "first\nthe disk is full\n"


@pytest.mark.parametrize("argv", [("no-such-program", "x"), ("/no/such/program",), ()])
async def test_a_program_that_is_missing_is_named(argv: tuple[str, ...]) -> None:
    outcome = await ran(*argv, text="no-such-program --help | cat; exit 127" if not argv else "")
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, 127)
    name = argv[0] if argv else "no-such-program"
    assert outcome.summary == (
        f"{name} is not installed here; install it or bind it to something else under services.web.binds"
    )


async def test_the_environment_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUTCH_TOKEN", "nobody-may-see-this")
    monkeypatch.setenv("AWS_PROFILE", "rabbit")
    outcome = await ran("env", env={"PORTFOLIO": "a b"}, settings={"pass_env": ["AWS_PROFILE", "NOT_SET"]})
    found = dict(line.split("=", 1) for line in outcome.output.splitlines())
    home = found.pop("HOME")
    assert found.pop("HUTCH_STARTED_BY").split(".")[1] == str(os.getpid())
    assert found == {
        "PATH": os.environ["PATH"],
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "AWS_PROFILE": "rabbit",
        "PORTFOLIO": "a b",
    }
    assert not Path(home).exists()


async def test_the_folder_is_new_or_the_configured_one(tmp_path: Path) -> None:
    left = await ran("sh", "-c", "pwd; touch here; ls")
    folder, listing = left.output.split()
    assert listing == "here"
    assert not Path(folder).exists()
    assert (await ran("pwd", settings={"directory": str(tmp_path)})).output.strip() == str(tmp_path)
    nowhere = await ran("pwd", settings={"directory": str(tmp_path / "nowhere")})
    assert (nowhere.result, nowhere.exit_code) == (Result.FAILED, 126)
    assert "pwd cannot be started" in nowhere.summary


async def test_a_program_beside_the_work_is_found_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("#!/bin/sh\necho found\n")
    (tmp_path / "here").chmod(0o755)
    assert (await ran("./here", settings={"directory": str(tmp_path)})).output == "found\n"


async def test_there_is_no_input() -> None:
    assert (await ran("cat")).output == ""


async def test_only_the_end_of_long_output_is_kept() -> None:
    outcome = await ran(*python("print('x' * 300_000); print('the end')"), settings={"output_limit": 1000})
    first, rest = outcome.output.split("\n", 1)
    assert first == "[299134 bytes before this were left out]"
    assert len(rest) == 875
    assert rest.endswith("x\nthe end\n")


async def test_what_is_shown_begins_after_a_line_or_word_that_was_cut() -> None:
    """The half of a secret is one that nobody masks."""
    lines = await ran(*python("for i in range(9999): print('a', 'secret' * 5, i)"), settings={"output_limit": 1000})
    assert lines.output.splitlines()[1].startswith("a secretsecret")
    words = await ran(*python("print(*(['secret' * 5] * 9999))"), settings={"output_limit": 1000})
    assert words.output.splitlines()[1].startswith("secretsecret")
    assert set(words.output.splitlines()[1].split()) == {"secret" * 5}


async def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert (await ran("printf", r"a\377b")).output == "a\ufffdb"


@pytest.mark.parametrize(
    ("effect", "result", "recoverable"), [(Effect.READ, Result.FAILED, True), (Effect.CHANGE, Result.UNKNOWN, False)]
)
async def test_what_takes_too_long_is_ended_and_a_change_is_then_unknown(
    effect: Effect, result: Result, recoverable: bool
) -> None:
    outcome = await ran(text="sleep 60 & echo $!; echo $$; sleep 60", effect=effect, timeout=0.4)
    assert (outcome.result, outcome.recoverable) == (result, recoverable)
    assert outcome.summary == "not finished after 0.4 s: ended"
    assert outcome.seconds < 5
    assert all(gone(int(pid)) for pid in outcome.output.split()[:2])


async def test_the_settings_bound_every_command() -> None:
    outcome = await ran("sleep", "60", timeout=30.0, settings={"timeout": 0.2})
    assert outcome.summary == "not finished after 0.2 s: ended"


async def test_what_does_not_listen_is_killed() -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    outcome = await ran(*python(code), timeout=1.0, settings={"grace": 0.1})
    assert (outcome.exit_code, outcome.output) == (-9, "deaf\n")


async def test_what_is_left_in_the_background_ends_with_the_command() -> None:
    outcome = await ran(text="sleep 60 & echo $!")
    assert outcome.result is Result.DONE
    assert outcome.seconds < 5
    assert gone(int(outcome.output))


async def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    running = asyncio.create_task(ran(text=f"sleep 60 & echo $! $$ > {noted}; wait", timeout=60.0))
    while not (noted.exists() and noted.read_text().strip()):
        await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert all(gone(int(pid)) for pid in noted.read_text().split())


LEAVERS = {
    "by its mark": "{setsid} sh -c 'echo $$ > pid; sleep 60' >/dev/null 2>&1 & until [ -s pid ]; do sleep 0.02; done",
    "by its folder": (
        "{setsid} env -i PATH=$PATH sh -c 'echo $$ > pid; sleep 60' >/dev/null & until [ -s pid ]; do sleep 0.02; done"
    ),
    "twice": "{setsid} sh -c 'setsid sh -c \"echo $$ > pid; sleep 60\" &' & until [ -s pid ]; do sleep 0.02; done",
}


@pytest.mark.skipif(shutil.which("setsid") is None, reason="setsid is not installed")
@pytest.mark.parametrize("how", LEAVERS)
async def test_a_program_that_leaves_the_group_ends_with_the_command(how: str) -> None:
    outcome = await ran(text=LEAVERS[how].format(setsid="setsid") + "; cat pid", timeout=20.0)
    assert (outcome.result, outcome.seconds < 5) == (Result.DONE, True), outcome
    assert gone(int(outcome.output))


async def test_other_processes_are_left_alone(tmp_path: Path) -> None:
    """One that carries another command's mark, and one that works in the same folder by configuration."""
    other = subprocess.Popen(["sleep", "60"], cwd=tmp_path, env={**os.environ, "HUTCH_STARTED_BY": "here.1.1.1"})
    try:
        await ran("true", settings={"directory": str(tmp_path)})
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def test_what_becomes_a_crowd_is_killed() -> None:
    """Asked of a hundred sleeping processes at most: nothing here forks without end."""
    text = "for i in $(seq 100); do sleep 60 & done; wait"
    outcome = await ran(text=text, effect=Effect.CHANGE, timeout=30.0, settings={"processes": 20})
    assert (outcome.result, outcome.seconds < 10) == (Result.UNKNOWN, True)
    assert outcome.summary == "killed: it became more than 20 processes (shell.processes)"
    few = "for i in $(seq 10); do sleep 0.4 & done; wait"
    assert (await ran(text=few, effect=Effect.CHANGE, settings={"processes": 20})).result is Result.DONE


async def test_what_never_ends_is_watched_for_its_time() -> None:
    outcome = await ran(text="echo one; while true; do sleep 0.1; done", timeout=0.5, endless=True)
    assert (outcome.result, outcome.summary, outcome.output) == (Result.DONE, "watched for 0.5 s", "one\n")
    failed = await ran(text="echo gone >&2; exit 1", timeout=5.0, endless=True)
    assert (failed.result, failed.summary) == (Result.FAILED, "exit 1: gone")
    change = await ran(text="sleep 60", timeout=0.3, endless=True, effect=Effect.CHANGE)
    assert change.result is Result.UNKNOWN


async def test_supplied_files_lie_where_the_command_begins() -> None:
    args = {"files": {"list.txt": "b\na\n", "sub/x": "y", "../outside": "no", "/tmp/no-such-file": "no"}}
    connection = provider.open(TargetConfig("web", {}, lambda: datetime.now(UTC)))
    text = "sort < list.txt; cat sub/x; ls ../outside /tmp/no-such-file"
    outcome = await connection.runs["sh"](Command("sh", text, "this machine", Effect.READ, args=args))
    assert outcome.output.startswith("a\nb\ny")
    assert outcome.output.count("No such file") == 2


async def test_secrets_are_refused_rather_than_lost() -> None:
    outcome = await ran("env", secrets=("env:DATABASE_URL",))
    assert (outcome.result, outcome.output) == (Result.FAILED, "")


async def test_a_word_with_a_zero_byte_cannot_be_started() -> None:
    assert (await ran("echo", "a\0b")).exit_code == 126


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"timeout": -1}, "shell: timeout must be a number above 0, not -1"),
        ({"directory": 3}, "shell: directory must be the path of a folder, not 3"),
        ({"pass_env": ["A=B"]}, "shell: pass_env must be a list of variables' names"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        provider.open(TargetConfig("web", settings, lambda: datetime.now(UTC)))


async def test_it_keeps_the_contract() -> None:
    assert await check_provider(provider, {}) == []


def test_the_manifest_starts_nothing() -> None:
    code = "import sys, hutch.providers.shell; sys.exit('asyncio' in sys.modules or 'tempfile' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
