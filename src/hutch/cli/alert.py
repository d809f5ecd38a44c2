"""``hutch alert``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import click

from hutch.cli.lengths import length
from hutch.cli.main import resolve
from hutch.cli.shell import actor, ago, as_json, emit, service_option, table, with_context
from hutch.commands import alerts, firings, ingest, letters, reports, silences
from hutch.commands.context import CommandError, Context
from hutch.model.alert import Alert
from hutch.model.event import instant
from hutch.model.quiet import Silence
from hutch.model.severity import Severity


@click.group()
def alert() -> None:
    """What has fired, what was reported, what could not be read."""


@alert.command("list")
@click.option("--since", default="1d", show_default=True, help="What began to fire within this time.")
@as_json
def list_(since: str, json_out: bool) -> None:
    """The alerts that fired lately, whether each still does, and its incident or what holds it back."""
    lately = length(since)
    rows = with_context(lambda context: firings.listing(context, lately))
    columns = ["rule", "service", "severity", "state", "starts_at", "incident", "held", "summary"]
    emit(rows) if json_out else table(rows, columns, "nothing has fired")


@alert.command()
@click.option("--rule", required=True, help="What it is called.")
@click.option("--service", default="", help="The service that it is about.")
@click.option("--severity", default="", help="SEV-1 to SEV-4; else by its rule or its labels.")
@click.option("--summary", default="", help="One line for people.")
@click.option("--label", multiple=True, metavar="NAME=VALUE", help="May repeat.")
@click.option("--runbook", default="", help="The DOC#anchor that answers it.")
@click.option("--resolved", is_flag=True, help="It is over: ends what fires by this name, service and labels.")
@as_json
def send(
    rule: str, service: str, severity: str, summary: str, label: tuple[str, ...], runbook: str, resolved: bool,
    json_out: bool,
) -> None:  # fmt: skip
    """Give Hutch an alert by hand, as any other source would. The same one twice is one."""
    labels = dict(_pair(text) for text in label)
    notes = {"runbook": runbook} if runbook else {}

    async def go(context: Context) -> dict[str, Any]:
        now = context.clock.now()
        given = Alert(rule, service, _severity(severity), now, summary or rule, labels=labels, source="cli",
                      annotations=notes, ends_at=now if resolved else None)  # fmt: skip
        (receipt,) = await alerts.receive(context, [given])
        return {"key": receipt.key, "outcome": receipt.outcome, "incident": receipt.incident}

    done = with_context(go)
    emit(done) if json_out else click.echo(f"{done['outcome']}  {done['incident']}".rstrip())


@alert.command("report")
@click.argument("text", default="")
@service_option
@click.option("--mail", is_flag=True, help="Read a mail message from standard input, as a mail server hands it over.")
@as_json
def report_(text: str, service: str, mail: bool, json_out: bool) -> None:
    """Take in what a user reports: TEXT, or a mail. It opens an incident of SEV-3, or joins the one that is open."""

    async def go(context: Context) -> dict[str, Any]:
        if mail:
            message = sys.stdin.buffer.read(reports.LONGEST_MAIL + 1)
            receipt = await reports.report_mail(context, message, service)
        else:
            receipt = await reports.report(context, text, service=service, who=actor())
        return {"key": receipt.key, "outcome": receipt.outcome, "incident": receipt.incident}

    done = with_context(go)
    emit(done) if json_out else click.echo(f"{done['outcome']}  {done['incident']}".rstrip())


@alert.command("letters")
@click.option("--all", "whole", is_flag=True, help="Those that were read again, too.")
@as_json
def letters_(whole: bool, json_out: bool) -> None:
    """What other tools sent and nobody could read, with the reason."""

    async def go(context: Context) -> list[dict[str, Any]]:
        now = context.clock.now()
        return [
            {"number": e.seq, "came": ago(e.at, now), "at": instant(e.at), **_letter(e.data), "read": done}
            for e, done in await letters.listing(context)
            if whole or not done
        ]

    rows = with_context(go)
    emit(rows) if json_out else table(
        rows, ["number", "came", "source", "name", "reason"], "every letter could be read"
    )


def _letter(data: Mapping[str, object]) -> dict[str, Any]:
    return {key: data[key] for key in ("source", "name", "reason", "body", "whole")}


@alert.command()
@click.argument("number", type=int)
@as_json
def replay(number: int, json_out: bool) -> None:
    """Read letter NUMBER again, as its source is configured now."""

    async def go(context: Context) -> dict[str, Any]:
        return (await ingest.replay(context, await letters.find(context, number))).as_json()

    done = with_context(go)
    words = [f"{a['outcome']}  {a['incident']}".rstrip() for a in done["alerts"]] or [done["note"] or "nothing to do"]
    emit(done) if json_out else click.echo("\n".join(words))


@alert.command()
@click.argument("incident_id")
@click.option("--choose", default="", metavar="DOC#ANCHOR", help="Take this one, and start it.")
@as_json
def runbook(incident_id: str, choose: str, json_out: bool) -> None:
    """The runbook that answers an incident, or those that could; choose one with --choose."""

    async def go(context: Context) -> dict[str, Any]:
        if choose:
            chosen: Any = resolve("hutch.commands.choosing:take")
            await chosen(context, incident_id, choose, actor())
        return await firings.runbook_of(context, incident_id)

    found = with_context(go)
    if json_out:
        emit(found)
        return
    click.echo(found["runbook"] or "none yet")
    for choice in [] if found["runbook"] else found["choices"]:
        click.echo(f"  {choice['runbook']}  {choice['title']}  ({choice['score']:.2f}: {', '.join(choice['words'])})")


@alert.group(invoke_without_command=True)
@click.option(
    "--match", "matchers", multiple=True, metavar="NAME=PATTERN", help="rule=High*, service=shop … May repeat."
)
@click.option("--for", "lasts", default="", help="How long: 30m, 2h, 1d.")
@click.option("--reason", default="", help="Why; others will ask.")
@click.pass_context
def silence(ctx: click.Context, matchers: tuple[str, ...], lasts: str, reason: str) -> None:
    """Hold back the alerts that fit every matcher, for a while: `hutch alert silence --match rule=High* --for 2h`."""
    if ctx.invoked_subcommand:
        return
    wanted = length(lasts) if lasts else timedelta(0)
    found = with_context(lambda context: silences.begin(context, matchers, wanted, reason, actor()))
    click.echo(f"{found.id} until {found.ends:%Y-%m-%d %H:%M:%S} UTC")


@silence.command("list")
@as_json
def list_silences(json_out: bool) -> None:
    """The silences in force."""

    async def go(context: Context) -> list[dict[str, Any]]:
        now = context.clock.now()
        return [_silence(s) | {"left": ago(s.ends, now)} for s in await silences.listing(context)]

    rows = with_context(go)
    emit(rows) if json_out else table(rows, ["id", "matchers", "left", "by", "reason"], "nothing is silenced")


@silence.command()
@click.argument("silence_id")
def expire(silence_id: str) -> None:
    """End a silence now; what it still holds back is let go."""
    with_context(lambda context: silences.expire(context, silence_id, actor()))
    click.echo(f"{silence_id} is over")


def _silence(found: Silence) -> dict[str, Any]:
    return {
        "id": found.id,
        "matchers": " ".join(str(m) for m in found.matchers),
        "starts_at": instant(found.starts),
        "ends_at": instant(found.ends),
        "by": found.by,
        "reason": found.reason,
    }


def _severity(text: str) -> Severity | None:
    try:
        return Severity.of(text) if text else None
    except ValueError as error:
        raise CommandError(str(error), 2) from error


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f"a label is NAME=VALUE, not {text!r}", 2)
    return name, value
