"""What the programs of RoleRabbit's own runbooks stand for on each platform, as a team would bind them."""

from __future__ import annotations

from collections.abc import Mapping

_UPDATE = "aws ecs update-service --cluster rolerabbit-cluster --service rolerabbit-api"
_TELL = {
    "aws ecs list-services": "action:service.status ...",
    "aws ecs describe-services": "action:service.status ...",
    "aws ecs list-task-definitions": "action:deploy.list ...",
    "aws ecs wait services-stable": "action:service.status ...",
}
_SCALE = {f"{_UPDATE} --desired-count": "action:service.scale replicas=$1"}
_RDS = {"aws rds modify-db-instance": "manual: the console of the database's provider, Compute"}
_ECS = {
    **_TELL,
    **_SCALE,
    **_RDS,
    f"{_UPDATE} --task-definition": "action:deploy.rollback to=$1",
    f"{_UPDATE} --force-new-deployment": "action:service.restart",
}

BINDS: Mapping[str, Mapping[str, str]] = {
    "local": {**_ECS, "aws ecs register-task-definition": "action:service.scale replicas=5 pool_size=4 ..."},
    "ecs": {**_ECS, "aws ecs register-task-definition": "manual: ECS, Task definitions, Create new revision"},
    "vercel": {
        "vercel ls": "action:deploy.list",
        "vercel logs": "action:logs.search ...",
        "vercel deployments ls": "action:deploy.list ...",
        "vercel rollback": "action:deploy.rollback to=$1",
        "vercel --prod": "action:service.restart",
        f"{_UPDATE} --desired-count": "manual: nothing to do, Vercel scales by itself",
        "aws ecs register-task-definition": "action:service.scale memory_gb=4 ...",
        **_RDS,
    },
    "railway": {
        "railway status": "action:service.status",
        "railway logs": "action:logs.search",
        "railway rollback": "action:deploy.rollback to=$1",
        "railway restart": "action:service.restart",
        "railway deployments": "action:deploy.list",
        "railway scale --replicas": "action:service.scale replicas=$1",
        "aws ecs register-task-definition": "action:service.scale vcpus=1 memory_gb=2 ...",
        f"{_UPDATE} --desired-count 1": "action:service.scale replicas=1",
        **_RDS,
    },
}
"""By the key of the service's platform block. What a platform has no verb for is a person's, with the place."""
