"""``hutch run`` and ``hutch runs``: start a runbook, and decide in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from hutch.bootstrap.supplied import supplied
from hutch.cli import ask, progress
from hutch.cli.outputs import output
from hutch.cli.progress import told
from hutch.cli.run_text import described
from hutch.cli.shell import actor, ago, as_json, emit, service_option, table, with_context
from hutch.commands import byhand, incidents, respond
from hutch.commands import runs as commands
from hutch.commands.context import CommandError, Context
from hutch.commands.views import run_json, run_summary
from hutch.commands.worker import Worker
from hutch.model.event import Event
from hutch.model.run import Run
from hutch.processes import end_left_behind

WAITING = 4
FAILED = 1
A_PERSON = ("approval", "decision", "tick")
"""What a run waits for that only a person can give."""

LET_OTHERS = 1.0
"""Seconds that a running server gets to take a run on before this process does it itself."""

GONE_AFTER, EVERY = 5.0, 0.2
"""Seconds of silence after which a server that drives a run may be gone; seconds between two looks at the run."""


@click.command()
@click.argument("document")
@service_option
@click.option("--set", "values", multiple=True, metavar="K=V", help="A placeholder's value for this run.")
@click.option(
    "--bind", "binds", multiple=True, metavar="NAME=VALUE", help="What a host or program stands for; or as-is."
)
@click.option("--incident", default="", help="The incident that it answers.")
@click.option("--dry-run", is_flag=True, help="Render everything, run only reads, apply nothing.")
@click.option("--approve", "option", default="", help="Approve this option (its id or number) in advance.")
@click.option("--step", default="", help="Only this step (its id or name), asked for by you: sensitive reads too.")
@click.option("--yes", is_flag=True, help="Approve the first remedy in advance; never what loses data.")
@as_json
@click.pass_context
def run(
    ctx: click.Context,
    document: str,
    service: str,
    values: tuple[str, ...],
    binds: tuple[str, ...],
    incident: str,
    dry_run: bool,
    option: str,
    step: str,
    yes: bool,
    json_out: bool,
) -> None:
    """Run DOCUMENT#anchor: its reads at once; its changes wait for approval (exit code 4)."""

    given, bound = pairs(values), {k: supplied_here(v) for k, v in pairs(binds).items()}
    if ask.may_ask() and not json_out:
        answers = ask.before(document, service, incident, given, bound, step)
        given, bound = {**given, **answers.values}, {**bound, **answers.binds}

    async def go(context: Context) -> Run:
        state = await incidents.load(context, incident) if incident else None
        for warning in respond.unneeded(context, document, pairs(values), pairs(binds)):
            click.echo(f"hutch: {warning}", err=True)
        found = await respond.run_document(
            context,
            document,
            service or (state.service if state else ""),
            incident=state,
            values=given,
            binds=bound,
            mode="dry-run" if dry_run else "",
            step=step,
            actor=actor(),
        )
        found = await drive(context, found.id)
        if found.waiting == "approval" and (option or yes):
            await commands.approve(context, found.id, option, actor(), yes=yes and not option)
            found = await drive(context, found.id)
        return found

    end_with(ctx, go, json_out)


@click.group()
def runs() -> None:
    """List, show, approve, deny, decide, tick, undo and cancel runs; their output."""


@runs.command("list")
@as_json
def list_(json_out: bool) -> None:
    """Every run, oldest first."""

    async def go(context: Context) -> list[dict[str, Any]]:
        now = context.clock.now()
        return [{**run_summary(r), "started": ago(r.started_at, now)} for r in await commands.listing(context)]

    rows = with_context(go)
    columns = ["id", "title", "service", "incident", "state", "started"]
    emit(rows) if json_out else table(rows, columns, "no runs yet; `hutch run DOC#anchor` starts one")


@runs.command()
@click.argument("run_id")
@as_json
def show(run_id: str, json_out: bool) -> None:
    """What a run saw, offers and did."""
    found, journal = with_context(lambda context: _with_journal(context, run_id))
    emit(run_json(found)) if json_out else click.echo(described(found, journal))


@runs.command()
@click.argument("run_id")
@click.option("--option", default="", help="Its id or number.")
@click.option("--digest", default="", help="The digest that you were shown: anything else is refused.")
@as_json
@click.pass_context
def approve(ctx: click.Context, run_id: str, option: str, digest: str, json_out: bool) -> None:
    """Approve an option as it is shown; without --option the first one."""

    async def go(context: Context) -> Run:
        await commands.approve(context, run_id, option, actor(), digest=digest)
        return await drive(context, run_id)

    end_with(ctx, go, json_out)


@runs.command()
@click.argument("run_id")
@click.option("--option", default="", help="Its id or number.")
@click.option("--reason", required=True)
@as_json
@click.pass_context
def deny(ctx: click.Context, run_id: str, option: str, reason: str, json_out: bool) -> None:
    """Decline an option, with the reason."""

    async def go(context: Context) -> Run:
        await commands.deny(context, run_id, option, reason, actor())
        return await drive(context, run_id)

    end_with(ctx, go, json_out)


