"""``hutch runbook lint``: for a team's own CI, without any configuration."""

from __future__ import annotations

import json
import os
import sys
from datetime import date, datetime
from pathlib import Path

import click

from hutch import __version__
from hutch.commands.context import CommandError
from hutch.commands.lint import explain, lint_paths, page_of
from hutch.runbook.lint import Rule, selected
from hutch.runbook.lint.report import Report, as_json, as_text, one_line, plain, rules_json
from hutch.runbook.lint.scanners import as_github, as_gitlab, as_sarif

UNREADABLE, FOUND = 2, 3


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "gitlab", "github"]),
    default="text",
    show_default=True,
    help="For people, programs, code scanners, GitLab's code quality, GitHub's annotations.",
)
@click.option("--json", "json_out", is_flag=True, help="The same as --format json.")
@click.option("--select", multiple=True, metavar="CODE", help="Only rules whose code begins so. May repeat.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Not these rules. May repeat.")
@click.option("--list", "listing", is_flag=True, help="Name every rule.")
@click.option("--explain", "code", metavar="CODE", help="Show a rule's page: why it matters, a bad and a good example.")
@click.option(
    "--max", "most", type=click.IntRange(0), default=1000, show_default=True, help="Findings to show; 0: all."
)
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
    code: str | None,
    most: int,
    today: datetime | None,
) -> None:
    """Find what a runbook should not say, with the safer form; folders are searched for Markdown.

    Exit code 0: clean; 3: something was found; 2: a file cannot be read.
    """
    form = "json" if json_out else form
    if code:
        click.echo(explain(code), nl=False)
        return
    rules = _rules(select, ignore)
    if listing:
        rows = rules_json(rules)
        click.echo(json.dumps(rows, indent=2) if form != "text" else "\n".join(_row(r) for r in rows))
        return
    report = lint_paths(paths or (Path(),), rules, today.date() if today else date.today(), most)
    click.echo(_shown(report, form))
    for path, why in report.unreadable.items():
        click.echo(f"hutch: {one_line(path)}: cannot be read: {one_line(why)}", err=True)
    ctx.exit(UNREADABLE if report.unreadable else FOUND if report.errors + report.warnings else 0)


def _rules(select: tuple[str, ...], ignore: tuple[str, ...]) -> tuple[Rule, ...]:
    try:
        return selected(select, ignore)
    except ValueError as error:
        raise CommandError(str(error), 2) from error


def _row(rule: dict[str, str]) -> str:
    return f"{rule['code']}  {rule['severity']:<7}  {rule['summary']}"


def _shown(report: Report, form: str) -> str:
    if form == "text":
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        return as_text(report, _paint if coloured else plain)
    if form == "github":
        return as_github(report)
    if form == "sarif":
        data: object = as_sarif(report, __version__, {rule.code: page_of(rule) for rule in report.rules})
    else:
        data = as_gitlab(report) if form == "gitlab" else as_json(report)
    return json.dumps(data, indent=2)


def _paint(text: str, colour: str) -> str:
    return click.style(text, bold=True) if colour == "bold" else click.style(text, fg=colour)
