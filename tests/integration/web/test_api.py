"""The JSON API as a client meets it: a real server on loopback over a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands.context import CommandError
from hutch.web.server import listen, serving

RUNBOOK = """# Shop

## Trouble

### Detection

```bash
echo well
# Should return well
```

### Resolution

**Option 1: Make a note**

```bash
mkdir noted
```
"""


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "trouble.md").write_text(RUNBOOK)
    (tmp_path / "hutch.yaml").write_text(
        "mode: act\nrunbooks: [trouble.md]\nservices:\n  shop: {runbook: trouble, binds: {mkdir: as-is}}\n"
    )
    context = open_context(tmp_path / "hutch.yaml")
    listener = listen(0)
    async with serving(context, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
    await context.close()


async def ask(url: str, body: dict[str, Any] | None = None, **options: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request("POST" if body is not None else "GET", url, json=body, **options) as answer,
    ):
        return answer.status, json.loads(await answer.text() or "null") if answer.content_type.endswith(
            "json"
        ) else None


async def waiting(api: str, run: str, state: str) -> dict[str, Any]:
    for _ in range(200):
        _, found = await ask(f"{api}/runs/{run}")
        if found["state"] == state:
            return dict(found)
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_an_incident_from_declaration_to_resolution(api: str) -> None:
    declared = {"title": "It is slow", "severity": "SEV-2", "actor": "olivia"}
    status, state = await ask(f"{api}/incidents", declared)
    assert (status, state["severity"], state["open"]) == (201, "SEV-2", True)
    here = f"{api}/incidents/{state['id']}"
    assert (await ask(f"{here}/acknowledgement", {"actor": "olivia"}))[1]["acknowledged_by"] == "olivia"
    assert (await ask(f"{here}/severity", {"severity": "SEV-1", "reason": "all users", "actor": "olivia"}))[0] == 200
    assert (await ask(f"{here}/notes", {"text": "looking", "actor": "olivia"}))[0] == 200
    assert (await ask(f"{here}/updates", {"text": "we look", "actor": "olivia"}))[0] == 200
    assert (await ask(f"{here}/resolution", {"text": "restarted", "actor": "olivia"}))[1]["open"] is False
    kinds = [e["kind"] for e in (await ask(f"{here}/timeline"))[1]]
    assert {"incident.declared", "severity.changed", "note.added", "incident.resolved"} <= set(kinds)
    assert [i["id"] for i in (await ask(f"{api}/incidents"))[1]] == [state["id"]]


async def test_a_run_waits_and_goes_on_once_approved_as_it_was_shown(api: str) -> None:
    status, run = await ask(f"{api}/runs", {"document": "trouble", "actor": "olivia"})
    assert status == 201
    offered = (await waiting(api, run["id"], "waiting for approval"))["options"][0]
    here = f"{api}/runs/{run['id']}"
    wrong = {"option": offered["id"], "digest": "another", "actor": "olivia"}
    status, refused = await ask(f"{here}/approval", wrong)
    assert status == 409 and "no longer what you were shown" in refused["error"]
    right = {**wrong, "digest": offered["digest"]}
    both = await asyncio.gather(ask(f"{here}/approval", right), ask(f"{here}/approval", {**right, "actor": "peter"}))
    assert sorted(status for status, _ in both) == [200, 409]
    assert "already approved by" in next(found for status, found in both if status == 409)["error"]
    for _ in range(200):
        if (await ask(here))[1]["options"][0]["state"] == "done":
            break
        await asyncio.sleep(0.05)
    assert (await ask(f"{here}/cancellation", {"reason": "seen enough", "actor": "olivia"}))[0] == 200


async def test_one_step_a_dry_run_and_only_documents_that_are_configured(api: str, tmp_path: Path) -> None:
    given = {"document": "trouble", "actor": "olivia", "dry_run": True, "binds": {"mkdir": "as-is"}}
    status, run = await ask(f"{api}/runs", given)
    assert (status, run["mode"]) == (201, "dry-run")
    for path in (tmp_path / "trouble.md", "../trouble.md", "trouble.md"):
        assert (await ask(f"{api}/runs", {"document": f"{path}#trouble", "actor": "o"}))[0] == 404
    assert (await ask(f"{api}/runs", {**given, "step": "nothing"}))[0] == 404
    here = f"{api}/runs/{run['id']}"
    status, refused = await ask(f"{here}/ticks", {"actor": "olivia", "note": "done"})
    assert status in (404, 409) and run["id"] in refused["error"]
    assert (await ask(f"{here}/undo", {"actor": "olivia"}))[0] == 404


async def test_what_is_not_there_or_not_right_is_said(api: str) -> None:
    assert (await ask(f"{api}/incidents/INC-1"))[0] == 404
    assert (await ask(f"{api}/runs", {"document": "nothing", "actor": "olivia"}))[0] == 404
    assert (await ask(f"{api}/incidents", {"title": "x", "severity": "SEV-9", "actor": "o"}))[0] == 422
    status, found = await ask(f"{api}/incidents", {"title": "x"})
    assert status == 422 and "severity" in found["error"]


async def test_a_foreign_page_can_neither_ask_nor_change(api: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{api}/incidents", headers={"Host": "evil.example"}) as answer:
            assert answer.status == 400
        async with session.post(f"{api}/incidents", data={"title": "x"}) as answer:
            assert answer.status == 415


async def test_services_and_diagnosis(api: str) -> None:
    assert [s["name"] for s in (await ask(f"{api}/services"))[1]] == ["shop"]
    status, found = await ask(f"{api}/services/shop/diagnosis")
    assert (status, found["service"], found["causes"]) == (200, "shop", [])


def test_a_taken_port_is_one_clear_error() -> None:
    with listen(0) as taken:
        taken.listen()
        with pytest.raises(CommandError, match="cannot be had"):
            listen(taken.getsockname()[1])