@runs.command()
@click.argument("run_id")
@click.argument("choice", type=click.Choice(["worked", "failed"]))
@click.option("--option", default="", help="Its id or number.")
@click.option("--note", default="", help="What you saw.")
@as_json
@click.pass_context
def decide(ctx: click.Context, run_id: str, choice: str, option: str, note: str, json_out: bool) -> None:
    """Say whether a change worked that verification could not judge."""

    async def go(context: Context) -> Run:
        await commands.settle(context, run_id, option, choice, note, actor())
        return await drive(context, run_id)

    end_with(ctx, go, json_out)


@runs.command()
@click.argument("run_id")
@click.argument("step", default="")
@click.option("--note", default="", help="What you did and saw; a value that the step asks for is taken from it.")
@click.option("--could-not", is_flag=True, help="You could not do it.")
@as_json
@click.pass_context
def tick(ctx: click.Context, run_id: str, step: str, note: str, could_not: bool, json_out: bool) -> None:
    """Tick off a step that a person does; without STEP the one that the run waits for."""

    async def go(context: Context) -> Run:
        await byhand.tick(context, run_id, step, note, actor(), done=not could_not)
        return await drive(context, run_id)

    end_with(ctx, go, json_out)


@runs.command()
@click.argument("run_id")
@click.option("--option", default="", help="Its id or number; without it the last one that changed something.")
@as_json
@click.pass_context
def undo(ctx: click.Context, run_id: str, option: str, json_out: bool) -> None:
    """Offer the way back from what a run did, as a run of its own that waits for approval."""

    async def go(context: Context) -> Run:
        begun = await byhand.undo(context, run_id, option, actor())
        return await drive(context, begun.id)

    end_with(ctx, go, json_out)


@runs.command()
@click.argument("run_id")
@click.option("--reason", default="cancelled by hand")
@as_json
@click.pass_context
def cancel(ctx: click.Context, run_id: str, reason: str, json_out: bool) -> None:
    """Start nothing further; what was done stays."""

    async def go(context: Context) -> Run:
        await commands.cancel(context, run_id, reason, actor())
        return await drive(context, run_id)

    end_with(ctx, go, json_out)


runs.add_command(output)

# ------------------------------------------------------------------ driving without a server


async def drive(context: Context, run_id: str) -> Run:
    """Drive to the next wait for a person, or to the end: by a running server where one takes it, else here."""
    before = (await commands.load(context, run_id)).seq
    async with told(context, run_id, before):
        if context.config.path and await _taken_elsewhere(context, run_id, before):
            return await _follow(context, run_id)
        return await _drive_here(context, run_id)


async def _drive_here(context: Context, run_id: str) -> Run:
    await asyncio.to_thread(end_left_behind)
    worker = Worker(context)
    while True:
        while await worker.step(f"run:{run_id}"):
            pass
        found = await commands.load(context, run_id)
        if found.finished or found.waiting in A_PERSON:
            await _tell_incident(worker, found)
            return found
        await context.queue.wait(0.5)


async def _taken_elsewhere(context: Context, run_id: str, before: int) -> bool:
    if not (context.home / "serving").exists():
        return False
    for _ in range(int(LET_OTHERS / 0.1)):
        await asyncio.sleep(0.1)
        if (await commands.load(context, run_id)).seq > before:
            return True
    return False


async def _follow(context: Context, run_id: str) -> Run:
    """Watch a server drive. One that has said nothing for long may be gone: then its job is taken here once it is free,
    which it is not while anybody has it in hand."""
    seq, quiet = -1, 0.0
    while quiet < GONE_AFTER:
        found = await commands.load(context, run_id)
        if found.finished or found.waiting in A_PERSON:
            return found
        quiet = quiet + EVERY if found.seq == seq else 0.0
        seq = found.seq
        await asyncio.sleep(EVERY)
    return await _drive_here(context, run_id)


async def _tell_incident(worker: Worker, found: Run) -> None:
    while found.incident and await worker.step(f"incident:{found.incident}"):
        pass


# ------------------------------------------------------------------ arguments and ends


def supplied_here(value: str) -> str:
    """A binding's value; a file that it supplies is read now, relative to where the command is given."""
    try:
        return supplied(value, Path.cwd())
    except ValueError as error:
        raise CommandError(str(error), 2) from error


def pairs(given: tuple[str, ...]) -> dict[str, str]:
    """``K=V`` arguments as a mapping."""
    found = dict(g.partition("=")[::2] for g in given)
    bad = [g for g in given if "=" not in g]
    if bad:
        raise CommandError(f"{bad[0]!r}: write NAME=VALUE", 2)
    return found


async def _with_journal(context: Context, run_id: str) -> tuple[Run, list[Event]]:
    found = await commands.load(context, run_id)
    return found, await context.store.read(found.stream)


def end_with(ctx: click.Context, work: Callable[[Context], Awaitable[Run]], json_out: bool) -> None:
    """Do the work, show the run that it gives, and exit with what became of it."""

    async def whole(context: Context) -> tuple[Run, list[Event]]:
        return await _with_journal(context, (await work(context)).id)

    found, journal = with_context(whole)
    emit(run_json(found)) if json_out else click.echo(described(found, journal, told=progress.seen()))
    if found.waiting in A_PERSON:
        ctx.exit(WAITING)
    failed = found.outcome in ("unresolved", "cancelled") or "failed" in found.read.values()
    ctx.exit(FAILED if failed and found.outcome not in ("resolved", "proposed", "done") else 0)
