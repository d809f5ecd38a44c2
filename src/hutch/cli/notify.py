"""``hutch notify``: the channels that messages leave by."""

from __future__ import annotations

from typing import Any

import click

from hutch.cli.shell import actor, as_json, emit, table, with_context
from hutch.commands import incidents, messages
from hutch.commands.context import Context
from hutch.model.action import Outcome, Result

UNREACHABLE, FAILED = 5, 1


@click.group()
def notify() -> None:
    """Channels that messages leave by: list, and test one."""


@notify.command("list")
@as_json
def list_(json_out: bool) -> None:
    """The configured channels, and who reads them."""

    async def go(context: Context) -> list[dict[str, Any]]:
        found = context.config.notify.channels.values()
        return [
            {"channel": c.name, "kind": c.kind, "audience": c.audience.value, "exercise": c.exercise} for c in found
        ]

    rows = with_context(go)
    emit(rows) if json_out else table(
        rows, ["channel", "kind", "audience", "exercise"], "no channel; add some under notify.channels"
    )


@notify.command()
@click.argument("incident_id")
@as_json
def sent(incident_id: str, json_out: bool) -> None:
    """Every message of an incident, and what became of it."""

    async def go(context: Context) -> list[dict[str, Any]]:
        state = await incidents.load(context, incident_id)
        return [messages.as_dict(s) for s in await messages.sent_of(context, state.stream)]

    rows = with_context(go)
    emit(rows) if json_out else table(
        rows, ["at", "channel", "person", "title", "state", "tries", "said"], "no message of it was sent"
    )


@notify.command()
@click.argument("channel")
@as_json
@click.pass_context
def test(ctx: click.Context, channel: str, json_out: bool) -> None:
    """Send one test message over CHANNEL now. Exit code 5: it cannot be reached; 1: it takes no message."""
    outcome: Outcome = with_context(lambda c: messages.test_channel(c, channel, actor()))
    done = outcome.result is Result.DONE
    if json_out:
        emit({"channel": channel, "delivered": done, "said": outcome.summary, "seconds": outcome.seconds})
    else:
        click.echo(f"{channel}: {outcome.summary}", err=not done)
    ctx.exit(0 if done else UNREACHABLE if outcome.recoverable else FAILED)
