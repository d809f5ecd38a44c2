"""How a document's steps are carried out: captures, conditions, retries, undo, steps by hand, sub-runbooks, cancel.

Everything runs on the real engine and the real programs of this machine, in a scratch folder.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hutch.commands import byhand, runs
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.respond import run_document
from hutch.commands.worker import driver
from hutch.model.config import Config, ServiceConfig
from hutch.model.event import Draft
from hutch.model.run import ChangeState, Run
from hutch.ports import Append, Provider, TargetConfig
from hutch.providers.shell.target import connect
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

BINDS = dict.fromkeys(("touch", "cat", "sleep", "rm", "openssl", "printenv", "test", "false", "ls", "sh"), "as-is")


def closed(_target: TargetConfig) -> None:
    raise AssertionError("opened already")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "work").mkdir()
    (tmp_path / "books").mkdir()
    clock = FakeClock()
    store = MemoryStore(clock)
    settings: Mapping[str, object] = {"directory": str(tmp_path / "work")}
    shop = Service(ServiceConfig("shop", binds=BINDS), {"shell": connect(TargetConfig("shop", settings, clock.now))})
    config = Config(str(tmp_path / "hutch.yaml"), mode="act", services={"shop": shop.config}, runbooks=("books",))
    known = {"shell": Provider("shell", "x", (), closed)}  # type: ignore[arg-type]
    return Context(config, tmp_path, store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, known)


def write(context: Context, text: str, name: str = "trouble") -> None:
    (context.home / "books" / f"{name}.md").write_text(f"# Books\n\n## Trouble\n{text}", encoding="utf-8")


async def started(context: Context, text: str, step: str = "") -> Run:
    write(context, text)
    run = await run_document(context, "trouble", "shop", step=step)
    return await on(context, run)


async def on(context: Context, run: Run) -> Run:
    """Drive to the next wait for a person, past waits for a time."""
    for _ in range(200):
        run = await driver(context, watched=False).drive(run.id)
        if run.finished or run.waiting in ("approval", "tick", "decision"):
            return run
        context.clock.advance(5)  # type: ignore[attr-defined]
    raise AssertionError("it does not end")


async def approved(context: Context, run: Run, option: str = "") -> Run:
    await runs.approve(context, run.id, option, "olivia")
    return await on(context, run)


def made(context: Context) -> list[str]:
    return sorted(p.name for p in (context.home / "work").iterdir())


CAPTURE = """
### Diagnosis

```bash {"hutch.capture":"previous = /good: (\\\\S+)/"}
echo good: dpl_42
```

### Resolution

**Option 1: Go back**

```bash
touch back-to-[previous]
```
"""


async def test_what_a_read_captures_is_put_into_the_remedy_and_shown_before_it_is_approved(context: Context) -> None:
    run = await started(context, CAPTURE)
    assert (run.waiting, dict(run.captured)) == ("approval", {"previous": "dpl_42"})
    assert [i.command.text for i in run.chosen[0].option.items] == ["touch back-to-dpl_42"]
    await approved(context, run)
    assert made(context) == ["back-to-dpl_42"]


async def test_a_capture_that_finds_nothing_fails_and_its_remedy_is_not_offered(context: Context) -> None:
    run = await started(context, CAPTURE.replace("good: dpl_42", "nothing"))
    assert run.outcome == "unresolved"
    events = await context.store.read(run.stream)
    seen = next(e for e in events if e.kind == "statement.finished")
    assert (seen.data["status"], "does not find" in str(seen.data["summary"])) == ("failed", True)
    assert made(context) == []


async def test_a_captured_value_of_one_letter_that_would_stay_as_it_is_is_refused(context: Context) -> None:
    one = CAPTURE.replace("previous", "n")
    run = await started(context, one)
    told = " ".join(str(dict(e.data)) for e in await context.store.read(run.stream))
    assert "[n] is a class of characters" in told
    assert made(context) == []
    run = await started(context, one.replace("[n]", "{{ n }}"))
    await approved(context, run)
    assert made(context) == ["back-to-dpl_42"]


async def test_what_a_remedy_captures_is_asked_for_again_before_it_goes_on(context: Context) -> None:
    text = """
### Resolution

**Option 1: In two steps**

```bash {"hutch.capture":"name = /is (\\\\w+)/"}
touch first && echo it is second
```

