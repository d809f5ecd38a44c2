"""The source document's chapters Service Outage, Deployment Rollback and Scaling Operations, unmodified, on each of the
four protocols over real replicas: under the fault that each is for, from the diagnosis to the verification."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import Stage
from hutch.commands import runs
from hutch.commands.context import Context
from hutch.commands.diagnose import diagnose
from hutch.commands.respond import run_document
from hutch.commands.worker import driver
from hutch.model.run import Run
from platform_process import limits, post
from platform_world import TOKEN, World, serving
from seed_binds import BINDS

SEED = Path(__file__).parents[2].parent / "shared" / "seed" / "rolerabbit-runbooks.md"
SECTIONS = {"local": "AWS ECS", "ecs": "AWS ECS", "vercel": "Vercel", "railway": "Railway"}
"""How the chapter Deployment Rollback calls the part that is for the platform; the local one has ECS' words bound."""

UP = {"local": 5, "ecs": 5, "railway": 3}
"""Replicas to which the document scales up."""

HELD = {"railway": str(2_000_000_000 // 2**20 * 2**20), "vercel": str(4 * 2**30)}
"""Bytes of memory that a replica may have after the document's larger tasks."""

WITHIN = 120.0

pytestmark = pytest.mark.skipif(not SEED.exists(), reason="the source document is not beside this clone")


async def driven(context: Context, run: Run) -> Run:
    """Until the run is over or waits for a person."""
    async with asyncio.timeout(WITHIN):
        while True:
            run = await driver(context, watched=False).drive(run.id)
            if run.finished or run.waiting in ("approval", "tick", "decision"):
                return run
            await asyncio.sleep(0.1)


async def begun(context: Context, anchor: str, **values: str) -> Run:
    """The chapter, up to the person."""
    run = await run_document(context, f"{SEED}#{anchor}", "rolerabbit", values=values, actor="olivia")
    return await driven(context, run)


async def approved(context: Context, run: Run, title: str) -> Run:
    """Its option of that title approved, to the end."""
    option = next(c.option for c in run.chosen if c.option.title == title)
    await runs.approve(context, run.id, option.id, "olivia")
    return await driven(context, run)


def texts(run: Run, title: str) -> list[str]:
    """The statements of an option that is offered."""
    return [i.command.text for c in run.chosen if c.option.title == title for i in c.option.items]


def why_not(run: Run, title: str) -> str:
    """Why an option is not offered."""
    return next((reason for left, reason in run.left_out if left == title), "")


async def blamed(context: Context, code: str) -> None:
    """Until a diagnosis names that cause first."""
    async with asyncio.timeout(WITHIN):
        while next((c.code for c in (await diagnose(context, context.service())).causes), "") != code:
            await asyncio.sleep(0.5)


@asynccontextmanager
async def standing(folder: Path, platform: str) -> AsyncIterator[tuple[Context, Mapping[str, Any]]]:
    """RoleRabbit under load on that platform, and Hutch's context for it."""
    stage = Stage(folder, "bad-release", 60.0, changes={"guards": {"per_hour": 1000}}, platform=platform)
    async with stage.standing() as ready:
        config = yaml.safe_load(stage.config_path.read_text())
        service = config["services"]["rolerabbit"]
        service["binds"] = {**service["binds"], **BINDS[platform]}
        stage.config_path.write_text(yaml.safe_dump(config))
        context = open_context(stage.config_path)
        try:
            async with stage.load(ready):
                yield context, ready
        finally:
            await context.close()


def status(ready: Mapping[str, Any]) -> Mapping[str, Any]:
    """The replicas and the release that really run, whatever API was asked."""
    with urllib.request.urlopen(f"{ready['api_url']}/status", timeout=30) as answer:
        found: Mapping[str, Any] = json.load(answer)
    return found


async def deploy_a_bad_one(ready: Mapping[str, Any], release: str) -> None:
    for path, body in (
        ("/releases", {"id": release, "env": {"RR_FAULT": "errors"}}), ("/deployments", {"release": release}),
    ):  # fmt: skip
        await asyncio.to_thread(post, ready, path, body)


async def outage_and_roll_back(context: Context, ready: Mapping[str, Any], platform: str) -> None:
    """A release that fails: the chapter on outages leaves it, and the chapter on roll-backs leaves the next one."""
    await deploy_a_bad_one(ready, "43")
    await blamed(context, "deploy.bad_release")
    run = await begun(context, "service-outage")
    (text,) = texts(run, "Option 1: Rollback Deployment")
    assert text.startswith("deploy.rollback(from: ")
    assert texts(run, "Option 2: Restart Service") == ["service.restart()"]
    if platform in ("local", "ecs"):
        assert why_not(run, "Option 3: Scale Up").startswith("not scaled: capacity is not the cause: deploy.bad")
    run = await approved(context, run, "Option 1: Rollback Deployment")
    assert (run.outcome, status(ready)["release"]) == ("resolved", "42")

    await deploy_a_bad_one(ready, "44")
    await blamed(context, "deploy.bad_release")
    run = await begun(context, "deployment-rollback")
    assert any(text.startswith("deploy.rollback(from: ") for text in texts(run, SECTIONS[platform])), run.left_out
    run = await approved(context, run, SECTIONS[platform])
    assert (run.outcome, status(ready)["release"]) == ("resolved", "42")


async def scaled(context: Context, ready: Mapping[str, Any], platform: str) -> None:
    """Up and down by the chapter on scaling; not while a lock is what keeps requests waiting."""
    with psycopg.connect(str(ready["owner_url"])) as session:
        session.execute("lock table portfolios in access exclusive mode")
        await blamed(context, "postgres.blocked_by_lock")
        run = await begun(context, "scale-up-increased-load")
        assert why_not(run, "Horizontal Scaling").startswith("not scaled: capacity is not the cause: postgres.blocked")
        session.rollback()
    async with asyncio.timeout(WITHIN):
        while (await diagnose(context, context.service())).causes:
            await asyncio.sleep(0.5)
    run = await begun(context, "scale-up-increased-load")
    assert f"service.scale(replicas: {UP[platform]})" in texts(run, "Horizontal Scaling")
    run = await approved(context, run, "Horizontal Scaling")
    assert (run.outcome, len(status(ready)["replicas"])) == ("resolved", UP[platform])
    if platform == "local":
        run = await approved(context, await begun(context, "scale-up-increased-load"), "Vertical Scaling")
        assert (run.outcome, status(ready)["pool_size"]) == ("resolved", 4)
    if platform in HELD:
        await sized(context, ready, platform)
    run = await begun(context, "scale-down-reduced-load")
    calls = {c.option.title: [i.command.text for i in c.option.items] for c in run.chosen}
    title = next(title for title, texts in calls.items() if texts == ["service.scale(replicas: 1)"])
    run = await approved(context, run, title)
    assert (run.outcome, len(status(ready)["replicas"])) == ("resolved", 1)


async def sized(context: Context, ready: Mapping[str, Any], platform: str) -> None:
    """The chapter's larger tasks, as the platform has them."""
    run = await approved(context, await begun(context, "scale-up-increased-load"), "Vertical Scaling")
    assert (run.outcome, {limits(row["pid"])[0] for row in status(ready)["replicas"]}) == ("resolved", {HELD[platform]})


async def places(context: Context, platform: str) -> None:
    """What the platform has no verb for is a person's step that says where."""
    run = await begun(context, "scale-up-increased-load")
    wanted = {"Database Scaling": "Compute", **({"Vertical Scaling": ""} if platform == "ecs" else {})}
    wanted |= {"Horizontal Scaling": "by itself"} if platform == "vercel" else {}
    for title, place in wanted.items():
        found = [i.manual for c in run.chosen if c.option.title == title for i in c.option.items]
        assert found and all("→ " in text and place in text for text in found), (title, run.left_out)


@pytest.mark.slow
@pytest.mark.timeout(590)
@pytest.mark.parametrize("platform", BINDS)
def test_the_chapters(platform: str, tmp_path: Path) -> None:
    async def told() -> None:
        async with standing(tmp_path, platform) as (context, ready):
            await outage_and_roll_back(context, ready, platform)
            await places(context, platform)
            await (scaled if platform != "vercel" else sized)(context, ready, platform)

    asyncio.run(told())


async def test_a_roll_back_by_the_document_on_paper(tmp_path: Path) -> None:
    """The same chapter by Vercel's API over replicas that are only written down, with the release said by a person."""
    world = World(tmp_path)
    with serving(world) as address:
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "token").chmod(0o600)
        place = {"project": "rolerabbit", "url": address, "logs_url": address, "changes": True, "look_every": 0.05}
        binds = {**BINDS["vercel"], "https://rolerabbit.com": f"{address}/docs"}
        config = {"mode": "act", "services": {"rolerabbit": {
            "http": {"url": f"{address}/docs"}, "vercel": {**place, "token": {"file": "token"}}, "binds": binds,
        }}}  # fmt: skip
        (tmp_path / "hutch.yaml").write_text(yaml.safe_dump(config))
        context = open_context(tmp_path / "hutch.yaml")
        try:
            to = f"dpl_{1:024d}"
            run = await begun(context, "deployment-rollback", **{"previous-deployment-url": to})
            assert f"deploy.rollback(to: {to})" in texts(run, "Vercel"), (run.left_out, run.waiting)
            assert (await approved(context, run, "Vercel")).outcome == "resolved"
            assert world.control.ledger.current == "41"
        finally:
            await context.close()
