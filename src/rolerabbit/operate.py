"""`rolerabbit accounts` and `rolerabbit reports`: what operators do, by the owner's DATABASE_URL."""

from __future__ import annotations

import json

import click

from rolerabbit import database, reports, resets
from rolerabbit.db import clear_errors


@click.group()
def accounts() -> None:
    """Accounts in the database at DATABASE_URL."""


@accounts.command("force-reset")
@click.option("--email", help="The account of this address.")
@click.option("--all", "everybody", is_flag=True, help="Every account.")
def force_reset(email: str | None, everybody: bool) -> None:
    """End the sessions of an account, or of all, and let nobody in again before they have chosen a new password."""
    if (email is None) != everybody:
        raise click.UsageError("give either --email ADDRESS or --all")
    with clear_errors() as url, database.connect(url) as connection:
        done = resets.force(connection, email)
    if not done.accounts:
        raise click.ClickException(f"there is no account of {email}" if email else "there are no accounts")
    click.echo(f"{done.marked} of {done.accounts} accounts newly need a new password; {done.sessions} sessions ended")


@accounts.command()
@click.argument("email")
@click.argument("role", type=click.Choice(["member", "admin"]))
def role(email: str, role: str) -> None:
    """Make somebody an admin, or a member again."""
    with clear_errors() as url, database.connect(url) as connection:
        changed = connection.execute(
            "UPDATE users SET role = %s, updated_at = now() WHERE lower(email) = lower(%s)", [role, email]
        )
    if not changed.rowcount:
        raise click.ClickException(f"there is no account of {email}")
    click.echo(f"{email} is {role} now")


@click.command("reports")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
def list_reports(limit: int, as_json: bool) -> None:
    """Show what visitors reported and nobody has handled, the latest first."""
    with clear_errors() as url, database.connect(url) as connection:
        found = reports.latest(connection, limit)
    if as_json:
        click.echo(json.dumps(found, default=str))
        return
    for row in found:
        text = " ".join(str(row["message"]).split())
        click.echo(_printable(f"#{row['id']} {row['created_at']:%Y-%m-%d %H:%M} {row['reason']} {row['page']}: {text}"))


def _printable(text: str) -> str:
    """Without what a terminal would obey: a stranger wrote it."""
    return "".join(c if c.isprintable() else "�" for c in text)