```bash
touch [name]
```
"""
    run = await started(context, text)
    assert [i.needs for i in run.chosen[0].option.items] == [(), ("name",)]
    run = await approved(context, run)
    assert (run.waiting, made(context), run.chosen[0].done_items) == ("approval", ["first"], 1)
    assert run.chosen[0].option.items[1].command.text == "touch second"
    await approved(context, run)
    assert made(context) == ["first", "second"]
    intents = [e for e in await context.store.read(run.stream) if e.kind == "change.intended"]
    assert len(intents) == 2


async def test_a_condition_decides_what_runs(context: Context) -> None:
    text = """
### Diagnosis

```bash {"hutch.capture":"lag"}
echo 12
```

```bash {"hutch.when":"lag > 100"}
echo too much
```

### Resolution

**Option 1: By need**

```bash {"hutch.when":"lag > 100"}
touch never
```

```bash {"hutch.when":"lag < 100"}
touch needed
```
"""
    run = await started(context, text)
    assert sorted(run.read.values()) == ["passed", "skipped"]
    run = await approved(context, run)
    assert made(context) == ["needed"]
    skipped = next(e for e in await context.store.read(run.stream) if e.kind == "change.skipped")
    assert skipped.data["summary"] == "not needed: lag > 100 does not hold (lag is '12')"


async def test_a_read_is_tried_again_as_often_as_its_step_says(context: Context) -> None:
    text = '\n### Diagnosis\n\n```bash {"hutch.retries":"3"}\ncat there\n```\n'

    async def appear() -> None:
        await asyncio.sleep(0.3)
        (context.home / "work" / "there").write_text("yes\n")

    later = asyncio.create_task(appear())
    run = await started(context, text)
    await later
    assert list(run.read.values()) == ["passed"]
    seen = next(e for e in await context.store.read(run.stream) if e.kind == "statement.finished")
    assert seen.data["tries"] in (2, 3)


FAILING = """
### Resolution

**Option 1: Fails**

```bash {{"hutch.on_failure":"{then}"}}
touch one && false
```

```bash
touch two
```

**Option 2: Other**

```bash
touch three
```
"""


@pytest.mark.parametrize(
    ("then", "files", "waits"),
    [("stop", ["one"], "approval"), ("next", ["one"], "approval"), ("continue", ["one", "two"], "decision")],
)
async def test_what_a_failure_means(context: Context, then: str, files: list[str], waits: str) -> None:
    run = await started(context, FAILING.format(then=then))
    run = await approved(context, run, "1")
    assert (made(context), run.waiting) == (files, waits)
    asked = [e.data["option"]["title"] for e in await context.store.read(run.stream) if e.kind == "approval.requested"]  # type: ignore[index]
    assert len(asked) == (3 if then == "next" else 2)
    diagnosed = sum(1 for e in await context.store.read(run.stream) if e.kind == "diagnosis.made")
    assert diagnosed == (2 if then == "next" else 1)


async def test_exit_0_without_what_must_be_seen_is_a_failure_of_a_change_too(context: Context) -> None:
    text = (
        "\n### Resolution\n\n**Option 1: Says little**\n\n```bash\ntouch done && echo ok\n# Should return READY\n```\n"
    )
    run = await approved(context, await started(context, text))
    assert (run.outcome, made(context)) == ("unresolved", ["done"])
    assert "expected 'READY', not seen" in run.summary


async def test_a_failed_verification_seeks_anew_and_offers_the_next(context: Context) -> None:
    text = """
### Resolution

**Option 1: Wrong**

```bash
touch wrong
```

**Option 2: Right**

```bash
touch right
```

### Verification

```bash
ls
# Should return right
```
"""
    run = await started(context, text)
    run = await approved(context, run, "1")
    assert run.waiting == "approval"
    assert [(c.option.number, c.state) for c in run.chosen] == [(1, ChangeState.UNVERIFIED), (2, ChangeState.OFFERED)]
    run = await approved(context, run)
    assert (run.outcome, made(context)) == ("resolved", ["right", "wrong"])


UNDO = """
### Resolution

**Option 1: Half by hand**

```bash {"hutch.undo":"rm made"}
touch made
```

