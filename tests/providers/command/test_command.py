"""A team's own command lines, with real programs: previews, changes, verification, undo, reads, checks, deployments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hutch.bootstrap.wire import open_context
from hutch.commands import runs
from hutch.commands.context import CommandError
from hutch.commands.diagnose import diagnose_json
from hutch.commands.respond import run_document
from hutch.commands.worker import driver
from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect
from hutch.model.finding import Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.command import provider
from hutch.providers.command.config import CHECK_KEYS, VERB_KEYS
from hutch.testing import check_provider

TOOL = """#!/bin/sh
# A deploy tool with a state file, as kubectl has a cluster.
set -eu
state="$(dirname "$0")/state"
case "$1" in
  current) cat "$state" ;;
  undo) echo "asked for $2 by $TOKEN" >> "$state.log"; echo "$2" > "$state"; echo "rolled back to $2" ;;
  history) echo "41 2026-01-01T10:00:00Z first"; echo "42 2026-01-02T10:00:00Z second" ;;
  logs) echo "ERROR for $2" ;;
  pods) test "$(cat "$state")" = 42 && echo "all ready" || { echo "0 of 3 ready"; exit 1; } ;;
  slow) sleep 30 ;;
  *) exit 64 ;;
esac
"""

VERBS: dict[str, Any] = {
    "deploy.rollback": {
        "run": ["./tool", "undo", "{to}"],
        "args": {"to": "[0-9]+"},
        "preview": "./tool history",
        "hits": "lines",
        "verify": ["./tool", "current"],
        "expect": "^42$",
        "pending": "progress",
        "undo": ["./tool", "undo", "{from}"],
    },
    "deploy.list": {"run": "./tool history", "each": r"^(?P<id>\S+) (?P<at>\S+) (?P<summary>.*)$"},
    "logs.search": {"run": ["./tool", "logs", "{grep}"], "effect": "read", "args": {"grep": None}},
    "service.restart": {"run": "./tool nothing"},
}
VERBS["deploy.rollback"]["args"]["from"] = "[0-9]+"
CHECKS = {
    "pods": {"run": "./tool pods", "expect": "all ready", "cause": "app.crashed", "remedies": ["deploy.rollback"]}
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tool").write_text(TOOL)
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "state").write_text("43\n")
    return tmp_path


def opened(folder: Path, verbs: Mapping[str, Any] = VERBS, **more: Any) -> Connection:
    settings = {
        "directory": str(folder),
        "verbs": verbs,
        "checks": CHECKS,
        "secrets": {"TOKEN": "s3cret-token"},
        **more,
    }
    return provider.open(TargetConfig("shop", settings, lambda: datetime(2026, 1, 3, tzinfo=UTC)))


async def test_a_change_is_previewed_made_verified_and_has_a_way_back(folder: Path) -> None:
    rollback = opened(folder).actions["deploy.rollback"]
    args = {"to": "42", "from": "43"}
    preview = await rollback.preview(args)
    assert (preview.summary, preview.hits, preview.refused) == ("runs ./tool undo 42", 2, "")
    assert preview.undo == "./tool undo 43"
    assert (await rollback.verify(args)).verdict is Verified.FAILED
    outcome = await rollback.apply(args)
    assert (outcome.result, outcome.output) == (Result.DONE, "rolled back to 42\n")
    assert outcome.undo == {"action": "deploy.undo_rollback", "args": args}
    assert (await rollback.verify(args)).verdict is Verified.PASSED
    assert (folder / "state.log").read_text() == "asked for 42 by s3cret-token\n"
    back = opened(folder).actions["deploy.undo_rollback"]
    assert (await back.apply(args)).result is Result.DONE
    assert (folder / "state").read_text() == "43\n"
    assert (await back.verify(args)).verdict is Verified.UNKNOWN


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "say which to"),
        ({"to": "42; rm -rf /"}, "must match [0-9]+"),
        ({"to": ["42"]}, "say which to"),
        ({"to": "--all"}, "must match"),
    ],
)
async def test_an_argument_that_does_not_fit_runs_nothing(folder: Path, args: dict[str, Any], said: str) -> None:
    rollback = opened(folder).actions["deploy.rollback"]
    assert said in (await rollback.preview(args)).refused
    outcome = await rollback.apply(args)
    assert outcome.result is Result.FAILED and said in outcome.summary
    assert not (folder / "state.log").exists()


async def test_an_argument_is_one_word_and_no_option(folder: Path) -> None:
    search = opened(folder).runs["logs.search"]
    asked = Command("logs.search", "", "shop", Effect.READ, args={"grep": "a b, c"})
    assert (await search(asked)).output == "ERROR for a b, c\n"
    for hostile in ("-rf", "$(id)", "a\nb", "`id`", "x" * 500):
        outcome = await search(replace(asked, args={"grep": hostile}))
        assert outcome.result is Result.FAILED, hostile


async def test_a_failed_preview_refuses(folder: Path) -> None:
    verbs = {"deploy.rollback": {**VERBS["deploy.rollback"], "preview": "./tool nonsense"}}
    found = await opened(folder, verbs).actions["deploy.rollback"].preview({"to": "42", "from": "43"})
    assert "its preview failed: exit 64" in found.refused


async def test_a_missing_program_is_named(folder: Path) -> None:
    found = opened(folder, {"service.restart": {"run": ["no-such-program-here", "x"]}}).actions["service.restart"]
    assert (await found.preview({})).refused == "no-such-program-here is not installed here"
    assert (await found.apply({})).result is Result.FAILED


async def test_a_change_that_runs_out_of_time_is_unknown(folder: Path) -> None:
    slow = opened(folder, {"service.restart": {"run": "./tool slow", "timeout": 0.3}}).actions["service.restart"]
    assert (await slow.apply({})).result is Result.UNKNOWN
    assert (await slow.verify({})).verdict is Verified.UNKNOWN


async def test_pending_is_not_yet(folder: Path) -> None:
    (folder / "state").write_text("progress\n")
    rollback = opened(folder).actions["deploy.rollback"]
    assert (await rollback.verify({"to": "42", "from": "43"})).verdict is Verified.PENDING


async def test_deployments_are_listed_with_the_one_before(folder: Path) -> None:
    listing = opened(folder).changes
    assert listing is not None
    assert [(c.id, c.previous, c.summary) for c in await listing()] == [("41", "", "first"), ("42", "41", "second")]


async def test_a_failed_check_is_the_cause_that_was_declared(folder: Path) -> None:
    connection = opened(folder)
    finding = await connection.checks["command.pods"]()
    assert finding.status is Status.BAD
    causes = provider.explain([finding])
    assert [(c.code, c.object.id, [r.action for r in c.remedies]) for c in causes] == [
        ("app.crashed", "shop", ["deploy.rollback"])
    ]
    (folder / "state").write_text("42\n")
    assert (await connection.checks["command.pods"]()).status is Status.OK
    gone = opened(folder, {}, checks={"x": {"run": "no-such-program-here"}})
    assert (await gone.checks["command.x"]()).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"verbs": {"rollback": {"run": "x"}}}, "verbs.rollback: a verb is written area.verb, such as deploy.rollback"),
        ({"verbs": {"a.b": {"runs": "x"}}}, "verbs.a.b: unknown key 'runs'; known: run, args"),
        ({"verbs": {"a.b": {}}}, "verbs.a.b.run: expected a command line"),
        ({"verbs": {"a.b": {"run": "x 'y"}}}, "verbs.a.b.run: No closing quotation"),
        ({"verbs": {"a.b": {"run": "x", "effect": "fine"}}}, "verbs.a.b.effect: expected one of read, change, destroy"),
        ({"verbs": {"a.b": {"run": "x", "hits": "lines"}}}, "verbs.a.b.hits: expected a whole number"),
        ({"verbs": {"a.b": {"run": "x", "expect": "("}}}, "verbs.a.b.expect: not a regular expression"),
        ({"verbs": {"a.b": {"run": "x", "expect": "y"}}}, "add verify"),
        ({"verbs": {"a.b": {"run": "x", "each": "(.*)"}}}, "needs the groups (?P<id>…) and (?P<at>…)"),
        ({"verbs": {"a.b": {"run": "x", "timeout": 0}}}, "verbs.a.b.timeout: expected seconds above 0"),
        ({"verbs": {"a.b": {"run": "x", "args": ["to"]}}}, "verbs.a.b.args: expected keys and values"),
        ({"checks": {"A": {"run": "x"}}}, "checks.A: the name of a check has a-z, 0-9 and _ only"),
        ({"checks": {"a": {"run": "x", "cause": "app.odd"}}}, "checks.a.cause: expected one of app.crashed"),
        ({"checks": {"a": {"run": "x", "remedies": ["restart"]}}}, "checks.a.remedies: expected a list of verbs"),
        ({"checks": {"a": {"run": "x", "matters": "no"}}}, "checks.a.matters: expected true or false"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"^(?:verbs|checks|timeout)") as error:
        provider.open(TargetConfig("shop", settings, lambda: datetime(2026, 1, 3, tzinfo=UTC)))
    assert said in str(error.value)


async def test_it_keeps_the_contract(folder: Path) -> None:
    settings = {"directory": str(folder), "verbs": VERBS, "checks": CHECKS, "secrets": {"TOKEN": "s3cret-token"}}
    await check_provider(provider, settings)


RUNBOOK = """# Trouble

