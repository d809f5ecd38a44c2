"""Two drills and a no-fault by the command, and how it ends: nothing stands and nothing runs afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HUTCH = str(Path(sys.executable).with_name("hutch"))
CHOSEN = {
    "lock-holder": "postgres.blocked_by_lock",
    "name-gone": "http.dns",
    "planned-deployment": "",
}


SIGNALS = [
    (signal.SIGINT, 130),
    (signal.SIGTERM, 130),
    (signal.SIGKILL, -9),
]
"""How a harness may end, and its exit code."""


def session_of(word: str) -> list[int]:
    """The processes that have this word in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def assert_gone(word: str) -> None:
    """Nothing that was started with this word in its environment is left after a while."""
    for _ in range(300):
        if not session_of(word):
            return
        time.sleep(0.1)
    raise AssertionError(session_of(word))


@contextmanager
def drilling(folder: Path, word: str, *names: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`hutch drill run`, and the file with what it tells; ended with the block."""
    log = folder / "told.txt"
    with log.open("w") as told:
        process = subprocess.Popen(
            [HUTCH, "drill", "run", *names, "--dir", str(folder / "home"), "--json"],
            env={**os.environ, "HUTCH_TEST_WORD": word}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told,
            text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield process, log
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)


def wait_for(log: Path, text: str, process: subprocess.Popen[str]) -> None:
    """Until the harness has said it."""
    for _ in range(900):
        if text in log.read_text():
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.mark.slow
@pytest.mark.timeout(290)
def test_two_faults_and_a_no_fault(tmp_path: Path) -> None:
    word = f"short-{os.getpid()}"
    with drilling(tmp_path, word, *CHOSEN) as (process, log):
        out, _ = process.communicate(timeout=280)
        told = log.read_text()
    assert process.returncode == 0, told
    found = json.loads(out)
    assert [r["fault"] for r in found["results"]] == list(CHOSEN)
    for result in found["results"]:
        cause = CHOSEN[result["fault"]]
        assert (result["verdict"], result["reasons"]) == ("passed", []), told
        assert ((result["named"] or {}).get("code", "")) == cause
        scores = dict.fromkeys(("cause", "object", "remedy"), True if cause else None)
        by_rule = result["fault"] == "name-gone"  # nothing here cures it; a rule over probes fired for it
        verified = True if cause and not by_rule else None
        assert result["scores"] == {**scores, "verified": verified, "alert": True if by_rule else None}
        assert set(result["harm"].values()) == {0}
    assert found["totals"]["right"]["cause"]["right"] == 2
    assert found["load"]["requests"] > 100
    scored = subprocess.run(
        [HUTCH, "drill", "score", str(tmp_path / "home" / "report.json"), "--json"],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (scored.returncode, json.loads(scored.stdout)) == (0, found["totals"])
    assert "| lock-holder | postgres.blocked_by_lock | session " in (tmp_path / "home" / "report.md").read_text()
    assert_gone(word)


@pytest.mark.timeout(200)
@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.slow
def test_ended_in_the_middle_it_undoes_and_leaves_nothing(tmp_path: Path, number: signal.Signals, code: int) -> None:
    word = f"ended-{os.getpid()}-{number.name}"
    with drilling(tmp_path, word, "lock-holder") as (process, log):
        wait_for(log, "the fault stands", process)
        second = subprocess.run(
            [HUTCH, "drill", "run", "lock-holder", "--dir", str(tmp_path / "home")],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert second.returncode == 1
        assert f"another drill is under way here: process {process.pid}, drills lock-holder" in second.stderr
        process.send_signal(number)
        process.communicate(timeout=90)
        assert process.returncode == code, log.read_text()
    assert_gone(word)


def test_bad_input(tmp_path: Path) -> None:
    def said(*words: str) -> tuple[int, str]:
        done = subprocess.run([HUTCH, "drill", *words], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    code, told = said("run", "lock-holdr")
    assert (code, told.startswith("hutch: unknown drill 'lock-holdr'; nearest: lock-holder")) == (2, True)
    assert said("run")[0] == 2
    assert said("score") == (2, "hutch: no report at .hutch-drills/report.json: `hutch drill run` writes one\n")
    (tmp_path / "not.json").write_text("{")
    assert said("score", "not.json")[0] == 2
    code, told = said("run", "lock-holder", "--ready-file", "not.json")
    assert code == 2
    assert "not.json is not the ready file of a running platform" in told
