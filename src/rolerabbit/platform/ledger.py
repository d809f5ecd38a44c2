"""Releases and deployments as frozen values: what was registered, what ran when, and where a roll-back leads. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rolerabbit.platform.errors import BadRequest, Conflict, NotFound

Kind = Literal["deploy", "rollback"]
Status = Literal["running", "succeeded", "failed"]
RELEASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRET_NAME = re.compile(r"SECRET|TOKEN|PASS|KEY|CREDENTIAL|URL|DSN", re.IGNORECASE)
HIDDEN = "[hidden]"
KEPT_DEPLOYMENTS = 500


@dataclass(frozen=True, slots=True)
class Release:
    """One registered version: its environment on top of the platform's. Times are ISO 8601 in UTC."""

    id: str
    created_at: str
    note: str = ""
    env: tuple[tuple[str, str], ...] = ()

    def env_summary(self) -> dict[str, str]:
        """The environment with the values hidden that look like secrets by their name or hold a URL."""
        return {
            name: HIDDEN if SECRET_NAME.search(name) or "://" in value else value for name, value in sorted(self.env)
        }


@dataclass(frozen=True, slots=True)
class Deployment:
    """One change of the running release. ``previous`` is what ran before."""

    id: str
    release: str
    previous: str | None
    kind: Kind
    started_at: str
    finished_at: str | None = None
    status: Status = "running"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that the platform remembers, oldest first."""

    releases: tuple[Release, ...] = ()
    deployments: tuple[Deployment, ...] = ()

    @property
    def current(self) -> str | None:
        """The release that runs: that of the last deployment that succeeded."""
        done = self._succeeded()
        return done[-1].release if done else None

    @property
    def previous(self) -> str | None:
        """Where a roll-back leads: the last release that ran before the current one and is another."""
        current = self.current
        return next((d.release for d in reversed(self._succeeded()) if d.release != current), None)

    def release(self, release_id: str) -> Release:
        """The release of that id, or NotFound naming those that exist."""
        found = next((release for release in self.releases if release.id == release_id), None)
        if found is None:
            known = ", ".join(release.id for release in self.releases) or "none"
            raise NotFound(f"there is no release {release_id!r}", f"register it first, or use one of: {known}")
        return found

    def standing(self, release_id: str) -> str:
        """``current``, ``previous`` or ``available``."""
        if release_id == self.current:
            return "current"
        return "previous" if release_id == self.previous else "available"

    def register(self, release: Release) -> Ledger:
        """With one more release. BadRequest for an unusable id or variable, Conflict if the id is taken."""
        if not RELEASE_ID.fullmatch(release.id):
            raise BadRequest(
                f"{release.id!r} is no release id", "use at most 40 letters, digits, dots, dashes or underscores"
            )
        bad = next((name for name, value in release.env if not VARIABLE.fullmatch(name) or "\0" in value), None)
        if bad is not None:
            raise BadRequest(f"env: {bad!r} can't be an environment variable", "use letters, digits and underscores")
        if any(known.id == release.id for known in self.releases):
            raise Conflict(f"release {release.id!r} exists already", "releases never change: choose another id")
        return replace(self, releases=(*self.releases, release))

    def rollback_target(self, to: str | None) -> str:
        """The release that a roll-back deploys: ``to``, or the previous one. Conflict if there is none."""
        if to is not None:
            return self.release(to).id
        if self.previous is None:
            raise Conflict("there is no earlier release to roll back to", "name one with `to`, or deploy a release")
        return self.previous

    def begin(self, release_id: str, kind: Kind, at: str) -> tuple[Ledger, Deployment]:
        """With a deployment that runs."""
        release = self.release(release_id)
        number = int(self.deployments[-1].id.removeprefix("dpl-")) + 1 if self.deployments else 1
        deployment = Deployment(f"dpl-{number}", release.id, self.current, kind, at)
        return replace(self, deployments=(*self.deployments, deployment)[-KEPT_DEPLOYMENTS:]), deployment

    def finish(self, deployment_id: str, status: Status, at: str, reason: str = "") -> Ledger:
        """With that deployment ended."""
        return replace(
            self,
            deployments=tuple(
                replace(d, status=status, finished_at=at, reason=reason) if d.id == deployment_id else d
                for d in self.deployments
            ),
        )

    def deployment(self, deployment_id: str) -> Deployment:
        """The deployment of that id, or NotFound."""
        found = next((d for d in self.deployments if d.id == deployment_id), None)
        if found is None:
            raise NotFound(f"there is no deployment {deployment_id!r}", "GET /deployments lists them")
        return found

    def interrupted(self, at: str) -> Ledger:
        """As found after a crash of the platform: deployments that were running have failed."""
        running = [d.id for d in self.deployments if d.status == "running"]
        ledger = self
        for deployment_id in running:
            ledger = ledger.finish(deployment_id, "failed", at, "the platform ended meanwhile")
        return ledger

    def deployed_at(self, release_id: str) -> str | None:
        """When the release last began to run."""
        return next((d.finished_at for d in reversed(self._succeeded()) if d.release == release_id), None)

    def to_json(self) -> dict[str, Any]:
        """For the state file; ``from_json`` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ledger:
        """The ledger that ``to_json`` wrote. KeyError, TypeError or ValueError when it isn't one."""
        return cls(
            tuple(Release(**{**r, "env": tuple((n, v) for n, v in r["env"])}) for r in data["releases"]),
            tuple(Deployment(**d) for d in data["deployments"]),
        )

    def _succeeded(self) -> list[Deployment]:
        return [d for d in self.deployments if d.status == "succeeded"]
