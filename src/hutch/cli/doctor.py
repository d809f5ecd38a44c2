"""``hutch doctor``: check everything before it is needed."""

from __future__ import annotations

import click

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.stores import Place, place_of, prove
from hutch.bootstrap.wire import BROKEN, read_config
from hutch.cli.shell import as_json, config_path, emit, with_context
from hutch.commands import doctor as commands
from hutch.commands.context import CommandError
from hutch.commands.doctor import Point, State

MARKS = {State.OK: ("ok", "green"), State.WARN: ("warn", "yellow"), State.FAIL: ("FAIL", "red")}
UNHEALTHY = 3


@click.command()
@as_json
@click.pass_context
def doctor(ctx: click.Context, json_out: bool) -> None:
    """Check the configuration, the store's chain, every target, alert rule and runbook; changes nothing.

    Proves that the reading logins cannot write. Exit code 3 when something will not work.
    """
    points = _examined()
    emit([p.as_dict() for p in points]) if json_out else _print(points)
    ctx.exit(UNHEALTHY if commands.worst(points) is State.FAIL else 0)


def _examined() -> list[Point]:
    path = config_path()
    try:
        config, providers = read_config(path)
    except CommandError as error:
        todo = "mend it" if path.exists() else "hutch init"
        return [Point("configuration", str(path), State.FAIL, str(error), todo)]
    base = path.resolve().parent
    before = [*_broken(), *commands.missing_secrets(config, providers, EnvironmentSecrets(base))]
    if commands.worst(before) is State.FAIL:
        return before
    try:
        found = [*before, *with_context(commands.examine), *_chain(place_of(config, base))]
        areas = list(dict.fromkeys(p.area for p in found))
        return sorted(found, key=lambda p: areas.index(p.area))
    except CommandError as error:
        return [*before, Point("configuration", str(path), State.FAIL, str(error), "mend it")]


def _broken() -> list[Point]:
    return [
        Point("providers", name, State.WARN, f"cannot be loaded: {why}", "install it again or remove it")
        for name, why in BROKEN.items()
    ]


def _chain(place: Place) -> list[Point]:
    try:
        breaks = prove(place)
    except CommandError:
        return []  # nothing was recorded yet
    if breaks:
        said = f"{len(breaks)} breaks, the first in {breaks[0].stream}#{breaks[0].seq}: {breaks[0].reason}"
        return [Point("store", "chain", State.FAIL, said, "hutch verify; restore the store from a backup")]
    return [Point("store", "chain", State.OK, "every event is as it was written")]


def _print(points: list[Point]) -> None:
    area = ""
    for point in points:
        if point.area != area:
            area = point.area
            click.secho(f"\n{area}" if point is not points[0] else area, bold=True)
        word, colour = MARKS[point.state]
        click.echo(f"  {click.style(word.ljust(4), fg=colour)}  {point.what}: {point.said}")
        if point.todo and point.state is not State.OK:
            click.echo(f"        → {point.todo}")
    counts = {s: sum(1 for p in points if p.state is s) for s in State}
    click.echo(f"\n{counts[State.OK]} ok, {counts[State.WARN]} to look at, {counts[State.FAIL]} that will not work")
