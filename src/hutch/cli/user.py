"""``hutch user``: who may sign in, and what they may do. A password is asked for or read from stdin, no argument."""

from __future__ import annotations

import sys
from typing import Any

import click

from hutch.cli.shell import actor, as_json, emit, table, with_context
from hutch.commands.access import audit, people
from hutch.commands.context import Context
from hutch.model.accounts import Account

ROLES = ("viewer", "responder", "commander", "admin", "none")

role_option = click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")


@click.group()
def user() -> None:
    """Accounts that may sign in, with their roles."""


@user.command()
@click.argument("name")
@role_option
@stdin_option
@click.option("--no-password", is_flag=True, help="For somebody who signs in with the OpenID provider alone.")
def add(name: str, role: str, password_stdin: bool, no_password: bool) -> None:
    """Make an account. From the first one on, everybody has to sign in."""
    given = "" if no_password else _password(password_stdin)
    made = with_context(lambda c: people.add(c, name, people.role_of(role), given, actor()))
    click.echo(f"{made.name} may sign in, as {role}")


@user.command("list")
@as_json
def listing(json_out: bool) -> None:
    """Every account, with its roles and how it signs in."""
    found = [_row(a) for a in with_context(lambda c: audit.accounts(c).every())]
    if json_out:
        emit(found)
        return
    rows = [{**r, "services": ", ".join(f"{s}: {g}" for s, g in r["services"].items())} for r in found]
    table(rows, ["name", "role", "services", "signs_in_by", "state"], "nobody has an account: nobody has to sign in")


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--service", default="", help="For this service alone.")
def set_role(name: str, role: str, service: str) -> None:
    """Give NAME a role, everywhere or for one service; they have to sign in again."""
    with_context(lambda c: people.set_role(c, name, people.role_of(role), service, actor()))
    click.echo(f"{name} is {role}{f' for {service}' if service else ''} from now on")


@user.command()
@click.argument("name")
@click.option("--again", is_flag=True, help="Let them in again.")
def disable(name: str, again: bool) -> None:
    """NAME comes in no more, by session or token; what they did stays in the log."""
    with_context(lambda c: people.disable(c, name, not again, actor()))
    click.echo(f"{name} may come in {'again' if again else 'no more'}")


@user.command()
@click.argument("name")
@stdin_option
def reset(name: str, password_stdin: bool) -> None:
    """Set a new password for NAME, lift a lock, and end their sessions."""
    given = _password(password_stdin)

    async def work(context: Context) -> Account:
        await people.load(context, name)
        return await people.set_password(context, name, given, actor())

    with_context(work)
    click.echo(f"{name} has a new password, and no session any more")


def _password(from_stdin: bool) -> str:
    """Asked for twice without showing it, or the first line of stdin."""
    if from_stdin:
        given = sys.stdin.readline().rstrip("\n")
    elif sys.stdin.isatty() and click.get_current_context().find_root().obj["input"]:
        given = click.prompt("Password", hide_input=True, confirmation_prompt="The same again")
    else:
        raise click.UsageError("there is no terminal to ask for the password: give it by --password-stdin")
    if not given:
        raise click.UsageError("the password is empty")
    return str(given)


def _row(account: Account) -> dict[str, Any]:
    ways = [w for w, has in (("password", account.password), ("openid", account.subject)) if has]
    return {
        "name": account.name,
        "role": account.role.value if account.role else "none",
        "services": {s: r.value for s, r in account.grants.items()},
        "signs_in_by": ", ".join(ways) or "openid, not yet seen",
        "state": "disabled" if account.disabled else "active",
        "created_at": account.created_at.isoformat(),
    }
