"""``hutch probe``."""

from __future__ import annotations

import click

from hutch.cli.shell import as_json, emit, table, with_context
from hutch.commands import probes as commands
from hutch.commands.context import Context
from hutch.model.probe import CURL, ProbeConfig, Sighting, as_data

UNHEALTHY = 3


@click.group()
def probe() -> None:
    """Looks from outside."""


@probe.command("list")
@as_json
def listing(json_out: bool) -> None:
    """List the probes of the configuration."""

    async def work(context: Context) -> list[dict[str, object]]:
        return [_row(p) for p in commands.chosen(context)]

    rows = with_context(work)
    emit(rows) if json_out else table(rows, ["name", "service", "kind", "target", "every", "locations"], "no probes")


def _row(config: ProbeConfig) -> dict[str, object]:
    return {
        "name": config.name,
        "service": config.service,
        "kind": config.kind,
        "target": commands.shown_target(config),
        "every": f"{config.every.total_seconds():g} s",
        "locations": ", ".join(config.locations),
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
