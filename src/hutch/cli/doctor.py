"""``hutch doctor``: check everything before it is needed."""

from __future__ import annotations

import textwrap
from typing import Any

import click

from hutch.bootstrap.notify import references
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.stores import VARIABLE, Place, place_of, prove, standing
from hutch.bootstrap.wire import BROKEN, read_config
from hutch.cli.shell import as_json, config_path, emit, with_context
from hutch.commands import doctor as commands
from hutch.commands.context import CommandError
from hutch.commands.doctor import Point, State
from hutch.commands.unbound import Name, snippet
from hutch.ports import StoreAway
from hutch.runbook.visible import visible
from hutch.store.errors import StoreError

MARKS = {State.OK: ("ok", "green"), State.WARN: ("warn", "yellow"), State.FAIL: ("FAIL", "red")}
UNHEALTHY = 3

GRANTS = "give Hutch a login of its own: docs/guide/postgres.md says which rights it needs"


@click.command()
@as_json
@click.pass_context
def doctor(ctx: click.Context, json_out: bool) -> None:
    """Check the configuration, the store's chain, every target, alert rule and runbook; changes nothing.

    Proves that the reading logins cannot write, and names everything in runbooks that nothing stands for, with lines
    for hutch.yaml. Exit code 3 when something will not work.
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
    before = [
        *_broken(),
        *commands.missing_secrets(config, providers, EnvironmentSecrets(base), references(config.notify)),
    ]
    if commands.worst(before) is State.FAIL:
        return before
    try:
        place = place_of(config, base)
        found = [*before, *_server(place), *with_context(commands.examine), *_chain(place)]
        areas = list(dict.fromkeys(p.area for p in found))
        return sorted(found, key=lambda p: areas.index(p.area))
    except CommandError as error:
        return [*before, Point("configuration", str(path), State.FAIL, str(error), "mend it")]
    except (StoreAway, StoreError) as error:
        return [*before, Point("store", "server", State.FAIL, str(error), f"see {VARIABLE}")]


def _broken() -> list[Point]:
    return [
        Point("providers", name, State.WARN, f"cannot be loaded: {why}", "install it again or remove it")
        for name, why in BROKEN.items()
    ]


def _server(place: Place) -> list[Point]:
    """The database server of the store, its schemas and what this login may do there. Raises ``StoreAway``."""
    if not place.url:
        return []
    seen = standing(place)
    points = [Point("store", "server", State.OK, f"Postgres {seen.version} at {seen.place}, as {seen.login}")]
    if not seen.revision:
        return [*points, Point("store", "schema", State.OK, "new: the tables are made when it is first used")]
    schema = f"log schema {seen.revision}, {seen.size}; the queue's tables are "
    if seen.current and seen.queue_current:
        points.append(Point("store", "schema", State.OK, schema + "current"))
    else:
        todo = "start `hutch serve` once with a login that may change the tables"
        points.append(Point("store", "schema", State.WARN, schema + "or the log's are of an older version", todo))
    return [*points, *_rights(seen)]


def _rights(seen: Any) -> list[Point]:
    if not seen.appends:
        return [Point("store", "rights", State.FAIL, f"{seen.login} may not append events", GRANTS)]
    if not seen.guarded:
        todo = "ALTER TABLE hutch.events ENABLE ALWAYS TRIGGER ALL, and ask who took it away"
        return [Point("store", "rights", State.FAIL, "nothing refuses changes of events: the guard is off", todo)]
    if seen.owns:
        said = f"{seen.login} owns the tables: it could take away the guard that refuses changes of events"
        return [Point("store", "rights", State.WARN, said, GRANTS)]
    return [Point("store", "rights", State.OK, f"{seen.login} appends events and can alter none")]


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
        click.echo(f"  {click.style(word.ljust(4), fg=colour)}  {visible(point.what)}: {visible(point.said)}")
        if point.name:
            _places(point.name.places)
        elif point.todo and point.state is not State.OK:
            click.echo(f"        → {visible(point.todo)}")
    _lines_to_paste(points)
    counts = {s: sum(1 for p in points if p.state is s) for s in State}
    click.echo(f"\n{counts[State.OK]} ok, {counts[State.WARN]} to look at, {counts[State.FAIL]} that will not work")


def _places(places: tuple[str, ...]) -> None:
    """Every line that uses it; a document's name once for all of its lines."""
    lines: dict[str, list[str]] = {}
    for place in places:
        file, _, line = place.rpartition(":")
        lines.setdefault(visible(file), []).append(line)
    for file, numbers in lines.items():
        said = f"{file}, line{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"
        click.echo(textwrap.fill(said, 79, initial_indent=" " * 8, subsequent_indent=" " * 10))


def _lines_to_paste(points: list[Point]) -> None:
    found: dict[str, list[Name]] = {}
    for point in points:
        if point.name and not point.name.bound:
            found.setdefault(point.area.removeprefix("bindings of "), []).append(point.name)
    if text := snippet(found):
        click.secho("\nfor hutch.yaml, each to be thought about", bold=True)
        click.echo("  " + visible(text).rstrip().replace("\n", "\n  "))
