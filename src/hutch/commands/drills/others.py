"""The baselines of one drill: asked once, side by side, as soon as somebody is called."""

from __future__ import annotations

import asyncio
from typing import Any

from hutch.commands.drills.asking import Place, ask_all
from hutch.commands.drills.baseline import Conclusion, Wanted, marks
from hutch.commands.drills.stage import Stage


class Others:
    """What the stage's baselines conclude. ``begin`` when an incident is opened; ``asked`` before anything is mended,
    as they must see what Hutch saw."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._task: asyncio.Task[None] | None = None
        self._found: dict[str, tuple[list[Conclusion], list[str]]] = {}

    def begin(self) -> None:
        """Once."""
        if self._task is None:
            self._task = asyncio.create_task(self._ask())

    async def asked(self) -> None:
        """Until all have looked."""
        self.begin()
        assert self._task is not None
        await self._task

    def score(self, wanted: Wanted, broken: bool) -> dict[str, dict[str, Any]]:
        """The marks of each."""
        return {name: marks(found, wanted, broken, failed).as_dict() for name, (found, failed) in self._found.items()}

    async def _ask(self) -> None:
        stage = self._stage
        if not stage.baselines:
            return
        place = await asyncio.to_thread(Place.of, stage.ready_file, stage.folder)
        found = await asyncio.gather(*(asyncio.to_thread(ask_all, one, place) for one in stage.baselines))
        self._found = {one.name: answer for one, answer in zip(stage.baselines, found, strict=True)}
