"""``hutch run`` on a terminal: it asks for what is open, leaves nothing behind when one leaves, and asks no script."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import termios
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli

HUTCH = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "hutch"

RUNBOOK = """# Look

## Look

### Detection

```bash
ls [folder]
vercel ls
```

### Resolution

```bash
touch [folder]/[new-secret]
```
"""


def own_terminal() -> None:
    """Ctrl-C on the terminal reaches the command."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """The command on a terminal of its own; stdout is a pipe."""

    def __init__(self, home: Path, *words: str) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [str(HUTCH), *words], cwd=home, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "COLUMNS": "80"}, preexec_fn=own_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def until(self, wanted: str, seconds: float = 20.0) -> None:
        """Read until the terminal shows it."""
        deadline = time.monotonic() + seconds
        start = len(self.seen)
        while wanted not in self.seen[start:]:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.ours], [], [], 0.2)[0]:
                self.seen += os.read(self.ours, 65536).decode(errors="replace")

    def say(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)
        assert self.process.stdout
        self.process.stdout.close()
        os.close(self.ours)

    def end(self) -> tuple[int, str]:
        """Exit code and what it wrote on stdout."""
        assert self.process.stdout
        out = self.process.stdout.read().decode()
        code = self.process.wait(20)
        while select.select([self.ours], [], [], 0.1)[0]:
            try:
                more = os.read(self.ours, 65536)
            except OSError:  # the other end is closed
                break
            self.seen += more.decode(errors="replace")
        return code, out


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "look.md").write_text(RUNBOOK)
    (tmp_path / "hutch.yaml").write_text("runbooks: [look.md]\nservices: {shop: {}}\n")
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "one").touch()
    return tmp_path


@pytest.mark.timeout(60)
def test_it_asks_once_and_the_answers_hold_for_this_run(home: Path) -> None:
    with Terminal(home, "run", "look", "--dry-run") as terminal:
        _answered(home, terminal)


def _answered(home: Path, terminal: Terminal) -> None:
    terminal.until("program ls: ")
    assert "program ls is not bound for shop" in terminal.seen
    assert "Detection, line 8:  ls [folder]" in terminal.seen
    terminal.say("as-is\n")
    terminal.until("[folder]: ")
    assert "[folder] has no value" in terminal.seen
    terminal.say(f"{home}/things\n")
    terminal.until("program vercel: ")
    assert "not bound for shop, and not installed here" in terminal.seen
    terminal.say("\x04")
    code, _ = terminal.end()
    assert code in (0, 1)
    assert f" ls {home}/things"[:40] in terminal.seen and "new-secret" not in terminal.seen
    kept = terminal.seen.replace("\r", "")
    assert f"services:\n  shop:\n    binds:\n      ls: as-is\n    values:\n      folder: {home}/things\n" in kept
    shown = re.sub(r"\x1b\[[0-9;]*m", "", kept)
    assert [line for line in shown.splitlines() if len(line) > 80 and str(home) not in line] == []
    assert (home / "hutch.yaml").read_text() == "runbooks: [look.md]\nservices: {shop: {}}\n"


@pytest.mark.timeout(60)
def test_leaving_starts_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal(home, "run", "look") as terminal:
        terminal.until("program ls: ")
        terminal.say("\x03")
        code, out = terminal.end()
    assert (code, out) == (130, "")
    monkeypatch.chdir(home)
    assert json.loads(CliRunner().invoke(cli, ["runs", "list", "--json"]).stdout) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", [("--no-input", "run", "look"), ("run", "look", "--json")])
def test_who_wants_no_questions_gets_none(home: Path, words: tuple[str, ...]) -> None:
    with Terminal(home, *words) as terminal:
        code, _ = terminal.end()
    assert code in (0, 1, 4)
    assert "has no value" not in terminal.seen


def test_a_script_is_not_asked_and_is_warned(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    done = CliRunner().invoke(cli, ["run", "look", "--set", "folderr=x", "--bind", "lss=as-is", "--json"])
    assert done.exit_code in (0, 1)
    assert "nothing in this runbook takes --set folderr; did you mean folder?" in done.stderr
    assert "names lss, which --bind gives; did you mean ls?" in done.stderr


@pytest.mark.parametrize("given", ["new-secret=x", "folder=ghp_abcdefghijklmnopqrst", "folder=postgres://a:b@c/d"])
def test_no_statement_carries_a_secret(home: Path, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    done = CliRunner().invoke(cli, ["run", "look", "--set", given])
    said = str(done.exception)
    name, _, value = given.partition("=")
    assert said == f"the value of {name} is a secret, which no statement may carry: use a typed action"
    store = home / ".hutch" / "hutch.db"
    assert len(value) == 1 or not store.exists() or value.encode() not in store.read_bytes()


def test_what_a_person_gives_is_shown_as_text(home: Path) -> None:
    (home / "look.md").write_text(RUNBOOK.replace("### Detection", "### Detection \x1b[2J"))
    with Terminal(home, "run", "look") as terminal:
        terminal.until("program ls: ")
    assert "Detection" in terminal.seen and "\x1b[2J" not in terminal.seen
