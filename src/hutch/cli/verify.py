"""``hutch verify``: prove the event log."""

from __future__ import annotations

import click

from hutch.bootstrap.stores import place_of, prove
from hutch.bootstrap.wire import read_config
from hutch.cli.shell import as_json, config_path, emit


@click.command()
@as_json
@click.pass_context
def verify(ctx: click.Context, json_out: bool) -> None:
    """Prove every stream's hash chain. Exit code 3 when one is broken."""
    path = config_path()
    config, _ = read_config(path)
    breaks = prove(place_of(config, path.resolve().parent))
    if json_out:
        emit([{"stream": b.stream, "seq": b.seq, "reason": b.reason} for b in breaks])
    else:
        click.echo("\n".join(f"{b.stream}#{b.seq}: {b.reason}" for b in breaks) or "every chain is intact")
    ctx.exit(3 if breaks else 0)
