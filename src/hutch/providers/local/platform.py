"""What runs on a local platform, in the words that all platforms share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hutch.model.event import instant
from hutch.model.platform import Deployment, Instance, LogLine, LogQuery, Standing
from hutch.providers.local.client import Client, PlatformStatus
from hutch.providers.local.client import Deployment as Entry
from hutch.remote import answered


@dataclass(frozen=True, slots=True)
class LocalPlatform:
    """Implements :class:`hutch.ports.Platform`."""

    client: Client

    async def standing(self) -> Standing:
        """What runs now, with the servers beside the service."""
        return _standing(await answered(self.client.status()))

    async def deployments(self) -> Sequence[Deployment]:
        """The platform's whole ledger: it keeps 500."""
        return [_deployment(d) for d in await answered(self.client.deployments())]

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        """The platform filters and bounds: what its memory no longer holds it reads from its files."""
        return await answered(self.client.logs(_asked(query)))


def _asked(query: LogQuery) -> dict[str, str]:
    wanted = {
        "grep": query.pattern,
        "since": instant(query.since) if query.since else "",
        "until": instant(query.until) if query.until else "",
        "level": query.level,
        "user": query.user,
        "replica": query.replica,
        "limit": str(query.limit),
    }
    return {name: value for name, value in wanted.items() if value}


def _standing(status: PlatformStatus) -> Standing:
    return Standing(
        release=status.release,
        previous=status.previous,
        busy=status.busy,
        instances=tuple(
            Instance(r.name, r.release, r.state, r.ready, r.restarts, r.started_at) for r in status.replicas
        ),
        sizes=status.sizes,
        parts={name: str(c).removeprefix(f"{name} ") for name, c in status.components.items()},
    )


def _deployment(entry: Entry) -> Deployment:
    return Deployment(
        id=entry.id,
        release=entry.release,
        kind=entry.kind,
        state=entry.status,
        started_at=entry.started_at,
        finished_at=entry.finished_at,
        previous=entry.previous,
        reason=entry.reason,
    )
