"""Commands of ``hutch`` in this process, as a person gets what they say."""

from __future__ import annotations

from click.testing import CliRunner

from hutch.cli.main import cli
from hutch.commands.errors import CommandError


def said(*words: str) -> tuple[int, str, str]:
    """Exit code and both outputs of a command, as ``hutch`` gives them."""
    result = CliRunner().invoke(cli, words)
    error = result.exception
    if isinstance(error, CommandError):
        return error.code, result.stdout, f"{result.stderr}{error}"
    assert error is None or isinstance(error, SystemExit), result.exc_info
    return result.exit_code, result.stdout, result.stderr
