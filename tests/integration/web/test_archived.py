"""An incident whose events lie in an archive: lists, page and API show what is left of it, and where it lies."""

from __future__ import annotations

from typing import Any

import pytest

from hutch.commands import archive, incidents
from hutch.model.event import Draft
from hutch.model.severity import Severity


@pytest.fixture
async def name(site: Any) -> str:
    context = site.context
    state = await incidents.declare(
        context, title="Slow since nine", service="shop", severity=Severity.SEV2, actor="olivia", respond=False
    )
    await incidents.resolve(context, state.id, "the cache was full", "olivia")
    ended = [Draft("watch.passed", {})]
    state = await incidents.change(context, state.id, lambda s: [
        *ended, *(Draft("clock.cancelled", {"clock": c.id, "why": "w"}) for c in s.clocks if c.state.value == "running")
    ])  # fmt: skip
    await archive.archive(context, state.id, "olivia")
    context.recalled._known.clear()  # as another process sees it
    return str(state.id)


async def test_what_is_left_is_shown(site: Any, name: str) -> None:
    assert "archived in " in (await site.page("/incidents?state=resolved")).said
    page = await site.page(f"/incidents/{name}")
    assert "Slow since nine" in page.said and "before this one lie in an archive" in page.said
    for place in ("/", "/log", "/reviews", "/find?q=cache", "/reports", f"/find?q={name}"):
        await site.page(place)
    assert "1 in archives and not counted" in (await site.page("/reports")).said
    async with site.client.get(f"{site.address}/api/v1/incidents/{name}") as answer:
        assert (await answer.json())["archived"]["events"] > 3
    said = await site.told(f"/incidents/{name}", "/notes", text="late")
    assert f"hutch archive restore {name}" in said
    await archive.restore(site.context, name, "olivia")
    page = await site.page(f"/incidents/{name}")
    assert "the cache was full" in page.said and "archived in" not in page.said
