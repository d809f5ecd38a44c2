"""What came of running the team's tool, or of our own run, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.action import Outcome, Result
from hutch.processes import Ended
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.runner import Ran
from hutch.providers.migrations.tool import clean, last_line, whole_lines


def failed(summary: str, *, recoverable: bool = False) -> Outcome:
    """Nothing was done."""
    return Outcome(Result.FAILED, summary, recoverable=recoverable)


def of_tool(
    config: Config, ended: Ended, done: Sequence[str], word: str, seconds: float, undo: Mapping[str, object]
) -> Outcome:  # fmt: skip
    """The tool's end; ``done`` are the versions that the database shows for it."""
    output = clean(config, whole_lines(ended))
    if ended.timed_out:
        said = f"not finished after {config.command_timeout:g} s: ended"
        return Outcome(Result.UNKNOWN, said, output, ended.code, seconds)
    last = last_line(output)
    if ended.code:
        return Outcome(Result.FAILED, f"exit {ended.code}: {last}", output, ended.code, seconds, hits=len(done))
    said = f"{word} {', '.join(done)}" if done else f"the tool did nothing: {last}"
    return Outcome(Result.DONE, said, output, 0, seconds, hits=len(done), undo=undo)


def of_run(ran: Ran, word: str, asked: int, seconds: float, undo: Mapping[str, object]) -> Outcome:
    """Our own end. A lost connection leaves open whether the last statement took: verification tells."""
    done = f"{word} {_some(ran.done)}" if ran.done else f"nothing {word}"
    output = "\n".join(f"{word} {version}" for version in ran.done)
    if not ran.failed:
        return Outcome(Result.DONE, done, output, 0, seconds, hits=len(ran.done), undo=undo)
    said = f"stopped at {ran.failed}; {done}; {asked - len(ran.done)} left"
    if ran.lost:
        return Outcome(Result.UNKNOWN, said, output, None, seconds, hits=len(ran.done))
    nothing = ran.busy and not ran.done
    return Outcome(Result.FAILED, said, output, 1, seconds, hits=len(ran.done), recoverable=nothing)


def _some(versions: Sequence[str]) -> str:
    return ", ".join(versions) if len(versions) <= 10 else f"{versions[0]} to {versions[-1]} ({len(versions)})"
