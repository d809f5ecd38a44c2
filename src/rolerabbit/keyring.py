"""`rolerabbit keys`: make a key, and see how much each key has sealed."""

from __future__ import annotations

import json

import click

from rolerabbit import database, profiles
from rolerabbit.db import clear_errors
from rolerabbit.keys import Ring


@click.group()
def keys() -> None:
    """The service's key rings, JWT_KEYS and ENCRYPTION_KEYS."""


@keys.command()
def new() -> None:
    """Write a ring of one new key to standard output, as JWT_KEYS and ENCRYPTION_KEYS take it.

    Put it before the keys that are there, so that it signs and they verify; take them out when nothing needs them.
    """
    click.echo(Ring.fresh().text())


@keys.command()
def status() -> None:
    """Say how many profiles each encryption key has sealed, as JSON: where sealing anew stands."""
    with clear_errors() as url, database.connect(url) as connection:
        click.echo(json.dumps({"sealed": profiles.by_key(connection)}))
