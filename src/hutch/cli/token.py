"""``hutch token``: tokens for the API. A token is printed once, on stdout, and kept only as a digest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from hutch.cli.shell import actor, as_json, emit, table, with_context
from hutch.commands.access import audit, tokens
from hutch.model.access import SCOPES
from hutch.model.accounts import Token


@click.group()
def token() -> None:
    """Tokens for the API."""


@token.command()
@click.argument("label")
@click.option("--user", "name", required=True, help="Whose it is: it may at most what they may.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([s.value for s in SCOPES]), required=True)
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it is good.")
@as_json
def create(label: str, name: str, scopes: tuple[str, ...], days: int, json_out: bool) -> None:
    """Make a token, and print it: it is shown this once."""
    chosen = tokens.scopes_of(scopes)
    made, secret = with_context(lambda c: tokens.make(c, name, label, chosen, timedelta(days=days), actor()))
    if json_out:
        emit({**_row(made), "token": secret})
        return
    click.echo(secret)
    click.echo(f"token {made.id} of {name}, good until {made.expires_at:%Y-%m-%d}; it is not shown again", err=True)


@token.command("list")
@click.option("--user", "name", default="", help="Only theirs.")
@as_json
def listing(name: str, json_out: bool) -> None:
    """Every token, without itself."""
    rows = [_row(t) for t in with_context(lambda c: audit.accounts(c).tokens(name))]
    if json_out:
        emit(rows)
        return
    shown = [{**r, "scopes": " ".join(r["scopes"])} for r in rows]
    table(shown, ["id", "user", "label", "scopes", "expires_at", "used_at"], "there is no token")


@token.command()
@click.argument("token_id")
def revoke(token_id: str) -> None:
    """It is good no more, from the next request on."""
    with_context(lambda c: tokens.revoke(c, token_id, actor()))
    click.echo(f"token {token_id} is good no more")


def _row(found: Token) -> dict[str, Any]:
    return {
        "id": found.id,
        "user": found.name,
        "label": found.label,
        "scopes": sorted(found.scopes),
        "expires_at": found.expires_at.isoformat(),
        "used_at": found.used_at.isoformat() if found.used_at else "",
    }
