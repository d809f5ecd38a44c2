"""Puts one repository together: recent changes, the commits between two releases, whether it can be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.model.action import Command, Outcome, Result
from hutch.model.finding import Change, Finding, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.git.config import config_from
from hutch.providers.git.repository import Commit, GitError, Repository

CHECK, COMMITS = "git.repository", "git.commits"


def connect(target: TargetConfig) -> Connection:
    """Nothing is read before its first use."""
    reader = Reader(Repository(config_from(target.settings)), target.now)
    return Connection(
        target=f"repository {reader.repository.config.repository}",
        checks={CHECK: reader.check},
        runs={COMMITS: reader.commits},
        changes=reader.changes,
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Looks at one repository."""

    repository: Repository
    now: Callable[[], datetime]

    async def check(self) -> Finding:
        """Check ``git.repository``: can it be read, and how new is it?"""
        at, started, config = self.now(), time.monotonic(), self.repository.config
        target = f"repository {config.repository}"
        try:
            found = await self.repository.recent(at)
        except GitError as error:
            took = time.monotonic() - started
            return Finding(CHECK, target, Status.UNKNOWN, str(error), at, took, matters=False, reason=str(error))
        said = f"{len(found)} commits on {config.branch} in the last {config.recent:g} h"
        took = time.monotonic() - started
        return Finding(CHECK, target, Status.OK, said, at, took, {"commits": len(found)}, matters=False)

    async def changes(self) -> list[Change]:
        """Recent commits, oldest first; those that touch the configuration say so. None where it can't be read."""
        config = self.repository.config
        since = self.now() - timedelta(hours=config.recent)
        try:
            found = await self.repository.since(since)
            edits = await self.repository.since(since, config.configuration) if config.configuration else []
        except GitError:
            return []
        ids = {commit.id for commit in edits}
        return [_change(commit, commit.id in ids) for commit in reversed(found)]

    async def commits(self, command: Command) -> Outcome:
        """``git.commits``: what release ``to`` has and ``from`` has not, the newest first."""
        before, after = (str(command.args.get(name) or "").strip() for name in ("from", "to"))
        if not before or not after:
            return Outcome(Result.FAILED, "say two releases: from and to")
        try:
            found = await self.repository.between(before, after)
        except GitError as error:
            return Outcome(Result.FAILED, str(error))
        return Outcome(Result.DONE, f"{len(found)} commits", "\n".join(map(str, found)), 0, hits=len(found))


def _change(commit: Commit, edit: bool) -> Change:
    kind = "configuration" if edit else "commit"
    return Change(kind, commit.short, commit.at, f"{commit.subject} ({commit.author})")
