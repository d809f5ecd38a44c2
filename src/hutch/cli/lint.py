"""``hutch runbook lint``: for a team's own CI, without any configuration."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import click

from hutch import __version__
from hutch.commands.context import CommandError
from hutch.commands.lint import lint_paths
from hutch.runbook.lint import selected
from hutch.runbook.lint.report import Report, as_json, as_sarif, as_text, rules_json

UNREADABLE, FOUND = 2, 3


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="For people, programs, or code scanners.",
)
@click.option("--json", "json_out", is_flag=True, help="The same as --format json.")
@click.option("--select", multiple=True, metavar="CODE", help="Only rules whose code begins so. May repeat.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Not these rules. May repeat.")
@click.option("--list", "listing", is_flag=True, help="Name every rule.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Judge review dates as of that day.")
@click.pass_context
def lint(
    ctx: click.Context,
    paths: tuple[Path, ...],
    form: str,
    json_out: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    listing: bool,
    today: datetime | None,
) -> None:
    """Find what a runbook should not say, with the safer form; folders are searched for *.md.

    Exit code 0: clean; 3: something was found; 2: a file cannot be read.
    """
    form = "json" if json_out else form
    try:
        rules = selected(select, ignore)
    except ValueError as error:
        raise CommandError(str(error), 2) from error
    if listing:
        rows = rules_json(rules)
        click.echo(json.dumps(rows, indent=2) if form != "text" else "\n".join(_row(r) for r in rows))
        return
    day = today.date() if today else date.today()
    report = lint_paths(paths or (Path(),), rules, day)
    click.echo(_shown(report, form))
    for path, why in report.unreadable.items():
        click.echo(f"hutch: {path}: cannot be read: {why}", err=True)
    ctx.exit(UNREADABLE if report.unreadable else FOUND if report.findings else 0)


def _row(rule: dict[str, str]) -> str:
    return f"{rule['code']}  {rule['severity']:<7}  {rule['summary']}"


def _shown(report: Report, form: str) -> str:
    if form == "text":
        return as_text(report)
    data = as_json(report) if form == "json" else as_sarif(report, __version__)
    return json.dumps(data, indent=2, ensure_ascii=False)
