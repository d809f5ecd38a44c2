"""``hutch rules``."""

from __future__ import annotations

from pathlib import Path

import click

from hutch.bootstrap.wire import read_config
from hutch.cli.shell import as_json, config_path, emit, table, with_context
from hutch.commands import rules as commands
from hutch.commands import standings
from hutch.commands.context import CommandError
from hutch.commands.rules import Checked
from hutch.detection.export import by_job, rules_file

UNHEALTHY = 3


@click.group()
def rules() -> None:
    """Alert rules."""


@rules.command()
@click.argument("document", default="")
@click.option("--offline", is_flag=True, help="Ask no source whether it gives the signals.")
@as_json
@click.pass_context
def check(ctx: click.Context, document: str, offline: bool, json_out: bool) -> None:
    """Check the rules of the configuration and its documents, or those of one DOCUMENT.

    Unknown signals, units that do not fit, signals that no source gives now; alerts that no runbook answers are
    warned of. Exit code 3 when one cannot be judged.
    """
    found = _found(document, offline)
    emit([c.as_dict() for c in found]) if json_out else table([_row(c) for c in found], COLUMNS, "no rules")
    ctx.exit(UNHEALTHY if any(c.errors for c in found) else 0)


COLUMNS = ["name", "where", "condition", "duration", "severity", "found"]


def _found(document: str, offline: bool) -> list[Checked]:
    if document:
        return commands.of_document(document)
    config, _ = read_config(config_path())
    base = config_path().resolve().parent
    found = commands.of_config(config, base)
    return found if offline else with_context(lambda context: commands.with_sources(context, found))


def _row(checked: Checked) -> dict[str, object]:
    said = "; ".join((*checked.errors, *(f"warning: {w}" for w in checked.warnings)))
    return {**checked.as_dict(), "found": said or "ok"}


@rules.command("list")
@click.option("--service", default="", help="Only this service's.")
@as_json
def list_(service: str, json_out: bool) -> None:
    """Where every rule stands: inactive, pending, firing or no data, as who watches its service judged it last.

    "not judged" where no `hutch serve` of this store watches.
    """
    rows = with_context(lambda context: standings.listing(context, service))
    columns = ["service", "rule", "severity", "condition", "state", "since", "value", "judged_at", "judged_by"]
    emit(rows) if json_out else table(rows, columns, "no rules")


@rules.command()
@click.option("--format", "form", type=click.Choice(["prometheus"]), default="prometheus", show_default=True)
@click.option("--service", default="", help="Only this service; else a group for each.")
@click.option("--match", default=None, help='Label matcher of the service\'s series; else job="SERVICE".')
@click.option("--document", default="", help="The rules of this document instead of the configured ones.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def export(form: str, service: str, match: str | None, document: str, out: Path | None) -> None:  # noqa: ARG001
    """Write the rules as a Prometheus rules file, which `promtool check rules` accepts."""
    config, _ = read_config(config_path())
    if service and service not in config.services:
        raise CommandError(f"unknown service {service!r}; configured: {', '.join(config.services)}", 2)
    found = commands.of_document(document) if document else commands.of_rules(config.rules, str(config_path()))
    faults = [f"{c.where}: {c.rule.name}: {e}" for c in found for e in c.errors]
    if faults:
        raise CommandError("\n".join(faults), UNHEALTHY)
    services = [service] if service else list(config.services)
    text = rules_file([c.rule for c in found], services, by_job if match is None else lambda _: match)
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
