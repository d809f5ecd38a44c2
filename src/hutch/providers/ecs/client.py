"""What ECS says of one service, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hutch.amazon.calls import Calls, formed
from hutch.model.platform import tag_of
from hutch.providers.ecs.config import Config
from hutch.providers.ecs.size import size_of
from hutch.remote import Refused, Silent

MOST_DEPLOYMENTS = 100
"""The newest that are read; AWS keeps them for 90 days."""
PAGE = 20
"""Revisions that one call describes."""
MOST_TASKS = 100
LABELS = "org.opencontainers.image"
NO_CHANGES = "no change is offered here: give services.NAME.ecs a change_key_id"


@dataclass(frozen=True, slots=True)
class Rollout:
    """One of the deployments that share the service now; the primary one is where it goes."""

    id: str
    release: str
    state: str
    reason: str
    wanted: int
    running: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """The service as ECS has it. ``rollouts`` begin with the primary one."""

    wanted: int
    running: int
    rollouts: tuple[Rollout, ...]

    @property
    def primary(self) -> Rollout:
        """Where the service goes, or is."""
        return self.rollouts[0]

    @property
    def busy(self) -> bool:
        """Whether a deployment goes on."""
        return len(self.rollouts) > 1 or self.primary.state == "IN_PROGRESS"

    def __str__(self) -> str:
        parts = (f"{r.release} {r.state or 'running'}, {r.running} of {r.wanted} tasks run" for r in self.rollouts)
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Task:
    """One task, running or lately stopped."""

    id: str
    release: str
    status: str
    health: str
    started_at: datetime | None
    why: str

    @property
    def ready(self) -> bool:
        """Whether it serves, as far as ECS knows."""
        return self.status == "RUNNING" and self.health != "UNHEALTHY"


@dataclass(frozen=True, slots=True)
class Past:
    """One deployment of the service's history."""

    id: str
    release: str
    status: str
    reason: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where a container of the release writes: a group, and how the names of its streams begin."""

    group: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A task definition, and its tags."""

    definition: Mapping[str, Any]
    tags: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Client:
    """Reads with one key and changes with another. ``change`` is None where no change is offered. ``known`` are the
    names of releases and ``sized`` their sizes: a revision never changes."""

    config: Config
    read: Calls
    change: Calls | None = None
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sized: dict[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def _place(self) -> Mapping[str, str]:
        return {"cluster": self.config.cluster, "service": self.config.service}

    async def state(self) -> State:
        """The service now. :class:`Refused` where there is none."""
        asked = {"cluster": self.config.cluster, "services": [self.config.service]}
        found = (await self.read("ecs", "describe_services", **asked)).get("services") or []
        with formed("ecs:DescribeServices"):
            service = next((s for s in found if s.get("status") != "INACTIVE"), None)
            rollouts = (
                sorted(map(_rollout, service.get("deployments") or []), key=lambda pair: pair[0]) if service else []
            )
            wanted, running = (int((service or {}).get(name, 0)) for name in ("desiredCount", "runningCount"))
        if service is None:
            raise Refused(f"there is no service {self.config.service} in the cluster {self.config.cluster}")
        if not rollouts or rollouts[0][0]:
            raise Refused(f"{self.config.service} has no primary deployment: only services that ECS rolls out itself")
        return State(wanted, running, tuple(r for _, r in rollouts))

    async def tasks(self, status: str = "RUNNING") -> list[Task]:
        """The service's tasks that should run, or (``STOPPED``) those that ended in the last hour."""
        asked = {"cluster": self.config.cluster, "serviceName": self.config.service, "desiredStatus": status}
        arns = (await self.read("ecs", "list_tasks", **asked, maxResults=MOST_TASKS)).get("taskArns") or []
        if not arns:
            return []
        found = await self.read("ecs", "describe_tasks", cluster=self.config.cluster, tasks=arns)
        with formed("ecs:DescribeTasks"):
            return sorted(map(_task, found.get("tasks") or []), key=lambda task: task.id)

    async def past(self) -> list[Past]:
        """The newest deployments, oldest first."""
        rows: list[Mapping[str, Any]] = []
        more: dict[str, str] = {}
        while len(rows) < MOST_DEPLOYMENTS:
            answer = await self.read(
                "ecs", "list_service_deployments", **self._place, maxResults=MOST_DEPLOYMENTS, **more
            )
            with formed("ecs:ListServiceDeployments"):
                rows += answer.get("serviceDeployments") or []
            if not answer.get("nextToken"):
                break
            more = {"nextToken": str(answer["nextToken"])}
        with formed("ecs:ListServiceDeployments"):
            newest = sorted(rows, key=lambda row: row["createdAt"])[-MOST_DEPLOYMENTS:]
        releases = await self._releases([str(row.get("targetServiceRevisionArn", "")) for row in newest])
        return [_past(row, releases) for row in newest]

    async def _releases(self, arns: Sequence[str]) -> dict[str, str]:
        wanted = sorted({arn for arn in arns if arn})
        found: dict[str, str] = {}
        for start in range(0, len(wanted), PAGE):
            page = wanted[start : start + PAGE]
            answer = await self.read("ecs", "describe_service_revisions", serviceRevisionArns=page)
            with formed("ecs:DescribeServiceRevisions"):
                for row in answer.get("serviceRevisions") or []:
                    found[str(row["serviceRevisionArn"])] = last(row.get("taskDefinition"))
        return found

    async def definition(self, release: str) -> Mapping[str, Any]:
        """A task definition. :class:`Refused` where there is none."""
        found = await self.read("ecs", "describe_task_definition", taskDefinition=release)
        with formed("ecs:DescribeTaskDefinition"):
            definition: Mapping[str, Any] = dict(found["taskDefinition"])
        return definition

    async def registered(self, release: str) -> Registered:
        """A task definition with its tags. :class:`Refused` where there is none."""
        found = await self.read("ecs", "describe_task_definition", taskDefinition=release, include=["TAGS"])
        with formed("ecs:DescribeTaskDefinition"):
            return Registered(dict(found["taskDefinition"]), list(found.get("tags") or []))

    async def register(self, wanted: Mapping[str, Any]) -> str:
        """The name of a new revision, registered once."""
        if self.change is None:
            raise Refused(NO_CHANGES)
        found = await self.change("ecs", "register_task_definition", **wanted)
        with formed("ecs:RegisterTaskDefinition"):
            return last(found["taskDefinition"]["taskDefinitionArn"])

    async def size(self, release: str) -> Mapping[str, int]:
        """How large the release's tasks are. Nothing where it gives them no size, or AWS does not say."""
        if release not in self.sized:
            try:
                found = size_of(await self.definition(release))
            except (Refused, Silent):
                return {}
            self.sized[release] = found.as_dict() if found else {}
        return self.sized[release]

    async def names(self, release: str) -> tuple[str, ...]:
        """What the service may call itself when this release runs: the tags of its images, and the version and commit
        that their labels give. Nothing where AWS does not say."""
        if release not in self.known:
            try:
                definition = await self.definition(release)
            except (Refused, Silent):
                return ()
            self.known[release] = _names(definition)
        return self.known[release]

    async def log_places(self) -> list[LogPlace]:
        """Where the containers of the primary release write."""
        definition = await self.definition((await self.state()).primary.release)
        return [place for row in definition.get("containerDefinitions") or [] for place in _log_place(row)]

    async def update(self, **asked: object) -> None:
        """Ask for a change of the service, once."""
        if self.change is None:
            raise Refused(NO_CHANGES)
        await self.change("ecs", "update_service", **self._place, **asked)


def _names(definition: Mapping[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    for row in definition.get("containerDefinitions") or []:
        labels = row.get("dockerLabels") or {}
        found += [
            tag_of(row.get("image")),
            *(str(labels.get(f"{LABELS}.{name}", "")) for name in ("version", "revision")),
        ]
    return tuple(dict.fromkeys(name for name in found if name))


def last(arn: object) -> str:
    """The name at the end of an ARN: ``web:41`` of a task definition's."""
    return str(arn or "").rpartition("/")[2]


def _rollout(row: Mapping[str, Any]) -> tuple[bool, Rollout]:
    return row.get("status") != "PRIMARY", Rollout(
        str(row.get("id", "")),
        last(row.get("taskDefinition")),
        str(row.get("rolloutState") or ""),
        str(row.get("rolloutStateReason") or ""),
        int(row.get("desiredCount", 0)),
        int(row.get("runningCount", 0)),
        _moment(row.get("createdAt")) or datetime.fromtimestamp(0, UTC),
    )


def _task(row: Mapping[str, Any]) -> Task:
    ended = [f"{c.get('name')}: exit code {c['exitCode']}" for c in row.get("containers") or [] if c.get("exitCode")]
    return Task(
        last(row.get("taskArn")),
        last(row.get("taskDefinitionArn")),
        str(row.get("lastStatus") or ""),
        str(row.get("healthStatus") or ""),
        _moment(row.get("startedAt")),
        "; ".join(filter(None, (str(row.get("stoppedReason") or ""), *ended))),
    )


def _past(row: Mapping[str, Any], releases: Mapping[str, str]) -> Past:
    started = _moment(row.get("startedAt")) or _moment(row.get("createdAt"))
    return Past(
        last(row.get("serviceDeploymentArn")),
        releases.get(str(row.get("targetServiceRevisionArn", "")), ""),
        str(row.get("status") or ""),
        str(row.get("statusReason") or ""),
        started or datetime.fromtimestamp(0, UTC),
        _moment(row.get("finishedAt")),
    )


def _log_place(row: Mapping[str, Any]) -> list[LogPlace]:
    log = row.get("logConfiguration") or {}
    options = log.get("options") or {}
    group, prefix = options.get("awslogs-group"), options.get("awslogs-stream-prefix")
    if log.get("logDriver") != "awslogs" or not group:
        return []
    return [LogPlace(str(group), f"{prefix}/{row.get('name')}/" if prefix else "")]


def _moment(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
