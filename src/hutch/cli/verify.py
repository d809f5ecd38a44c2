"""``hutch verify``: prove the event log."""

from __future__ import annotations

import click

from hutch.bootstrap.wire import read_config, verify_home
from hutch.cli.shell import as_json, config_path, emit


@click.command()
@as_json
@click.pass_context
def verify(ctx: click.Context, json_out: bool) -> None:
    """Prove every stream's hash chain. Exit code 3 when one is broken."""
    path = config_path()
    config, _ = read_config(path)
    breaks = verify_home(path.resolve().parent / config.store)
    if json_out:
        emit([{"stream": b.stream, "seq": b.seq, "reason": b.reason} for b in breaks])
    else:
        click.echo("\n".join(f"{b.stream}#{b.seq}: {b.reason}" for b in breaks) or "every chain is intact")
    ctx.exit(3 if breaks else 0)
