"""The git provider against real repositories, also ones that would start programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands import platforms
from hutch.commands.context import Context, Service
from hutch.model.action import Command, Outcome, Result
from hutch.model.config import Config, ServiceConfig
from hutch.model.effect import Effect
from hutch.model.finding import Change, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.git import provider
from hutch.testing import FakeClock, MemoryQueue, MemoryStore, check_provider

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
PLAIN = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": os.environ["PATH"]}


@dataclass
class Clone:
    """A repository, written by git itself."""

    folder: Path
    ids: dict[str, str] = field(default_factory=dict)

    def git(self, *words: str, at: datetime = NOW) -> str:
        stamp = f"{int(at.timestamp())} +0000"
        env = {**PLAIN, "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        return subprocess.run(["git", *who, *words], cwd=self.folder, env=env, check=True, capture_output=True,
                              text=True).stdout.strip()  # fmt: skip

    def commit(self, subject: str, path: str = "app.py", minutes_ago: float = 0, tag: str = "") -> str:
        place = self.folder / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(subject)
        self.git("add", ".")
        self.git("commit", "-q", "-m", subject, at=NOW - timedelta(minutes=minutes_ago))
        if tag:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")[:12]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "clone")
    made.folder.mkdir()
    made.git("init", "-q", "-b", "main")
    made.commit("begin", minutes_ago=60 * 48, tag="v41")
    made.commit("faster pages", minutes_ago=200, tag="v42")
    made.commit("smaller pool", "config/pool.toml", minutes_ago=30)
    made.commit("leak --all\u2028" + "a" * 40 + "\x1f0\x1fx\x1fforged", minutes_ago=20, tag="v43")
    return made


def opened(clone: Clone, **settings: object) -> Connection:
    given = {"repository": str(clone.folder), "revision": "v{release}", **settings}
    return provider.open(TargetConfig("web", given, lambda: NOW))


async def commits(connection: Connection, **args: object) -> Outcome:
    return await connection.runs["git.commits"](Command("git.commits", "", "", Effect.READ, args=args))


async def test_the_commits_between_two_deployments(clone: Clone) -> None:
    found = await commits(opened(clone), **{"from": "42", "to": "43"})
    assert (found.result, found.summary) == (Result.DONE, "2 commits")
    newest, oldest = found.output.split("\n")
    assert newest.startswith("2026-01-15T09:40:00Z ") and "leak --all" in newest
    assert oldest.endswith("smaller pool (Ada)")
    assert (await commits(opened(clone), **{"from": "43", "to": "43"})).output == ""


async def test_recent_commits_are_changes_and_edits_of_the_configuration_say_so(clone: Clone) -> None:
    changes = await _changes(opened(clone, configuration=["config"]))
    assert [(c.kind, c.at, c.summary.partition("\u2028")[0]) for c in changes] == [
        ("commit", NOW - timedelta(minutes=200), "faster pages (Ada)"),
        ("configuration", NOW - timedelta(minutes=30), "smaller pool (Ada)"),
        ("commit", NOW - timedelta(minutes=20), "leak --all"),
    ]
    assert [c.kind for c in await _changes(opened(clone, recent=0.4))] == ["commit"]


async def _changes(connection: Connection) -> list[Change]:
    assert connection.changes
    return list(await connection.changes())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"from": "42", "to": "99"}, "has no commit 'v99'"),
        ({"from": "42", "to": "-x --output=here"}, "has no commit 'v-x --output=here'"),
        ({"from": "42", "to": "f" * 40}, f"has no commit '{'f' * 40}'"),
        ({"from": "42"}, "say two releases: from and to"),
    ],
)
async def test_bad_releases_are_one_clear_error(clone: Clone, args: dict[str, object], said: str) -> None:
    found = await commits(opened(clone), **args)
    assert (found.result, said in found.summary) == (Result.FAILED, True), found.summary


async def test_a_release_that_looks_like_an_option_is_none(clone: Clone) -> None:
    found = await commits(opened(clone, revision="{release}"), **{"from": "v42", "to": "--exec=touch here"})
    assert (found.result, "has no commit" in found.summary) == (Result.FAILED, True)


@pytest.mark.parametrize("kind", ["none", "file"])
async def test_what_is_no_repository_is_said(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "other"
    folder.mkdir() if kind == "file" else None
    connection = opened(Clone(folder))
    finding = await connection.checks["git.repository"]()
    assert (finding.status, str(folder) in finding.summary, finding.matters) == (Status.UNKNOWN, True, False)
    assert await _changes(connection) == []


async def test_a_clone_starts_no_program_of_its_own(clone: Clone, tmp_path: Path) -> None:
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "gpg.program", "core.pager", "diff.external", "core.sshCommand", "alias.log"):
        clone.git("config", name, f"!{trap}" if name.startswith("alias") else str(trap))
    clone.git("config", "log.showSignature", "true")
    body = clone.git("cat-file", "commit", "HEAD").replace("\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n\n", 1)
    raw = tmp_path / "signed"
    raw.write_text(body + "\n")
    clone.git(
        "update-ref", "HEAD", clone.git("hash-object", "-t", "commit", "-w", str(raw))
    )  # a signature to be checked
    clone.git("tag", "-f", "v43")
    connection = opened(clone, configuration=["config"])
    assert (await connection.checks["git.repository"]()).status is Status.OK
    assert len(await _changes(connection)) == 3
    assert (await commits(connection, **{"from": "41", "to": "43"})).summary == "3 commits"
    assert not sprung.exists()


async def test_it_keeps_the_contract(clone: Clone) -> None:
    [finding] = await check_provider(provider, {"repository": str(clone.folder)})
    assert finding.check == "git.repository"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"revision": "v1"}, "git: revision must hold {release}"),
        ({"configuration": [""]}, "git: configuration must be a list of paths"),
        ({"timeout": 0}, "git: timeout must be a number above 0"),
    ],
)
def test_bad_settings_are_named(clone: Clone, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{").replace("}", r"\}")):
        opened(clone, **settings)


def row(of: Callable[[], list[Change]]) -> Connection:
    async def changes() -> list[Change]:
        return of()

    return Connection("p", changes=changes)


async def test_a_deployment_is_shown_with_its_commits_and_secrets_masked(clone: Clone, tmp_path: Path) -> None:
    clone.commit("key is s3cr3t-t0ken-here", minutes_ago=5, tag="v44")
    deployed = row(lambda: [Change("deployment", "44", NOW, "release 44 deployed", "43")])
    clock, secrets = FakeClock(), EnvironmentSecrets(tmp_path)
    secrets.remember("s3cr3t-t0ken-here")
    service = Service(ServiceConfig("web"), {"p": deployed, "git": opened(clone)})
    store = MemoryStore(clock)
    context = Context(Config(), tmp_path, store, MemoryQueue(store), clock, secrets, {"web": service}, {})
    found = await platforms.deployment(context, "", "44")
    assert [line.partition(" ")[2][13:] for line in found["commits"]] == ["key is ••• (Ada)"]
    assert {r["kind"] for r in await platforms.deployments(context, "")} == {"deployment", "commit"}
    clone.git("tag", "-d", "v43")
    [why] = (await platforms.deployment(context, "", "44"))["commits"]
    assert why.startswith("not known: ") and why.endswith("has no commit 'v43'")