```text {"hutch.manual":"true","name":"Look at the dashboard"}
The dashboard must be green.
```
"""


async def test_cancel_says_what_was_done_and_the_way_back_is_offered_once(context: Context) -> None:
    run = await started(context, UNDO)
    assert run.chosen[0].preview["undo"] == "rm made"
    run = await approved(context, run)
    assert (run.waiting, made(context)) == ("tick", ["made"])
    await runs.cancel(context, run.id, "changed my mind", "olivia")
    run = await on(context, run)
    assert run.outcome == "cancelled"
    done = "Option 1: Half by hand: 1 of 2 statements done"
    assert run.summary == f"cancelled by olivia: {done}; `hutch runs undo {run.id}` offers the way back"
    back = await on(context, await byhand.undo(context, run.id, "", "olivia"))
    assert (back.waiting, [i.command.text for i in back.chosen[0].option.items]) == ("approval", ["rm made"])
    with pytest.raises(CommandError, match=f"being undone already: run {back.id}"):
        await byhand.undo(context, run.id, "", "olivia")
    await approved(context, back)
    assert made(context) == []


async def test_a_person_ticks_off_and_the_run_goes_on(context: Context) -> None:
    run = await approved(context, await started(context, UNDO))
    with pytest.raises(CommandError, match="waits for no step 'other' to be ticked off; open: "):
        await byhand.tick(context, run.id, "other", "", "olivia")
    run = await byhand.tick(context, run.id, "Look at the dashboard", "all green", "olivia")
    assert run.chosen[0].state is ChangeState.DONE
    refused = await approved(context, await started(context, UNDO))
    refused = await on(context, await byhand.tick(context, refused.id, "", "it is red", "olivia", done=False))
    assert (refused.outcome, "could not do it: it is red" in refused.summary) == ("unresolved", True)


async def test_a_remedy_waits_for_what_a_person_finds_out(context: Context) -> None:
    text = """
### Diagnosis

```text {"hutch.manual":"true","name":"Find the last good one","hutch.capture":"previous"}
Which deployment was the last good one?
```

### Resolution

**Option 1: Go back**

```bash
touch back-to-[previous]
```
"""
    run = await started(context, text)
    assert (run.waiting, run.chosen) == ("tick", ())
    with pytest.raises(CommandError, match="the note must give it"):
        await byhand.tick(context, run.id, "", "one\ntwo", "olivia")
    run = await on(context, await byhand.tick(context, run.id, "", "dpl_7", "olivia"))
    assert (run.waiting, run.chosen[0].option.items[0].command.text) == ("approval", "touch back-to-dpl_7")


async def test_a_secret_that_a_step_makes_is_neither_kept_nor_put_anywhere(context: Context) -> None:
    text = """
### Resolution

**Option 1: New key**

```bash {"hutch.capture":"key"}
openssl rand -hex 16
```

```bash
touch [key]
```
"""
    run = await approved(context, await started(context, text))
    assert run.outcome == "unresolved"
    assert "[key] holds a secret, which no statement may carry" in run.summary
    done = next(e for e in await context.store.read(run.stream) if e.kind == "change.done")
    assert (done.data["secret"], done.data["output"]) == (["key"], "not kept: it holds key")
    assert made(context) == []


CHAIN = """
### Diagnosis

```bash {"hutch.capture":"word"}
echo two
```

### Resolution

**Option 1: Three parts**

```bash {"hutch.capture":"last = /last is (\\\\w+)/"}
echo one >> log && echo last is three
```

```bash {"hutch.when":"word == 'two'"}
echo [word] >> log
```

```text {"hutch.manual":"true"}
Look at it.
```