## Trouble

### Detection

```yaml {"hutch.action":"logs.search"}
grep: timeouts
```

### Resolution

**Option 1: Roll back**

```yaml {"hutch.action":"deploy.rollback"}
to: 42
from: 43
```
"""


async def test_the_whole_way_through_hutch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From `hutch.yaml` to a verified change: the read runs by itself, the change once approved."""
    monkeypatch.setenv("SHOP_TOKEN", "s3cret-token")
    command = {"directory": str(folder), "verbs": VERBS, "checks": CHECKS, "secrets": {"TOKEN": {"env": "SHOP_TOKEN"}}}
    config = {"mode": "act", "runbooks": ["."], "services": {"shop": {"command": command}}}
    (folder / "hutch.yaml").write_text(json.dumps(config))
    (folder / "trouble.md").write_text(RUNBOOK)
    context = open_context(folder / "hutch.yaml")
    try:
        diagnosis: Any = await diagnose_json(context, context.service("shop"))
        assert [c["code"] for c in diagnosis["causes"]] == ["app.crashed"]
        run = await run_document(context, "trouble", "shop")
        found = await driver(context, watched=False).drive(run.id)
        assert list(found.read.values()) == ["passed"]
        chosen = next(c for c in found.chosen if c.option.items[0].command.args)
        await runs.approve(context, run.id, chosen.option.id, "olivia")
        found = await driver(context, watched=False).drive(run.id)
        assert found.outcome == "resolved", found.summary
        journal = json.dumps([dict(e.data) for e in await context.store.read(found.stream)])
        assert "s3cret-token" not in journal
    finally:
        await context.close()


