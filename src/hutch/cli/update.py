"""``hutch incident update``: draft, look at it for each audience, send it on purpose, or record one that was given."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hutch.cli.main import resolve
from hutch.cli.shell import actor, as_json, emit, with_context
from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.commands.views import incident_json
from hutch.model.incident import Incident
from hutch.model.message import Audience

LONGEST = 60_000


@click.command()
@click.argument("incident_id")
@click.argument("text", default="")
@click.option("--audience", type=click.Choice([a.value for a in Audience]), default=None, help="Who reads it.")
@click.option("--template", default="", help="Drafted by this one: update, investigating, identified, monitoring, "
              "resolved, or one of your own.")  # fmt: skip
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Fills in, or replaces, a fact.")
@click.option("--component", "components", multiple=True, metavar="NAME=CONDITION",
              help="How a component of the status page is: operational, degraded_performance, partial_outage, "
              "major_outage.")  # fmt: skip
@click.option(
    "--file", "file", type=click.Path(), default="", help="Take the text from this file; - is standard input."
)
@click.option("--edit", is_flag=True, help="Open the draft in your editor first.")
@click.option("--send", is_flag=True, help="Send it to the audience's channels; without it, it is only shown.")
@click.option("--digest", default="", help="Send only if it is still what was shown under this digest.")
@click.option("--override", default="", metavar="REASON", help="Send although the scan found something, and say why.")
@as_json
def update(
    incident_id: str,
    text: str,
    audience: str | None,
    template: str,
    given: Sequence[str],
    components: Sequence[str],
    file: str,
    edit: bool,
    send: bool,
    digest: str,
    override: str,
    json_out: bool,
) -> None:
    """Draft an update, look at it, and send it on purpose.

    Without --send it is shown only: for one audience, or without --audience for all of them. TEXT alone records an
    update that was given by other means.
    """
    if text and not (send or audience or file or edit):
        _recorded(with_context(lambda c: incidents.post_update(c, incident_id, text, actor())), json_out)
        return
    if send and not audience:
        raise click.UsageError("--send needs --audience: nothing leaves by guess")
    values, words = _values("--set", given), text or (_read(file) if file else "")
    parts = _values("--component", components)
    wanted = [Audience(audience)] if audience else list(Audience)

    updates: Any = resolve("hutch.commands.updates")  # its templates are a library that no other command needs

    async def one(context: Context, to: Audience) -> Any:
        mine = parts if to is Audience.CUSTOMERS or audience else {}
        how = {"template": template, "text": words, "given": values, "components": mine}
        return await updates.preview(context, incident_id, to, **how)

    async def seen(context: Context) -> list[Any]:
        return [await one(context, to) for to in wanted]

    found = with_context(seen)
    if edit:
        words = click.edit(found[0].text) or found[0].text
        found = with_context(seen)
    if not send:
        _shown(found, json_out)
        return
    state = with_context(lambda c: updates.send(c, found[0], actor(), override=override, digest=digest))
    _sent(found[0], state, json_out)


def _values(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.UsageError(f"{option} {wrong[0]!r}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read(LONGEST)
    try:
        return Path(file).read_text(encoding="utf-8")[:LONGEST]
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}") from None


def _shown(found: Sequence[Any], json_out: bool) -> None:
    """The text on standard output, what is to be known of it on standard error."""
    if json_out:
        emit([p.as_dict() for p in found] if len(found) > 1 else found[0].as_dict())
        return
    for one in found:
        places = ", ".join(one.places) or "no channel"
        click.secho(f"— for {one.audience}, to {places}; digest {one.digest}", err=True, bold=True)
        click.echo(one.text)
        for name, how in (one.public or {}).items():
            click.echo(f"  status page: {name} is {how}", err=True)
        for line, words in one.slots:
            click.echo(f"  to fill in, line {line}: [{words}]", err=True)
        for thing in one.found:
            click.secho(f"  must not leave, {thing}", err=True, fg="red")
    click.echo("nothing was sent: --audience … --send sends it", err=True)


def _sent(seen: Any, state: Incident, json_out: bool) -> None:
    if json_out:
        emit({**seen.as_dict(), "sent": True, "seq": state.seq})
        return
    click.echo(f"{state.id}: update for {seen.audience} sent to {', '.join(seen.places)}")
    clock = state.clock("update")
    if clock:
        click.echo(f"  next one due {clock.due:%Y-%m-%d %H:%M} UTC", err=True)


def _recorded(state: Incident, json_out: bool) -> None:
    if json_out:
        emit(incident_json(state))
        return
    clock = state.clock("update")
    click.echo(f"{state.id}: update recorded" + (f"; next one due {clock.due:%Y-%m-%d %H:%M} UTC" if clock else ""))