```bash
echo [last] >> log
```
"""


async def to_the_end(context: Context, run: Run) -> Run:
    """Approve, tick and decide as a person would who sees the log."""
    for _ in range(20):
        run = await on(context, run)
        if run.finished:
            return run
        if run.waiting == "approval":
            await runs.approve(context, run.id, "", "olivia")
        elif run.waiting == "tick":
            await byhand.tick(context, run.id, "", "", "olivia")
        else:
            await runs.settle(context, run.id, "", "worked", "", "olivia")
    raise AssertionError("it does not end")


async def test_cut_off_at_every_position_it_goes_on_and_does_nothing_twice(context: Context) -> None:
    write(context, CHAIN)
    log = context.home / "work" / "log"
    run = await to_the_end(context, await run_document(context, "trouble", "shop"))
    assert (run.outcome, log.read_text().split()) == ("resolved", ["one", "two", "three"])
    journal = await context.store.read(run.stream)
    for position in range(1, len(journal)):
        before = journal[:position]
        done = [e.data["item"] for e in before if e.kind in ("change.done", "change.intended")]
        log.write_text("".join(f"{w}\n" for w in ["one", "two", "three"][: len(set(map(str, done)))]))
        store = MemoryStore(context.clock)
        again = replace(context, store=store, queue=MemoryQueue(store))
        await store.commit([Append(run.stream, tuple(Draft(e.kind, e.data, e.actor) for e in before))])
        found = await to_the_end(again, run)
        if before[-1].kind == "change.intended" and "last" not in found.captured:
            assert "[last] has no value" in found.summary  # it was lost with the outcome, and nothing is made up for it
            assert (found.outcome, log.read_text().split()) == ("unresolved", ["one", "two"]), position
            continue
        assert (found.outcome, log.read_text().split()) == ("resolved", ["one", "two", "three"]), position
        items = [e.data["item"] for e in await store.read(run.stream) if e.kind == "change.intended"]
        assert len(items) == len(set(map(str, items))) == 3, position


# ------------------------------------------------------------------ one step, asked for


async def test_a_person_asks_for_one_step_a_sensitive_read_too(context: Context) -> None:
    text = '\n### Diagnosis\n\n```bash {"name":"environment"}\nprintenv LANG\n```\n\n```bash\nls\n```\n'
    run = await started(context, text)
    assert ["printenv LANG" in i.command.text for i in run.program.skipped] == [True]
    run = await started(context, text, step="environment")
    assert (run.outcome, run.summary, run.diagnosed) == ("done", "1 of 1 statements passed", False)
    with pytest.raises(CommandError, match="has no step 'nonsense'; there are:"):
        await started(context, text, step="nonsense")


async def test_a_change_that_a_person_asks_for_waits_for_approval(context: Context) -> None:
    text = '\n### Prevention\n\n```bash {"name":"guard"}\ntouch guard\n```\n'
    run = await started(context, text, step="guard")
    assert (run.waiting, made(context)) == ("approval", [])
    run = await approved(context, run)
    assert (run.waiting, made(context)) == ("decision", ["guard"])
    run = await on(context, await runs.settle(context, run.id, "", "worked", "seen", "olivia"))
    assert run.outcome == "done"


async def test_a_document_that_changed_says_what_changed(context: Context) -> None:
    run = await started(context, CAPTURE)
    write(context, CAPTURE.replace("touch back-to-[previous]", "touch elsewhere"))
    with pytest.raises(CommandError) as refused:
        await runs.approve(context, run.id, "", "olivia")
    told = "gone: “touch back-to-dpl_42”; new in line 16: “touch elsewhere”"
    assert f"trouble was changed since the run read it ({told}); start the runbook again" in str(refused.value)
    write(context, CAPTURE + "\nMore words.\n")
    with pytest.raises(CommandError, match="none of its statements: words, order or expectations"):
        await runs.approve(context, run.id, "", "olivia")


# ------------------------------------------------------------------ sub-runbooks


async def test_a_link_runs_the_other_runbook_in_its_place(context: Context) -> None:
    write(
        context,
        "\n### Diagnosis\n\n```bash\necho from the other\n```\n\n### Resolution\n\n```bash\ntouch other\n```\n",
        "other",
    )
    text = """
### Diagnosis

