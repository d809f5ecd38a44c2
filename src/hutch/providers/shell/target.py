"""Runs commands on this machine: what they get, what came of them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.ports import Connection, TargetConfig
from hutch.processes import Ended, run_group
from hutch.providers.shell.config import Config, config_from

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""A shell's own exit codes (POSIX, Shell Command Language, 2.8.2)."""

MISSING = re.compile(r"(?:line \d+|^\S*sh: \d+): ([\w./+-]+): (?:command )?not found", re.MULTILINE)
"""What bash and dash say of a program that is not there."""

CUTS = (re.compile(r"\n"), re.compile(r"[\s\"',;]"))
"""Where an output whose beginning was left out is cut: after a line, or after a word if the line is long."""


def connect(target: TargetConfig) -> Connection:
    """``sh`` alone: checks and actions belong to the providers that know what they look at."""
    return Connection(target="this machine", runs={"sh": Machine(target.service, config_from(target.settings)).run})


@dataclass(frozen=True, slots=True)
class Machine:
    """Runs what the engine has decided may run; what it does is not judged here."""

    service: str
    config: Config

    async def run(self, command: Command) -> Outcome:
        """By ``args["argv"]`` without a shell; the text by a shell where there is none.

        A change that ran out of time may have happened: its outcome is unknown.
        """
        if command.secrets:
            return Outcome(Result.FAILED, "secrets are not given to a program of this machine: use a typed action")
        started = time.monotonic()
        with _scratch() as scratch:
            outcome = await self._in(scratch, command)
        return _timed(outcome, time.monotonic() - started)

    async def _in(self, scratch: str, command: Command) -> Outcome:
        env = self._environment(scratch, command.env)
        directory = self.config.directory or scratch
        _supply(scratch, command)
        argv = _words(command) or _shell(command.text, env["PATH"])
        place = os.path.join(directory, argv[0]) if "/" in argv[0] else argv[0]  # noqa: PTH118 - keeps an absolute one
        program = shutil.which(place, path=env["PATH"])
        if program is None:
            return self._not_installed(argv[0])
        limits = (min(command.timeout, self.config.timeout), self.config.output_limit, self.config.grace)
        most = self.config.processes if command.effect > Effect.READ or not command.args.get("argv") else 0
        try:
            ended = await run_group(
                [program, *argv[1:]], env, directory, *limits, most=most, scratch=directory == scratch
            )
        except (OSError, ValueError) as error:
            return Outcome(Result.FAILED, f"{argv[0]} cannot be started: {error}", exit_code=NOT_EXECUTABLE)
        return self._outcome(ended, command, limits[0])

    def _environment(self, scratch: str, given: Mapping[str, str]) -> dict[str, str]:
        """Small on purpose: nothing of Hutch's own environment but its path and what ``pass_env`` names."""
        passed = {name: os.environ[name] for name in self.config.pass_env if name in os.environ}
        path = os.environ.get("PATH", DEFAULT_PATH)
        small = {"PATH": path, "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8", "TERM": "dumb"}
        return {**small, **passed, **given}

    def _outcome(self, ended: Ended, command: Command, timeout: float) -> Outcome:
        output = shown(ended)
        read = command.effect <= Effect.READ
        if ended.crowded:
            said = f"killed: it became more than {self.config.processes} processes (shell.processes)"
            return Outcome(Result.FAILED if read else Result.UNKNOWN, said, output, ended.code)
        if ended.timed_out and command.endless and read:
            return Outcome(Result.DONE, f"watched for {timeout:g} s", output)
        if ended.timed_out:
            said = f"not finished after {timeout:g} s: ended"
            return Outcome(Result.FAILED if read else Result.UNKNOWN, said, output, ended.code, recoverable=read)
        missing = MISSING.search(output) if ended.code == NOT_FOUND else None
        if missing:
            return self._not_installed(missing.group(1), output)
        done = Result.FAILED if ended.code else Result.DONE
        return Outcome(done, _summary(ended.code, output), output, ended.code)

    def _not_installed(self, program: str, output: str = "") -> Outcome:
        where = f"services.{self.service}.binds"
        said = f"{program} is not installed here; install it or bind it to something else under {where}"
        return Outcome(Result.FAILED, said, output, NOT_FOUND)


@contextmanager
def _scratch() -> Iterator[str]:
    """A folder of its own, gone afterwards with all that was left in it."""
    folder = tempfile.mkdtemp(prefix="hutch-")
    try:
        yield folder
    finally:
        try:
            os.rmdir(folder)  # noqa: PTH106 - most commands leave it empty, and this is all that it takes then
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)


def _supply(folder: str, command: Command) -> None:
    """Put the files that the service's bindings supply where the command begins."""
    files = command.args.get("files")
    for name, text in files.items() if isinstance(files, Mapping) else ():
        path = Path(folder, name)
        if path.resolve().is_relative_to(Path(folder).resolve()):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(text), encoding="utf-8")


def shown(ended: Ended) -> str:
    """The end of the output. Where it was cut it begins after a word or line that may have been half a secret."""
    text = ended.output.decode("utf-8", errors="replace")
    if not ended.left_out:
        return text
    first = len(text) // 8
    found = next((m for cut in CUTS if (m := cut.search(text, 0, first))), None)
    rest = text[found.end() if found else first :]
    gone = ended.left_out + len(ended.output) - len(rest.encode())
    return f"[{gone} bytes before this were left out]\n{rest}"


def _words(command: Command) -> list[str]:
    argv = command.args.get("argv")
    return [str(word) for word in argv] if isinstance(argv, list | tuple) else []


def _shell(text: str, path: str) -> list[str]:
    """bash where there is one: documents are written for it. Without any start-up file."""
    bash = shutil.which("bash", path=path)
    return [bash, "--noprofile", "--norc", "-c", text] if bash else ["/bin/sh", "-c", text]


def _summary(code: int, output: str) -> str:
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
    how = f"killed by signal {-code}" if code < 0 else f"exit {code}"
    return f"{how}: {last[:200]}" if code and last else how


def _timed(outcome: Outcome, seconds: float) -> Outcome:
    return Outcome(
        outcome.result, outcome.summary, outcome.output, outcome.exit_code, seconds, recoverable=outcome.recoverable
    )
