"""The ledger and the replicas as ECS tells them: task definitions, deployments, tasks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rolerabbit.platform.ledger import Deployment, Ledger, Release

REGION, CLUSTER, SERVICE, FAMILY = "eu-central-1", "rolerabbit-cluster", "rolerabbit-api", "rolerabbit-api"
IMAGE = "rolerabbit"
GROUP, PREFIX, CONTAINER = "/ecs/rolerabbit", "ecs", "app"
ARN = f"arn:aws:ecs:{REGION}:000000000000:"
STATES = {"running": "IN_PROGRESS", "succeeded": "SUCCESSFUL", "failed": "ROLLBACK_SUCCESSFUL"}
SIZED = {"cpu": "RR_CPU_UNITS", "memory": "RR_MEMORY_MB"}
"""What holds a replica to a revision's size."""
FIRST_SIZE = {"cpu": "1024", "memory": "2048"}
"""What a revision tells that nobody has sized; no replica is held to it."""
OF = "RR_IMAGE_TAG"
"""The release whose code a sized revision runs."""
Row = dict[str, Any]


def name_of(ledger: Ledger, release: str) -> str:
    """The task definition of a release: its revision is the place of the release among those registered."""
    number = next((n for n, known in enumerate(ledger.releases, 1) if known.id == release), 0)
    return f"{FAMILY}:{number}"


def release_of(ledger: Ledger, name: str) -> str:
    """The release of a task definition, by its name or ARN; empty where there is none."""
    family, _, number = name.rpartition("/")[2].partition(":")
    known = {f"{FAMILY}:{n}": release.id for n, release in enumerate(ledger.releases, 1)}
    return known.get(f"{family}:{number}", "")


def service(ledger: Ledger, replicas: Sequence[Row], wanted: int) -> Row:
    """The service now: while a deployment goes on it is the primary one, and the one before still runs."""
    done = [d for d in ledger.deployments if d.status == "succeeded"]
    last = ledger.deployments[-1:]
    under_way = [d for d in last if d.status == "running"]
    rows = [_rollout(ledger, d, replicas, wanted, d in under_way) for d in (*under_way, *done[-1:])]
    for number, row in enumerate(rows):
        row["status"] = "ACTIVE" if number else "PRIMARY"
    return {
        "serviceName": SERVICE,
        "status": "ACTIVE",
        "taskDefinition": rows[0]["taskDefinition"] if rows else "",
        "desiredCount": wanted,
        "runningCount": sum(r["state"] == "ready" for r in replicas),
        "deployments": rows,
    }


def _rollout(ledger: Ledger, entry: Deployment, replicas: Sequence[Row], wanted: int, going_on: bool) -> Row:
    same = [r for r in replicas if r["release"] == entry.release and r["state"] == "ready"]
    return {
        "id": f"ecs-svc/{entry.id}",
        "taskDefinition": f"{ARN}task-definition/{name_of(ledger, entry.release)}",
        "desiredCount": wanted,
        "runningCount": len(same) if not going_on else 0,
        "rolloutState": "IN_PROGRESS" if going_on else "COMPLETED",
        "createdAt": seconds(entry.started_at),
    }


def past(ledger: Ledger) -> list[Row]:
    """The service's deployments, the newest first."""
    return [
        {
            "serviceDeploymentArn": f"{ARN}service-deployment/{CLUSTER}/{SERVICE}/{entry.id}",
            "targetServiceRevisionArn": f"{ARN}service-revision/{name_of(ledger, entry.release)}",
            "createdAt": seconds(entry.started_at),
            "startedAt": seconds(entry.started_at),
            **({"finishedAt": seconds(entry.finished_at)} if entry.finished_at else {}),
            "status": STATES[entry.status],
            "statusReason": entry.reason,
        }
        for entry in reversed(ledger.deployments)
    ]


def tasks(ledger: Ledger, replicas: Sequence[Row], status: str) -> list[Row]:
    """The replicas that should run, or the last end of each that was started again."""
    return [
        {
            "taskArn": f"{ARN}task/{CLUSTER}/{row['replica']}" + (f"-{row['restarts']}" if status == "STOPPED" else ""),
            "taskDefinitionArn": f"{ARN}task-definition/{name_of(ledger, row['release'])}",
            "lastStatus": status if status == "STOPPED" else "RUNNING" if row["state"] == "ready" else "PENDING",
            **({"startedAt": seconds(row["started_at"])} if row.get("started_at") else {}),
            **({"stoppedReason": "Essential container in task exited"} if status == "STOPPED" else {}),
        }
        for row in replicas
        if status != "STOPPED" or row["restarts"]
    ]


def tag_of(release: Release) -> str:
    """The tag of its image."""
    return dict(release.env).get(OF, release.id)


def sized(ledger: Ledger, release: Release, size: Row) -> tuple[str, dict[str, str]]:
    """The id and the environment of a revision of that release with another size."""
    own = {variable: str(size[name]) for name, variable in SIZED.items()}
    tag = tag_of(release)
    return f"{tag}.{len(ledger.releases) + 1}", {**dict(release.env), **own, OF: tag}


def definition(name: str, release: Release) -> Row:
    """A task definition, as far as it tells how large its tasks are, what its container runs, and where that logs."""
    options = {"awslogs-group": GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": PREFIX}
    log = {"logDriver": "awslogs", "options": options}
    container = {"name": CONTAINER, "image": f"{IMAGE}:{tag_of(release)}", "logConfiguration": log}
    arn = f"{ARN}task-definition/{name}"
    env = dict(release.env)
    size = {key: env.get(variable, FIRST_SIZE[key]) for key, variable in SIZED.items()}
    return {
        "taskDefinitionArn": arn,
        "family": FAMILY,
        "revision": int(name.rpartition(":")[2]),
        "status": "ACTIVE",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        **size,
        "containerDefinitions": [container],
    }


def seconds(moment: str) -> float:
    """Seconds since 1970 of an ISO 8601 text."""
    return datetime.fromisoformat(moment).timestamp()
