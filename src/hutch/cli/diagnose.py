"""``hutch diagnose``: look once, name the cause."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import click

from hutch.bootstrap.wire import bare_context
from hutch.cli.shell import as_json, emit, quiet_logs, service_option, with_context
from hutch.commands.context import Context
from hutch.commands.diagnose import diagnose_json


@click.command()
@service_option
@click.option("--database", "databases", multiple=True, help="A Postgres URL: no configuration needed. May repeat.")
@click.option("--redis", "caches", multiple=True, help="A Redis URL: no configuration needed. May repeat.")
@click.option("--url", "urls", multiple=True, help="A base URL: no configuration needed. May repeat.")
@as_json
@click.pass_context
def diagnose(
    ctx: click.Context,
    service: str,
    databases: tuple[str, ...],
    caches: tuple[str, ...],
    urls: tuple[str, ...],
    json_out: bool,
) -> None:
    """Run every read-only check of a service at once and rank the causes.

    Exit code 0: healthy; 3: a cause was found; 1: no cause, but a check that matters could not tell.
    """

    async def look(context: Context) -> dict[str, Any]:
        return await diagnose_json(context, context.service(service))

    if databases or urls or caches:
        quiet_logs()
        found = [asyncio.run(_bare(databases, urls, caches))]
    else:
        found = [with_context(look)]
    for diagnosis in found:
        emit(diagnosis) if json_out else _print(diagnosis)
    ctx.exit(_code(found[0]))


async def _bare(databases: tuple[str, ...], urls: tuple[str, ...], caches: tuple[str, ...]) -> dict[str, Any]:
    context = bare_context([_from_env(d) for d in databases], urls, [_from_env(c) for c in caches])
    try:
        return await diagnose_json(context, context.service())
    finally:
        await context.close()


def _from_env(value: str) -> str:
    """``$NAME`` is read from the environment, so that a password need not stand in the argument list."""
    return os.environ.get(value[1:], value) if value.startswith("$") else value


def _code(diagnosis: dict[str, Any]) -> int:
    return {True: 0, False: 3, None: 1}[diagnosis["healthy"]]


_FIRST = ("bad", "warn", "unknown", "ok")
"""What deserves a look comes first; within it the checks stay in their order."""
_SPOKEN = ("bad", "warn")
"""Checks whose evidence is shown: what they saw may be no cause of anything, and still worth knowing."""


def _print(diagnosis: dict[str, Any]) -> None:
    words = {True: "healthy", False: "unhealthy", None: "could not tell"}
    click.echo(f"{diagnosis['service']}: {words[diagnosis['healthy']]} ({diagnosis['seconds']:.1f} s)")
    for number, cause in enumerate(diagnosis["causes"], 1):
        click.echo(
            f"\n{number}. {cause['code']}  {cause['object']['kind']} {cause['object']['id']}  {cause['confidence']:.0%}"
        )
        click.echo(f"   {cause['summary']}")
        for line in cause["evidence"]:
            click.echo(f"   - {line}")
        for remedy in cause["remedies"]:
            click.echo(f"   remedy {remedy['action']} ({remedy['effect']}): {remedy['preview'] or remedy['summary']}")
    click.echo("")
    for check in sorted(diagnosis["checks"], key=lambda check: _FIRST.index(check["status"])):
        click.echo(f"  {check['status']:<8} {check['name']:<32} {check['seconds']:>6.2f} s  {check['reason']}")
        for line in check["evidence"] if check["status"] in _SPOKEN else ():
            click.echo(f"           - {line}")
