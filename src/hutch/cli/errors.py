"""Every error as one clear line on stderr and an exit code of DESIGN §7."""

from __future__ import annotations

import traceback

import click

CODES = {"CommandError": 1, "ConfigError": 2, "RunbookError": 2, "StoreError": 1, "StoreFull": 1, "LookupError": 2}
"""Exit codes by the name of the error's class, so that nothing need be imported to report an error."""


def report(error: BaseException, *, debug: bool) -> int:
    """Print what went wrong and what to do; the exit code."""
    if debug and not isinstance(error, click.ClickException | click.Abort | KeyboardInterrupt):
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show()
        return 2 if isinstance(error, click.UsageError) else error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("interrupted", err=True)
        return 130
    names = [c.__name__ for c in type(error).__mro__]
    known = next((n for n in names if n in CODES), "")
    code = getattr(error, "code", None)
    if known:
        click.echo(f"hutch: {error}", err=True)
        return code if isinstance(code, int) else CODES[known]
    hint = "" if debug else "; --debug shows where (please report it)"
    click.echo(f"hutch: unexpected {type(error).__name__}: {error}{hint}", err=True)
    return 1
