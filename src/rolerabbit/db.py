"""`rolerabbit db`: the schema and its contents."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg

from rolerabbit import database, seed
from rolerabbit.config import ConfigError, database_url, environment
from rolerabbit.migrate import MigrationError, Standing, known_to

UNREACHABLE = 5
"""Exit code where the database does not answer."""


class Unreachable(click.ClickException):
    """The database did not answer."""

    exit_code = UNREACHABLE


@click.group()
def db() -> None:
    """Migrate, reset and fill the database at DATABASE_URL."""


@db.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def status(as_json: bool) -> None:
    """Say which migrations are applied and which are due. Changes nothing."""
    with clear_errors() as url:
        rows = database.status(url, known_to(os.environ))
    if as_json:
        click.echo(json.dumps(as_object(rows)))
        return
    for row in rows:
        click.echo(f"{row.state:12} {row.version} {row.name}".rstrip())


@db.command()
def up() -> None:
    """Apply every migration that is due, each in its own transaction; finish one that stopped half-way."""
    with clear_errors() as url:
        done = database.up(url, known_to(os.environ))
    for migration in done:
        click.echo(f"applied {migration.version} {migration.name}")
    if not done:
        click.echo("nothing to do: every migration is applied")


@db.command()
def down() -> None:
    """Undo the last applied migration."""
    with clear_errors() as url:
        migration = database.down(url, known_to(os.environ))
    click.echo(f"rolled back {migration.version} {migration.name}")


@db.command()
def reset() -> None:
    """Drop every table. Refused unless RR_ENV=development."""
    with clear_errors() as url:
        names = database.reset(url, environment(os.environ))
    click.echo(f"dropped {len(names)} tables: {', '.join(names) or 'there were none'}")


@db.command("seed")
@click.option("--users", type=click.IntRange(0, 100_000), default=200, show_default=True)
@click.option("--portfolios", type=click.IntRange(0, 1_000_000), default=2000, show_default=True)
@click.option("--seed", "number", type=int, default=1, show_default=True, help="The same seed gives the same rows.")
def fill(users: int, portfolios: int, number: int) -> None:
    """Add made-up users and portfolios. Running it again adds nothing."""
    with clear_errors() as url, database.connect(url) as connection:
        done = seed.fill(connection, users, portfolios, number)
    click.echo(f"added {done.users} users and {done.portfolios} portfolios")


def as_object(rows: tuple[Standing, ...]) -> dict[str, object]:
    """The status with stable keys; `state` is applied, half-applied, pending or no-file."""
    return {
        "applied": [row.version for row in rows if row.state in ("applied", "no-file")],
        "half_applied": [row.version for row in rows if row.state == "half-applied"],
        "pending": [row.version for row in rows if row.state == "pending"],
        "migrations": [{"version": row.version, "name": row.name, "state": row.state} for row in rows],
    }


@contextmanager
def clear_errors() -> Iterator[str]:
    """DATABASE_URL, and what goes wrong with that database as one clear error with its exit code."""
    try:
        yield database_url(os.environ)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    except MigrationError as error:
        raise click.ClickException(str(error)) from error
    except psycopg.errors.UndefinedTable as error:
        raise click.ClickException(f"{error.diag.message_primary}: run `rolerabbit db up` first") from error
    except psycopg.OperationalError as error:
        raise Unreachable(f"the database at DATABASE_URL: {str(error).strip()}") from error
    except psycopg.Error as error:
        raise click.ClickException(f"the database refused: {str(error).strip()}") from error
