"""The `rolerabbit` command. Each subcommand's module is imported when it is called."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from typing import Final

import click

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "serve": "rolerabbit.serve:serve",
    "db": "rolerabbit.db:db",
    "load": "rolerabbit.load:load",
    "attack": "rolerabbit.loadattack:attack",
    "platform": "rolerabbit.platform.cli:platform",
    "edge": "rolerabbit.edge:edge",
    "fault": "rolerabbit.drills.cli:fault",
    "accounts": "rolerabbit.operate:accounts",
    "keys": "rolerabbit.keyring:keys",
    "reports": "rolerabbit.operate:list_reports",
}


class LazyGroup(click.Group):
    """A group whose commands are named as `module:attribute`; one whose module is missing is left out."""

    def __init__(self, name: str | None = None, *, lazy: Mapping[str, str], help: str | None = None) -> None:
        super().__init__(name, help=help)
        self._lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """By name."""
        return sorted(name for name, target in self._lazy.items() if _is_there(target.partition(":")[0]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command; a package that is missing is named, with what brings it."""
        module, _, attribute = self._lazy.get(cmd_name, "").partition(":")
        if not module or not _is_there(module):
            return None
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"{cmd_name} needs the package {error.name!r}: install the extra with pip install 'hutch[demo]'"
            ) from error
        return command if isinstance(command, click.Command) else None


def _is_there(module: str) -> bool:
    parent = module.rpartition(".")[0]
    if parent and parent != "rolerabbit" and importlib.util.find_spec(parent) is None:
        return False
    return importlib.util.find_spec(module) is not None


cli = LazyGroup(
    "rolerabbit", lazy=SUBCOMMANDS, help="RoleRabbit, the service that is operated: serve it, migrate it, load it."
)


def main() -> None:
    """Exit codes: 0 done, 1 failed, 2 usage, 5 target unreachable, 130 interrupted."""
    try:
        code = cli.main(prog_name="rolerabbit", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
