"""Every role at every route: each page, form and operation has a door, and each door holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from guarded import BROWSER, Answer, Client, Guarded, guarded
from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.commands.respond import run_document
from hutch.model.access import ALLOWED, AccessRole, Permission
from hutch.model.severity import Severity
from hutch.web.app import build
from hutch.web.doors import DOORS, Door, Reach, find


@pytest.fixture
async def hutch(on_store: str, tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path, "access: {required: true, api_rate: 100000/minute}\n") as found:
        yield found


def routes(app: Any) -> set[str]:
    """``METHOD path`` of every route, those of included routers too."""
    found: set[str] = set()
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found |= routes(inner)
        else:
            found |= {f"{m} {route.path}" for m in route.methods - {"HEAD"}}
    return found


def test_every_route_says_what_it_asks_for_and_every_door_has_a_route(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\n")
    app = build(open_context(tmp_path / "hutch.yaml"))
    assert routes(app) == set(DOORS), "web/doors.py says of each route which permission it needs"
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in DOORS


NAMES = (
    "incident_id", "run_id", "name", "secret", "token", "token_id", "source", "schedule", "version", "number", "deed",
    "audience", "path:path", "silence_id", "window_id", "override_id", "subscriber_id", "seq", "gate",
)  # fmt: skip


def test_an_address_is_judged_by_the_door_of_the_route_that_answers_it() -> None:
    for route in DOORS:
        method, path = route.split(" ", 1)
        sample = path.replace("{place:path}", "books/shop").replace("{document}", "update")
        for name in NAMES:
            sample = sample.replace("{" + name + "}", "x1")
        found = find(method, sample)
        assert found and found.route == route
    assert find("GET", "/nowhere") is None and find("DELETE", "/") is None


ROLES: dict[str, dict[str, Any]] = {
    "viewer": {"role": AccessRole.VIEWER},
    "responder": {"role": AccessRole.RESPONDER},
    "commander": {"role": AccessRole.COMMANDER},
    "admin": {"role": AccessRole.ADMIN},
    "elsewhere": {"role": None, "bank": AccessRole.COMMANDER},
    "here": {"role": None, "shop": AccessRole.RESPONDER},
}


def expected(door: Door, who: str) -> str:
    """``in``, ``refused``, or ``hidden`` where they may not even know of the thing, by the table of the issue."""
    if door.permission is Permission.OPEN:
        return "in"
    if who == "nobody":
        return "refused"
    if door.permission is Permission.OWN:
        return "in"
    everywhere = ALLOWED.get(ROLES[who]["role"], frozenset())
    somewhere = everywhere.union(*(ALLOWED[r] for k, r in ROLES[who].items() if k != "role"))
    shop = everywhere | ALLOWED.get(ROLES[who].get("shop"), frozenset())
    if door.reach is Reach.THING and Permission.READ not in shop:
        return "hidden"
    held = {Reach.EVERYWHERE: everywhere, Reach.SOMEWHERE: somewhere, Reach.THING: shop}[door.reach]
    return "in" if door.permission in held else "refused"


def seen(answer: Answer) -> str:
    if answer.refused:
        return "refused"
    hidden = ("There is no incident INC-", "There is no run R-", "There is no service shop.")
    return "hidden" if answer.status == 404 and any(h in answer.text for h in hidden) else "in"


async def knock(client: Client, route: str, incident: str, run: str) -> Answer:
    """Ask with an empty body: past its door such a request is refused for what it lacks, and changes nothing."""
    method, path = route.split(" ", 1)
    known = {"incident_id": incident, "run_id": run, "name": "shop", "document": "update", "place:path": "trouble"}
    known |= {"audience": "customers", "number": "1", "deed": "done", "seq": "1"}
    for name in (*known, *NAMES):
        path = path.replace("{" + name + "}", known.get(name, "x"))
    if method == "GET":
        return await client.get(path + ("?item=x" if path.endswith("output") else ""))
    if path.startswith(("/api/", "/v2/")):
        return await client.ask("POST", path, {"Content-Type": "application/json"}, data="{}")
    return await client.ask("POST", path, BROWSER, data={"token": "none"})


async def things(hutch: Guarded) -> tuple[str, str]:
    state = await incidents.declare(
        hutch.context, title="slow", service="shop", severity=Severity.SEV3, actor="test", respond=False
    )
    run = await run_document(hutch.context, "trouble#trouble", "shop", mode="dry-run", actor="test")
    return state.id, run.id


@pytest.mark.timeout(180)
async def test_every_role_at_every_door(hutch: Guarded) -> None:
    incident, run = await things(hutch)
    clients = {"nobody": await hutch.client()}
    for name, given in ROLES.items():
        await hutch.account(name, **given)
        clients[name] = await hutch.client(name)
    wrong = []
    for route, door in DOORS.items():
        answers = await asyncio.gather(*(knock(c, route, incident, run) for c in clients.values()))
        for name, answer in zip(clients, answers, strict=True):
            if seen(answer) != expected(door, name) or (answer.status >= 500 and route != "GET /healthz"):
                wrong.append((route, name, expected(door, name), answer.status, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))


async def test_the_same_by_token_and_a_token_may_no_more_than_its_scopes(hutch: Guarded) -> None:
    incident, run = await things(hutch)
    await hutch.account("admin", AccessRole.ADMIN)
    reads = await hutch.token("admin", "read")
    for route, door in DOORS.items():
        if not route.split(" ")[1].startswith("/api/") or door.permission is Permission.OPEN:
            continue
        answer = await knock(reads, route, incident, run)
        assert answer.refused is (door.permission is not Permission.READ), (route, answer)
    for path in ("/account", "/people", "/audit"):  # a token is no way to an account, nor to others
        assert (await reads.get(path)).refused


def test_the_table_of_roles_is_the_one_that_was_decided() -> None:
    """By hand: what a role gains or loses is a decision, see docs/guide/access.md."""
    words = {role.value: sorted(p.value for p in held) for role, held in ALLOWED.items()}
    assert words == {
        "viewer": ["read", "report"],
        "responder": ["approve", "read", "report", "respond"],
        "commander": ["approve", "command", "destroy", "read", "report", "respond"],
        "admin": ["administer", "approve", "command", "destroy", "read", "report", "respond"],
    }


def test_what_matters_most_asks_for_what_was_decided() -> None:
    asked = {r: DOORS[r].permission.value for r in (
        "POST /runs/{run_id}/approval", "POST /people", "GET /audit", "POST /api/v1/incidents/{incident_id}/severity",
        "GET /incidents/{incident_id}", "GET /events", "GET /metrics", "POST /account/tokens",
    )}  # fmt: skip
    assert json.dumps(list(asked.values())) == json.dumps(
        ["approve", "administer", "administer", "command", "read", "read", "read", "own"]
    )
