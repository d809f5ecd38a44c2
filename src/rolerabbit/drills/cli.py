"""`rolerabbit fault …`: what can be broken on purpose; break it, and make it whole again."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final, NoReturn

import click

from rolerabbit.drills.catalog import FAULTS
from rolerabbit.drills.errors import REFUSED, FaultError, Refused
from rolerabbit.drills.fault import Fault
from rolerabbit.drills.scene import Maker
from rolerabbit.drills.together import together

FilePath = click.Path(path_type=Path, dir_okay=False)
_READY_FILE: Final = click.option(
    "--ready-file", required=True, type=FilePath, envvar="RR_PLATFORM_READY_FILE", help="That of the platform's run."
)


class RefusedError(click.ClickException):
    """Nothing was touched."""

    exit_code = REFUSED


@click.group()
def fault() -> None:
    """Break the running platform on purpose, for drills; every fault is undone."""


@fault.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
def list_(as_json: bool) -> None:
    """Name every fault, its cause and its remedies; a no-fault has neither."""
    if as_json:
        click.echo(json.dumps([as_object(found) for found in FAULTS], indent=2))
        return
    width = max(len(found.name) for found in FAULTS)
    for found in FAULTS:
        click.echo(f"{found.name:{width}}  {found.cause or 'no fault':30}  {found.summary}")


@fault.command()
@click.argument("name")
@_READY_FILE
@click.option(
    "--seed", type=int, default=1, show_default=True, envvar="HUTCH_DRILL_SEED", help="The same seed, the same fault."
)
def run(name: str, ready_file: Path, seed: int) -> None:
    """Make the fault NAME, hold it until standard input ends or SIGTERM comes, and undo it.

    One JSON line once it stands, one once it is undone. Exit code 3: refused, nothing was touched.
    """
    from rolerabbit.drills.hold import run as hold  # noqa: PLC0415 - the list needs no database driver
    from rolerabbit.drills.service import Service  # noqa: PLC0415

    maker = maker_of(_named(name))
    try:
        hold(name, maker, Service.of_ready_file(ready_file), seed)
    except FaultError as error:
        _fail(error)


@fault.command()
@_READY_FILE
def undo(ready_file: Path) -> None:
    """Undo what killed faults left behind; says what, as one JSON object."""
    from rolerabbit.drills.records import only_one  # noqa: PLC0415
    from rolerabbit.drills.service import Service  # noqa: PLC0415
    from rolerabbit.drills.undo import undo_leftovers  # noqa: PLC0415

    try:
        service = Service.of_ready_file(ready_file)
        with only_one(service.data_dir, "undo"):
            click.echo(json.dumps({"undone": undo_leftovers(service)}))
    except FaultError as error:
        _fail(error)


def maker_of(found: Fault) -> Maker:
    """The function that makes it, or its parts."""
    if found.parts:
        return together(found.parts, maker_of)
    module, _, function = found.made_by.partition(":")
    maker: Maker = getattr(importlib.import_module(f"rolerabbit.drills.{module}"), function)
    return maker


def as_object(found: Fault) -> dict[str, object]:
    """What `list --json` says of a fault."""
    told = {key: value for key, value in asdict(found).items() if key not in ("made_by", "parts")}
    return {**told, "parts": [part.name for part in found.parts]}


def _named(name: str) -> Fault:
    found = next((found for found in FAULTS if found.name == name), None)
    if found is None:
        raise click.UsageError(f"there is no fault {name!r}; there are: {', '.join(f.name for f in FAULTS)}")
    return found


def _fail(error: FaultError) -> NoReturn:
    raise (RefusedError if isinstance(error, Refused) else click.ClickException)(str(error)) from error
