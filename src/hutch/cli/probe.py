"""``hutch probe``."""

from __future__ import annotations

from datetime import datetime

import click

from hutch.cli.shell import ago, as_json, emit, table, with_context
from hutch.commands import probes as commands
from hutch.commands.context import Context
from hutch.detection.probes import Place
from hutch.model.probe import CURL, ProbeConfig, Sighting, as_data

UNHEALTHY = 3


@click.group()
def probe() -> None:
    """Looks from outside."""


@probe.command("list")
@as_json
def listing(json_out: bool) -> None:
    """List the probes, and what each saw last from each of its places.

    A place that has said nothing for two of its turns has no data: it is neither well nor failing.
    """

    async def work(context: Context) -> list[dict[str, object]]:
        return [_row(p, context.clock.now()) for p in await commands.standing(context)]

    rows = with_context(work)
    emit(rows) if json_out else table(rows, COLUMNS, "no probes")


COLUMNS = ["name", "service", "kind", "location", "state", "seen", "target", "detail"]


def _row(place: Place, now: datetime) -> dict[str, object]:
    config, last = place.probe, place.sighting
    return {
        "name": config.name,
        "service": config.service,
        "kind": config.kind,
        "location": place.location,
        "state": str(place.state),
        "seen": ago(last.at, now) if last else "never",
        "target": commands.shown_target(config),
        "detail": last.seen.detail if last else "",
        "every_seconds": config.every.total_seconds(),
        "late_seconds": last.late if last else None,
        "skipped": last.skipped if last else None,
        "times": times(last) if last else {},
    }


@probe.command()
@click.argument("name", default="")
@as_json
@click.pass_context
def run(ctx: click.Context, name: str, json_out: bool) -> None:
    """Look now, from here: with the probe NAME, or with all. Nothing is stored.

    The times of the phases have the names that curl gives them. Exit code 3 when one fails.
    """

    async def work(context: Context) -> list[tuple[ProbeConfig, Sighting]]:
        found = commands.chosen(context, name)
        return list(zip(found, await commands.once(context, found), strict=True))

    seen = with_context(work)
    if json_out:
        emit([_data(s) for _, s in seen])
    else:
        click.echo("\n".join(line for pair in seen for line in _lines(*pair)) or "no probes")
    ctx.exit(0 if all(s.seen.success for _, s in seen) else UNHEALTHY)


def _data(sighting: Sighting) -> dict[str, object]:
    return {**as_data(sighting), "times": times(sighting)}


def times(sighting: Sighting) -> dict[str, float]:
    """The end of each phase in seconds, by curl's words."""
    return {word: sighting.seen.phases[phase] for phase, word in CURL.items() if phase in sighting.seen.phases}


def _lines(config: ProbeConfig, sighting: Sighting) -> list[str]:
    word = "ok" if sighting.seen.success else "FAILED"
    head = f"{config.name}: {word}  {commands.shown_target(config)}  {sighting.seen.detail}"
    return [head, *(f"  {name}: {seconds:.6f}s" for name, seconds in times(sighting).items())]
