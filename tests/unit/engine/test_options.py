"""Which of a document's options a remedy stands behind."""

from __future__ import annotations

import pytest

from hutch.engine.options import rank
from hutch.model.action import Command
from hutch.model.effect import Effect
from hutch.model.program import Item, Option

REMEDY = {"action": "deploy.rollback", "target": "web", "args": {"to": "41", "from": "42"}, "effect": "change"}
CAUSES = [{"code": "deploy.bad_release", "remedies": [{**REMEDY, "summary": "go back"}]}]


def item(runner: str, effect: Effect = Effect.READ, refused: str = "", manual: str = "") -> Item:
    return Item(runner, runner, 1, Command(runner, runner, "web", effect), refused=refused, manual=manual)


ROLLBACK = item("deploy.rollback", Effect.CHANGE)


@pytest.mark.parametrize(
    ("items", "its_own"),
    [
        ((ROLLBACK,), True),
        ((item("deploy.list"), ROLLBACK, item("http")), True),
        ((ROLLBACK, item("service.restart", Effect.CHANGE)), False),
        ((ROLLBACK, ROLLBACK), False),
        ((ROLLBACK, item("sh", refused="not bound")), False),
        ((ROLLBACK, item("hand", manual="tell them")), False),
        ((item("deploy.list"),), False),
    ],
)
def test_a_remedy_goes_by_the_documents_option_that_changes_nothing_else(
    items: tuple[Item, ...], its_own: bool
) -> None:
    first = rank([Option("doc", "Vercel", items)], CAUSES)[0]
    assert (first.id == "doc") == its_own
    (call,) = [i for i in first.items if i.command.runner == "deploy.rollback"]
    assert call.command.args == {"to": "41", "from": "42"}
    assert [i.command.runner for i in first.items] == (
        [i.command.runner for i in items] if its_own else ["deploy.rollback"]
    )
