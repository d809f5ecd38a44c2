"""``hutch runbook`` and the runbooks of ``hutch init``, as somebody types them."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.bootstrap.wire import read_config
from hutch.cli.main import cli
from hutch.commands.context import CommandError
from hutch.commands.documents import bundled
from hutch.commands.scaffold import chosen


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "HUTCH_CONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def hutch(*words: str) -> Result:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        cli.main(list(words), standalone_mode=False)
    return str(error.value)


def test_new_show_lint_and_the_list_go_together(home: Path) -> None:
    hutch("init", "--service", "shop", "--folder", "ops/books")
    said = hutch("runbook", "new", "checkout-slow").output
    assert said.startswith("wrote ops/books/checkout-slow.md\n")
    assert "hutch run checkout-slow --dry-run" in said
    assert "an alert opens it by `runbook: checkout-slow`" in said
    assert "#checkout-slow  Checkout slow" in hutch("runbook", "show", "checkout-slow").output
    assert "0 errors, 0 warnings in 2 files" in hutch("runbook", "lint", "ops/books").output
    names = [e["name"] for e in json.loads(hutch("runbook", "list", "--json").output)]
    assert names[:2] == ["checkout-slow", "shop-outage"]
    assert "exists and is left alone" in refused("runbook", "new", "checkout-slow", "--from", "redis")


def test_new_without_a_configuration_says_how_it_gets_its_name(home: Path) -> None:
    said = hutch("runbook", "new", "jobs", "--dir", "docs/oncall").output
    assert "hutch runbook show docs/oncall/jobs.md" in said
    assert "name its folder under `runbooks` in hutch.yaml" in said
    assert hutch("runbook", "new", "cache", "--from", "redis").output.startswith("wrote runbooks/cache.md")
    assert (home / "runbooks/cache.md").read_text().startswith("# Cache\n")


def test_the_list_fits_a_narrow_window(home: Path) -> None:
    lines = hutch("runbook", "list").output.splitlines()
    assert lines[0].split() == ["NAME", "TITLE", "FROM", "READS", "CHANGES", "LOSES"]
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if line.startswith("migration-failed "))
    assert row.split()[-4:] == ["library", "8", "5", "1"]


def test_show_honours_the_anchor_in_both_forms(home: Path) -> None:
    text = hutch("runbook", "show", "scaling#scale-down").output
    assert "#scale-down" in text and "#scale-out" not in text
    data = json.loads(hutch("runbook", "show", "scaling#scale-down", "--json").output)
    assert [r["id"] for r in data["runbooks"]] == ["scale-down"]
    assert "there are: #scale-out, #scale-up" in refused("runbook", "show", "scaling#nothing")


def test_show_is_as_wide_as_the_window_and_hides_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "odd.md").write_text("# Odd\x1b[2J\n\n## Detection\n\n```sh\ncurl \u202eabc https://a.example\n```\n")
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        assert max(map(len, hutch("runbook", "show", "slow-responses").output.splitlines())) <= width
    shown = hutch("runbook", "show", "odd.md").output
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "\\x1b" in shown and "\\u202e" in shown


def in_terminal(home: Path, words: list[str], answers: list[str], **environment: str) -> str:
    """What a command writes to a terminal, each answer typed once something is asked; ended after 20 seconds."""
    argv = [str(Path(sys.executable).with_name("hutch")), *words]
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover  (the child becomes the command)
        os.chdir(home)
        os.execve(argv[0], argv, {**os.environ, "TERM": "xterm", **environment})
    out, deadline = b"", time.monotonic() + 20
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
            if answers and out.rstrip().endswith(b"]:"):
                os.write(terminal, f"{answers.pop(0)}\n".encode())
        return out.decode()
    finally:
        os.close(terminal)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_colours_are_for_terminals_that_want_them(home: Path) -> None:
    assert "\x1b[33mchange" in in_terminal(home, ["runbook", "show", "redis"], [])
    assert "\x1b" not in in_terminal(home, ["runbook", "show", "redis"], [], NO_COLOR="1")
    assert "\x1b" not in hutch("runbook", "show", "redis").output


def test_init_asks_in_a_terminal_and_asks_again_after_a_slip(home: Path) -> None:
    said = in_terminal(home, ["init", "--service", "shop"], ["7, nonsense", f"redis,{len(bundled())}"])
    assert "no runbook 'nonsense'" in said
    written = sorted(p.name for p in (home / "runbooks").iterdir())
    assert written == ["redis.md", f"{list(bundled())[-1]}.md"]


def test_init_copies_what_is_wanted_and_wires_the_alerts(home: Path) -> None:
    said = hutch(
        "init", "--service", "shop", "--url", "https://shop.example", "--database-env", "SHOP_DB",
        "--runbooks", "service-outage,postgres-connections",
    ).output  # fmt: skip
    assert "wrote runbooks/postgres-connections.md" in said
    config, _ = read_config(home / "hutch.yaml")
    assert {r.name: r.runbook for r in config.rules} == {
        "High Error Rate": "service-outage",
        "Response Time Slow": "slow-responses",
        "Service Down": "service-outage",
        "Database Connections High": "postgres-connections",
    }
    assert config.services["shop"].runbook == "service-outage"
    assert "0 errors, 0 warnings in 2 files" in hutch("runbook", "lint", "runbooks").output
    for rule in config.rules:
        hutch("runbook", "show", rule.runbook)


@pytest.mark.parametrize(("said", "count"), [("all", len(bundled())), ("none", 0)])
def test_init_copies_all_or_none(home: Path, said: str, count: int) -> None:
    hutch("init", "--service", "shop", "--runbooks", said)
    assert len(list(home.glob("runbooks/*.md"))) == count
    assert read_config(home / "hutch.yaml")[0].services["shop"].runbook == "service-outage"


def test_init_copies_over_nothing(home: Path) -> None:
    (home / "runbooks").mkdir()
    (home / "runbooks/redis.md").write_text("# Mine\n")
    said = hutch("init", "--service", "shop", "--runbooks", "redis,brute-force").output
    assert (home / "runbooks/redis.md").read_text() == "# Mine\n"
    assert "redis.md" not in said and "wrote runbooks/brute-force.md" in said


def test_init_without_a_terminal_asks_nothing_and_writes_one_to_fill_in(home: Path) -> None:
    hutch("init", "--service", "shop", "--url", "https://shop.example")
    assert [p.name for p in home.glob("runbooks/*.md")] == ["shop-outage.md"]
    rules = {r.name: r.runbook for r in read_config(home / "hutch.yaml")[0].rules}
    assert rules["High Error Rate"] == "shop-outage"
    assert rules["Response Time Slow"] == "slow-responses"


def test_what_a_person_names() -> None:
    known = ["a", *bundled()]
    assert chosen("2, 2,redis", known) == (known[1], "redis")
    assert chosen(" all ", known) == tuple(known)
    assert chosen("none", known) == chosen("", known) == ()
    with pytest.raises(CommandError, match="no runbook '99'"):
        chosen("99", known)
    with pytest.raises(CommandError, match="no runbook 'all'"):
        chosen("all,redis", known)