[Look there](other.md#trouble)

### Resolution

**Option 1: As there**

[As there](other.md#trouble)
"""
    run = await started(context, text)
    assert "echo from the other" in [i.command.text for i in run.program.reads]
    assert [i.command.text for c in run.chosen for i in c.option.items] == ["touch other"]
    (context.home / "books" / "other.md").write_text("# Books\n\n## Trouble\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"other\.md was changed since the run read it"):
        await runs.approve(context, run.id, "", "olivia")


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("other.md#trouble", r"go round in a circle: trouble\.md#trouble → other\.md#trouble → trouble\.md#trouble"),
        ("gone.md#trouble", r"trouble\.md:7: there is no gone\.md; correct the link"),
        ("../outside.md#trouble", r"^trouble\.md:\d+: the link to .* leads out of the runbook folder"),
        ("linked.md#trouble", "leads out of the runbook folder"),
        ("%2e%2e/outside.md#trouble", "leads out of the runbook folder"),
        ("other.md#nowhere", "no runbook #nowhere in it"),
    ],
)
async def test_a_link_that_cannot_be_followed_is_told_with_its_line(context: Context, link: str, said: str) -> None:
    (context.home / "outside.md").write_text("# Books\n\n## Trouble\n\n```bash\nls\n```\n", encoding="utf-8")
    (context.home / "books" / "linked.md").symlink_to(context.home / "outside.md")
    write(context, "\n### Diagnosis\n\n[Back](trouble.md#trouble)\n", "other")
    with pytest.raises(CommandError, match=said):
        await started(context, f"\n### Diagnosis\n\n[Look there]({link})\n")


# ------------------------------------------------------------------ cancel, and what is not for this service


async def test_what_is_under_way_ends_with_the_run(context: Context) -> None:
    write(context, "\n### Diagnosis\n\n```bash\nsleep 47\n```\n")
    run = await run_document(context, "trouble", "shop")
    began = time.monotonic()
    driving = asyncio.create_task(driver(context, watched=False).drive(run.id))
    await asyncio.sleep(0.4)
    await runs.cancel(context, run.id, "enough", "olivia")
    found = await asyncio.wait_for(driving, 20)
    assert (found.outcome, list(found.read.values())) == ("cancelled", ["cancelled"])
    assert time.monotonic() - began < 20
    running = [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x0047" in _read(p)]
    assert running == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_an_option_that_only_reads_is_not_offered_and_says_how(context: Context) -> None:
    run = await started(
        context,
        "\n### Mitigation\n\n#### Option 1: Look\n\n```bash\nls\n```\n\n#### Option 2: Do\n\n```bash\ntouch x\n```\n",
    )
    assert [c.option.title for c in run.chosen] == ["Option 2: Do"]
    assert [(t, w.partition(" --step ")[0]) for t, w in run.left_out] == [
        ("Option 1: Look", "it only reads; to do it: hutch run trouble")
    ]


async def test_what_is_for_another_platform_is_left_out_and_said(context: Context) -> None:
    text = """
### Resolution

**Option 1: Restart**

```bash
# Railway
railway restart

# Here
touch restarted
```

**Option 2: Restart the one named**

```bash
touch restarted-[which]
touch it
```
"""
    run = await started(context, text)
    assert [(c.option.number, len(c.option.items)) for c in run.chosen] == [(1, 1)]
    assert "program railway is not bound" in run.chosen[0].option.left_out[0]
    ranked = next(e for e in await context.store.read(run.stream) if e.kind == "options.ranked")
    assert "[which] has no value" in str(ranked.data["left_out"])


async def test_an_open_value_makes_no_read_a_change(context: Context) -> None:
    run = await started(context, "\n### Diagnosis\n\n```bash\nls [folder]/\n```\n")
    (skipped,) = run.program.skipped
    assert (skipped.command.effect.word, skipped.refused) == ("read", "[folder] has no value: give --set folder=VALUE")


HALF = """
### Resolution

**Option 1: Two parts**

```bash
touch one
```

```bash
touch two
```

### Verification

```bash
ls
```
"""


async def test_an_option_that_broke_off_half_way_is_no_success_however_well_all_looks(context: Context) -> None:
    run = await started(context, HALF)
    await runs.approve(context, run.id, "", "olivia")
    item = run.chosen[0].option.items[0]
    broken = Draft("change.intended", {"option": run.chosen[0].option.id, "item": item.id, "runner": "sh"})
    await context.store.commit([Append(run.stream, (broken,))])
    run = await on(context, run)
    assert (run.waiting, made(context)) == ("decision", [])
    asked = next(e for e in await context.store.read(run.stream) if e.kind == "decision.needed")
    assert str(asked.data["question"]).startswith(
        "Was “touch one” of “Option 1: Two parts” done? If it was, 1 more follow"
    )
    run = await on(context, await runs.settle(context, run.id, "", "worked", "", "olivia"))
    assert (run.outcome, made(context)) == ("resolved", ["two"])
