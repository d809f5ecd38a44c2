"""Runs the team's own tool: a command line without a shell, in a small environment, its output masked and bounded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from hutch.ports import said
from hutch.processes import Ended, run_group
from hutch.providers.migrations.client import MigrationsError, masked, password_of
from hutch.providers.migrations.config import Config

OUTPUT_LIMIT = 16 * 1024
"""Bytes of the tool's output that are kept; the last ones."""
SQL_LIMIT = 1024 * 1024
"""Bytes of printed SQL that are kept."""
GRACE = 5.0
"""Seconds between asking a tool that takes too long to end and ending it."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


async def run_tool(
    config: Config, command: Sequence[str], values: Mapping[str, str] | None = None, limit: int = OUTPUT_LIMIT,
    *, owner: bool = True,
) -> Ended:  # fmt: skip
    """One run of the tool, as the owner of the schema or, to look, as the reading login. Raises ``OSError`` where it
    can't be started."""
    url = config.owner_url if owner else config.url
    argv = filled(command, values or {})
    said(f"$ {' '.join(argv)}\n")
    return await run_group(argv, environment(config, url), config.directory, config.command_timeout, limit, GRACE)


async def printed(config: Config, command: Sequence[str], values: Mapping[str, str]) -> str:
    """What a command that only prints says. Raises :class:`MigrationsError` where it fails."""
    try:
        ended = await run_tool(config, command, values, SQL_LIMIT, owner=False)
    except OSError as error:
        raise MigrationsError(f"{command[0]} cannot be started: {error.strerror}") from None
    text = whole_lines(ended)
    if ended.code or ended.timed_out:
        last = last_line(clean(config, text))
        raise MigrationsError(f"{command[0]} ended with {ended.code}: {last}")
    return clean(config, text)


def filled(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The words of the command line with ``{version}``, ``{from}``, ``{to}`` and ``{steps}`` filled in.

    >>> filled(["alembic", "downgrade", "{to}"], {"to": "9ab"})
    ['alembic', 'downgrade', '9ab']
    """
    words = list(command)
    for name, value in values.items():
        words = [word.replace("{" + name + "}", value) for word in words]
    return words


def environment(config: Config, url: str) -> dict[str, str]:
    """Small on purpose: nothing of Hutch's own environment but its path, its home and what ``pass_env`` names.

    Tools on libpq take the time that a statement waits for a lock from ``PGOPTIONS``; others have a setting of theirs.
    """
    passed = {name: os.environ[name] for name in ("HOME", *config.pass_env) if name in os.environ}
    small = {"PATH": os.environ.get("PATH", DEFAULT_PATH), "LANG": "C.UTF-8", "TERM": "dumb"}
    wait = {"PGOPTIONS": f"-c lock_timeout={config.lock_timeout * 1000:.0f}"}
    return {**small, **wait, **passed, **config.env, config.command_env: url}


def clean(config: Config, output: str) -> str:
    """Output without the addresses and their passwords."""
    text = output
    for url in (config.owner_url, config.url):
        text = text.replace(url, "•••") if url else text
    text = masked(text)
    for word in (password_of(url) for url in (config.owner_url, config.url) if url):
        text = text.replace(word, "•••") if word else text
    return text


def whole_lines(ended: Ended) -> str:
    """The output that was kept; a line cut in two could end in half a password that nobody knows any more."""
    text = ended.output.decode("utf-8", errors="replace")
    return text.partition("\n")[2] if ended.left_out else text


def last_line(output: str) -> str:
    """What it said last."""
    return next((line.strip()[:300] for line in reversed(output.splitlines()) if line.strip()), "no output")
