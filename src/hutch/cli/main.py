"""The tree of commands. Each one's module is imported only when it is called."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

import click

from hutch import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("hutch.cli.demo:demo", "The whole story on this machine: a real fault from alert to review."),
    "init": ("hutch.cli.init:init", "Write a first hutch.yaml and a first runbook."),
    "doctor": ("hutch.cli.doctor:doctor", "Check the configuration, the store and every target."),
    "serve": ("hutch.cli.serve:serve", "Watch the services and answer incidents; JSON API on loopback."),
    "worker": ("hutch.cli.worker:worker", "Do jobs beside a server, on this or another machine."),
    "diagnose": ("hutch.cli.diagnose:diagnose", "Look at a service, or at a bare database or URL, and name the cause."),
    "run": ("hutch.cli.runs:run", "Run a runbook: DOC#anchor."),
    "runs": ("hutch.cli.runs:runs", "List, show, approve, deny, decide, tick, undo and cancel runs."),
    "runbook": ("hutch.cli.runbook:runbook", "List, show and lint runbooks."),
    "incident": ("hutch.cli.incident:incident", "Declare and work on incidents."),
    "alert": ("hutch.cli.alert:alert", "List what has fired."),
    "maintenance": ("hutch.cli.maintenance:maintenance", "Plan work, in which alerts are held back."),
    "rules": ("hutch.cli.rules:rules", "Check alert rules, and export them for Prometheus."),
    "probe": ("hutch.cli.probe:probe", "Look at the services from outside, now."),
    "review": ("hutch.cli.review:review", "Draft updates and post-incident reviews from the timeline."),
    "todo": ("hutch.cli.todo:todo", "Action items: who does what by when."),
    "report": ("hutch.cli.report:report", "How the team did: times, counts, promises, noise, runbooks."),
    "service": ("hutch.cli.service:service", "What runs of a service: status, restart, scale, log."),
    "deploy": ("hutch.cli.deploy:deploy", "List deployments, and roll back."),
    "logs": ("hutch.cli.logs:logs", "Search the logs of the services."),
    "backup": ("hutch.cli.backup:backup", "Backups of a service's database, and of Hutch itself."),
    "oncall": ("hutch.cli.oncall:oncall", "Who is on call, and overrides of it."),
    "status": ("hutch.cli.statuspage:status", "The public status page: what customers see, and its files."),
    "notify": ("hutch.cli.notify:notify", "Channels that messages leave by: list, and test one."),
    "migrate": ("hutch.cli.migrate:migrate", "Where schema migrations stand; apply, take back, mark."),
    "block": ("hutch.cli.block:block", "Addresses kept out of a service: list, block, release, export."),
    "restrict": ("hutch.cli.block:restrict", "Accounts refused for a while: list, restrict, release."),
    "breach": ("hutch.cli.breach:breach", "A data breach, gate by gate: contain, assess, notify, document."),
    "recover": ("hutch.cli.recover:recover", "Bring back deleted rows; look for damage; copy what can be read."),
    "drill": ("hutch.cli.drill:drill", "Break a service on purpose, and score what Hutch finds and does."),
    "store": ("hutch.cli.store:store", "Move the event log to Postgres or back; restore a backup of it."),
    "archive": ("hutch.cli.archive:archive", "Old incidents in archives: run, list, show, restore, hold, release."),
    "user": ("hutch.cli.user:user", "Who may sign in, and what they may do."),
    "token": ("hutch.cli.token:token", "Tokens for the API: make, list, revoke."),
    "audit": ("hutch.cli.audit:audit", "Sign-ins, grants, refusals and approvals."),
    "mcp": ("hutch.cli.mcp:mcp", "Let an assistant look and propose, over the Model Context Protocol."),
    "verify": ("hutch.cli.verify:verify", "Prove that the event log was not altered."),
    "freeze": ("hutch.cli.freeze:freeze", "Stop every change at once."),
    "thaw": ("hutch.cli.freeze:thaw", "Allow changes again."),
}
"""Name, where it is, and what it is for."""

UNREACHABLE = 5
"""Exit code where a target, or the store's server, can't be reached."""


def resolve(place: str) -> Any:
    """What ``module:attribute`` names; the module alone without an attribute. Imported only now."""
    module, _, attribute = place.partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


class LazyGroup(click.Group):
    """Knows its commands by name and help; imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = resolve(COMMANDS[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of ``--help``, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "config_path",
    default="hutch.yaml",
    envvar="HUTCH_CONFIG",
    show_default=True,
    help="The configuration file.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
@click.option("--no-input", is_flag=True, envvar="HUTCH_NO_INPUT", help="Ask nothing, not even on a terminal.")
@click.version_option(__version__, prog_name="hutch")
@click.pass_context
def cli(ctx: click.Context, config_path: str, debug: bool, no_input: bool) -> None:
    """Incident response for teams whose runbooks are Markdown: the document is the program.

    Exit codes: 0 ok, 1 failed, 2 usage, 3 unhealthy or a check failed, 4 waiting for approval, 5 target unreachable,
    130 interrupted.
    """
    ctx.obj = {"config": config_path, "debug": debug, "input": not no_input}


def main(args: list[str] | None = None) -> Any:
    """The entry point; every error ends as one clear line and an exit code."""
    debug = "--debug" in (args if args is not None else sys.argv[1:])
    if not debug:
        sys.excepthook = unexpected
    try:
        code = cli.main(args=args, prog_name="hutch", standalone_mode=False)
    except foreseen() as error:
        if debug:
            traceback.print_exception(error)
        sys.exit(report(error))
    sys.exit(code if isinstance(code, int) else 0)


def foreseen() -> tuple[type[BaseException], ...]:
    """Ends that say what to do. Ours are imported only once something went wrong: so starting stays light."""
    return (click.ClickException, click.Abort, KeyboardInterrupt, *_ours())


def _ours() -> tuple[type[BaseException], ...]:
    found = ("hutch.commands.errors:CommandError", "hutch.ports:StoreFull", "hutch.ports:StoreAway")
    return tuple(resolve(place) for place in found)


def report(error: BaseException) -> int:
    """Say what went wrong and what to do, on stderr; the exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, _ours()):
        click.echo(f"hutch: {error}", err=True)
        return int(getattr(error, "code", UNREACHABLE if type(error).__name__ == "StoreAway" else 1))
    click.echo("interrupted", err=True)
    return 130


def unexpected(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    """What Python calls for an error that nobody foresaw; it exits with 1 by itself."""
    known = kind.__name__ in ("StoreError", "RunbookError")
    hint = "" if known else f" (unexpected {kind.__name__}; --debug before the command shows where)"
    click.echo(f"hutch: {error}{hint}", err=True)
