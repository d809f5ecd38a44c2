"""``hutch drill start | stop | status``: a drill against a service of your own."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from hutch.cli.lengths import length
from hutch.cli.shell import actor, as_json, emit, table, with_context
from hutch.commands.context import Context
from hutch.commands.drills import own
from hutch.commands.drills.catalogue import choose, find_faults
from hutch.commands.drills.own_records import Standing


@click.command()
@click.argument("name")
@click.option("--service", default="", help="The service; needed where there are several.")
@click.option("--for", "length_", default="2m", show_default=True, metavar="LENGTH", help="How long it stands at most.")
def start(name: str, service: str, length_: str) -> None:
    """Put the fault NAME into a service of your own, where both declare that this is safe.

    The fault must declare it (`own_service`), and the service's configuration must name the fault
    (`services.X.drills.faults`). It is refused while the service is ill or changes are frozen. It is undone by itself
    when the time is over, by `hutch drill stop`, and at the next start of Hutch where everything was killed.
    Hutch answers it as it answers any trouble.

    Exit code 3: refused, or it could not be made.
    """
    time, (fault,) = length(length_), choose(find_faults(), [name], every=False)

    async def go(context: Context) -> Standing:
        return await own.start(context, own.records_of(context), fault, context.service(service), time, actor())

    record = with_context(go)
    click.echo(f"{record.fault} stands in {record.service} for {record.seconds:g} s at most; "
               f"`hutch drill stop --service {record.service}` ends it sooner")  # fmt: skip


@click.command()
@click.option("--service", default="", help="The service; needed where there are several.")
def stop(service: str) -> None:
    """End the drill that stands in a service of your own, and wait until it is undone.

    Exit code 3: it could not be undone; the reason is said.
    """

    async def go(context: Context) -> Standing:
        return await own.stop(own.records_of(context), context.service(service).config.name)

    record = with_context(go)
    click.echo(own.words(record))


@click.command()
@as_json
def status(json_out: bool) -> None:
    """Say which drills stand in your own services, and how the last one of each ended.

    What a killed watchdog left is undone first.
    """

    async def go(context: Context) -> list[Standing]:
        records = own.records_of(context)
        await own.healed(records)
        return await asyncio.to_thread(records.all)

    found = with_context(go)
    if json_out:
        emit([asdict(record) for record in found])
        return
    told = ["service", "fault", "state", "began_at", "said"]
    rows = [{name: getattr(record, name) for name in told} for record in found]
    table(rows, told, "No drill was put into a service of your own.")