def test_the_examples_of_the_guide_can_be_read() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guide" / "command-provider.md").read_text()
    blocks = [yaml.safe_load(b) for b in re.findall(r"```yaml\n(services:.*?)```", guide, re.DOTALL)]
    assert len(blocks) >= 2
    for block in blocks:
        given = block["services"]["shop"]["command"]
        secrets = dict.fromkeys(given.get("secrets", {}), "s3cret-token")
        made = provider.open(TargetConfig("shop", {**given, "secrets": secrets}, lambda: datetime.now(UTC)))
        assert made.actions or given.get("advisories")
    for key in (*VERB_KEYS, *CHECK_KEYS):
        assert f"`{key}`" in guide, f"the guide does not explain {key}"


def test_a_secret_is_not_written_in_the_file(tmp_path: Path) -> None:
    config = {"services": {"shop": {"command": {"secrets": {"TOKEN": "hunter2"}}}}}
    (tmp_path / "hutch.yaml").write_text(json.dumps(config))
    with pytest.raises(CommandError, match="a secret is not written in this file"):
        open_context(tmp_path / "hutch.yaml")


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [("redis|postgres", {"redis", "postgres"}), ("redis", {"redis"}), ("[a-z]+", set()), (None, set())],
)
def test_a_restart_that_names_its_servers_is_for_those(folder: Path, pattern: str | None, parts: set[str]) -> None:
    args = {"component": pattern} if pattern else {}
    word = "{component}" if pattern else "web"
    verb = {"run": ["./tool", "restart", word], "args": args}
    assert opened(folder, {"service.restart": verb}).parts == parts
