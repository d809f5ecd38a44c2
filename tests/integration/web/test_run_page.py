"""The page of a run that no incident started: what a person does in it, without JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hutch.commands import runs
from hutch.commands.respond import run_document
from hutch.model.event import Draft
from hutch.model.run import ChangeState
from hutch.ports import Append

CARE = """# Care

## Cold cache

### Diagnosis

```sh {"name":"Ask the team","hutch.manual":"true","hutch.capture":"region = /region (\\\\w+)/"}
Ask the team of the cache which region is cold
```

```sh {"hutch.when":"region == 'south'"}
echo only in the south
```

### Resolution

**Option 1: Warm it**

```sh {"hutch.undo":"rmdir warm-[region]","name":"warm"}
mkdir warm-[region]
```

```sh {"hutch.manual":"true","name":"Tell them"}
Tell the team that [region] is warm again
```
"""


@pytest.fixture
async def care(opened: Any, tmp_path: Path) -> Any:
    """A server with a runbook that asks for much by hand."""
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "care.md").write_text(CARE)
    return await opened(runbooks="[books]", binds="{mkdir: as-is, rmdir: as-is}")


async def started(site: Any, reference: str = "care", **given: Any) -> str:
    return (await run_document(site.context, reference, "shop", actor="olivia", **given)).id


async def test_steps_by_hand_are_ticked_off_and_what_they_give_is_shown(care: Any) -> None:
    run = await started(care)
    await care.until(run, lambda r: r.waiting == "tick")
    page = await care.page(f"/runs/{run}")
    assert "Ask the team of the cache" in page.said and "to be done" in page.said and "started by olivia" in page.said
    refused = await care.send(page.form("/ticks"), done="yes", note="no idea", actor="olivia")
    assert "Not done: the note must give it" in refused.said
    page = await care.send(page.form("/ticks"), done="yes", note="region north <b>", actor="olivia")
    assert "Ticked off." in page.said and "region north <b>" in page.said
    await care.until(run, lambda r: r.waiting == "approval")
    page = await care.page(f"/runs/{run}")
    assert "Values that steps gave" in page.said and "north" in page.said and "not needed" in page.said
    assert "mkdir warm-north" in page.said and "rmdir warm-north" in page.said


async def test_the_whole_way_and_the_way_back(care: Any) -> None:
    run = await started(care)
    await care.until(run, lambda r: r.waiting == "tick")
    page = await care.page(f"/runs/{run}")
    await care.send(page.form("/ticks"), done="yes", note="region east", actor="olivia")
    await care.until(run, lambda r: r.waiting == "approval")
    await care.send((await care.page(f"/runs/{run}")).form("/approval"), actor="olivia")
    await care.until(run, lambda r: r.waiting == "tick" and bool(r.in_state(ChangeState.APPROVED)))
    page = await care.page(f"/runs/{run}")
    assert "Offer the way back" in page.said and "Tell the team" in page.said
    await care.send(page.form("/ticks"), done="yes", note="told", actor="olivia")
    back = await care.send((await care.page(f"/runs/{run}")).form("/undo"), actor="olivia")
    assert "The way back is offered here" in back.said and f"in {run}" in back.said
    again = await care.page(f"/runs/{run}")
    assert "The way back:" in again.said and not [f for f in again.forms if f.action.endswith("/undo")]
    other = (await runs.listing(care.context))[-1].id
    await care.until(other, lambda r: r.waiting == "approval")
    assert "rmdir warm-east" in (await care.page(f"/runs/{other}")).said


async def test_a_run_is_cancelled_with_a_reason(care: Any) -> None:
    run = await started(care)
    page = await care.page(f"/runs/{run}")
    assert "Not done: the reason is missing" in (await care.send(page.form("/cancellation"), actor="peter")).said
    page = await care.send(page.form("/cancellation"), reason="a false alarm", actor="peter")
    assert "The run is cancelled" in page.said
    await care.until(run, lambda r: r.finished)
    page = await care.page(f"/runs/{run}")
    assert "cancelled by peter: a false alarm" in page.said
    assert not [f for f in page.forms if f.action.endswith("/cancellation")]


async def test_hostile_text_of_a_step_by_hand_is_shown_not_run(care: Any) -> None:
    run = await started(care)
    await care.until(run, lambda r: r.waiting == "tick")
    bad = "<script>alert(1)</script>\u202e"
    state = await runs.load(care.context, run)
    data = {"item": state.program.reads[0].id, "title": bad, "option": "", "done": True, "note": bad,
            "captured": {bad: bad}, "secret": [bad]}  # fmt: skip
    stopped = Draft("run.cancelled", {"reason": bad}, bad)
    await care.context.store.commit([Append(f"run:{run}", (Draft("step.ticked", data, bad), stopped))])
    page = await care.page(f"/runs/{run}")
    assert "<script>alert" not in page.html and "\u202e" not in page.html
    assert "<script>alert(1)</script>" in page.said


async def test_all_that_a_statement_said_is_a_click_away(care: Any) -> None:
    text = "# Loud\n\n## Much\n\n### Diagnosis\n\n```sh\nseq -f 'line %g <b>' 1 9000\n```\n"
    (Path(care.context.config.path).parent / "books" / "loud.md").write_text(text)
    run = await started(care, "loud", binds={"seq": "as-is"})
    await care.until(run, lambda r: bool(r.read))
    page = await care.page(f"/runs/{run}")
    assert ("a", "href", "/runbooks/loud") in page.attributes
    href = next(v for t, k, v in page.attributes if (t, k) == ("a", "href") and "/output?" in v)
    async with care.client.get(care.address + href) as answer:
        said = await answer.text()
        assert answer.content_type == "text/plain"
    assert said.startswith("line 1 <b>\n") and said.endswith("line 9000 <b>\n") and said.count("\n") == 9000
    for item in ("..%2f..%2fhutch.db", "nothing", "%00"):
        async with care.client.get(f"{care.address}/runs/{run}/output?item={item}") as answer:
            assert answer.status == 404


async def test_the_list_of_runs_finds_one_by_its_words(care: Any) -> None:
    run = await started(care)
    page = await care.page("/runs?q=cold+SHOP")
    assert run in page.html and "care" in page.said
    assert "No run has these words" in (await care.page("/runs?q=nothing")).said
    for form in ("/ticks", "/undo", "/cancellation", "/approval"):
        url = f"{care.address}/runs/{run}{form}"
        async with care.client.post(url, data={"token": "guessed", "item": "x", "reason": "y"}) as answer:
            assert answer.status == 403
