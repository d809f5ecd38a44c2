"""Reads a clone by git itself: no network, no lock, nothing that the clone's own configuration would start."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hutch.processes import run_group
from hutch.providers.git.config import Config

MOST = 200
"""Commits that one look gives, the newest."""
OUTPUT_LIMIT, GRACE = 512 * 1024, 2.0
LINE = re.compile(r"(?P<id>[0-9a-f]{40,64})\x1f(?P<at>\d{1,12})\x1f(?P<author>[^\x1f]*)\x1f(?P<subject>.*)")
FORM = "%H%x1f%ct%x1f%<(80,trunc)%an%x1f%<(300,trunc)%s"

FIRST = (
    "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false",
    "-c", "log.mailmap=false", "-c", "protocol.allow=never",
)  # fmt: skip
"""What a clone may configure and what would run a program or ask somewhere else."""

ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C.UTF-8",
}  # fmt: skip


class GitError(Exception):
    """The repository did not tell; the text says why."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. Its words are whoever's made it."""

    id: str
    at: datetime
    author: str
    subject: str

    @property
    def short(self) -> str:
        """How people name it."""
        return self.id[:12]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ} {self.short} {self.subject} ({self.author})"


@dataclass(frozen=True, slots=True)
class Repository:
    """One clone."""

    config: Config

    async def since(self, at: datetime, paths: Sequence[str] = ()) -> list[Commit]:
        """What came to the branch since then, the newest first; of ``paths`` alone, if there are any."""
        rows = await self._log(await self.commit(self.config.branch), f"--since={int(at.timestamp())}", paths=paths)
        return [row for row in rows if row.at >= at]

    async def recent(self, now: datetime) -> list[Commit]:
        """The commits of the last hours that the settings name."""
        return await self.since(now - timedelta(hours=self.config.recent))

    async def between(self, before: str, after: str) -> list[Commit]:
        """What release ``after`` has and ``before`` has not, the newest first, merges left out."""
        first = await self.commit(self.config.revision_of(before))
        last = await self.commit(self.config.revision_of(after))
        return await self._log(f"{first}..{last}", "--no-merges")

    async def commit(self, name: str) -> str:
        """The id of the commit that a name stands for. Raises :class:`GitError`."""
        found = await self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", fails=True
        )
        one = found.strip()
        if not re.fullmatch(r"[0-9a-f]{40,64}", one):
            raise GitError(f"{self.config.repository} has no commit {name!r}{': ' + one[:200] if one else ''}")
        return one

    async def _log(self, what: str, *options: str, paths: Sequence[str] = ()) -> list[Commit]:
        said = await self._git("log", f"--max-count={MOST}", f"--format={FORM}", *options, what, "--", *paths)
        return [_commit(match) for line in said.split("\n") if (match := LINE.fullmatch(line))]

    async def _git(self, *words: str, fails: bool = False) -> str:
        program = shutil.which("git")
        if program is None:
            raise GitError("git is not installed here")
        env = {"PATH": os.environ.get("PATH", ""), **ENVIRONMENT}
        argv = [program, *FIRST, "-C", self.config.repository, *words]
        try:
            ended = await run_group(argv, env, "/", self.config.timeout, OUTPUT_LIMIT, GRACE)
        except OSError as error:
            raise GitError(f"git cannot be started: {error.strerror}") from error
        output = ended.output.decode("utf-8", errors="replace")
        if ended.timed_out:
            raise GitError(f"{self.config.repository}: no answer within {self.config.timeout:g} s")
        if ended.code and not (fails and ended.code == 1):
            raise GitError(f"{self.config.repository}: {_last(output)}")
        return output


def _commit(found: re.Match[str]) -> Commit:
    at = datetime.fromtimestamp(int(found["at"]), UTC)
    return Commit(found["id"], at, found["author"].strip(), found["subject"].strip())


def _last(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[0][:300] if lines else "git failed and said nothing"
