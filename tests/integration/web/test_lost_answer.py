"""A commit whose answer is lost after somebody approved it on a page: looked up, shown, and not done a second time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import respond
from lost_answers import looked_up, losing
from remedy_world import Shop, shop


@pytest.fixture(scope="module")
def world() -> Iterator[Shop]:
    with shop() as made:
        yield made


async def test_a_page_shows_what_the_look_told(world: Shop, tmp_path: Path, served: Any) -> None:
    with losing(world, tmp_path) as wire:
        site = await served(open_context(tmp_path / "hutch.yaml"))
        run = await respond.run_document(site.context, "tickets", actor="olivia")
        await site.until(run.id, lambda r: r.waiting == "approval")
        await site.send((await site.page(f"/runs/{run.id}")).form("/approval"), actor="olivia")
        await site.until(run.id, lambda r: r.finished)
        assert wire.cuts == 1
        looked_up(world, await site.context.store.read(run.stream))
        assert "resolved" in (await site.page(f"/runs/{run.id}")).said
