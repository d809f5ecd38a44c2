"""``POST /``: the verbs of ECS by which one service is looked at and changed, and the search of its logs."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from rolerabbit.platform import logs
from rolerabbit.platform.ecs import view
from rolerabbit.platform.ecs.sign import signed_by
from rolerabbit.platform.jobs import Jobs, Registered
from rolerabbit.platform.logbook import Logbook

MOST_LINES = 5000
PAGE = 1000
JSON = "application/x-amz-json-1.1"
Asked = dict[str, Any]
router = APIRouter(include_in_schema=False)


class Refused(Exception):
    """Amazon's form of a refusal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Service:
    """Answers each verb by the name that it has in ``X-Amz-Target``."""

    def __init__(self, control: Registered, book: Logbook, token: str) -> None:
        self.token = token
        self._control, self._book = control, book
        self._jobs = Jobs(control)
        self._wanted: int | None = None
        self.verbs: dict[str, Callable[[Asked], Awaitable[Asked]]] = {
            "DescribeServices": self._services,
            "ListTasks": self._list_tasks,
            "DescribeTasks": self._tasks,
            "ListServiceDeployments": self._deployments,
            "DescribeServiceRevisions": self._revisions,
            "DescribeTaskDefinition": self._definition,
            "RegisterTaskDefinition": self._register,
            "UpdateService": self._update,
            "FilterLogEvents": self._logs,
        }

    async def _services(self, asked: Asked) -> Asked:
        if asked.get("cluster") != view.CLUSTER or view.SERVICE not in asked.get("services", []):
            return {"services": [], "failures": [{"reason": "MISSING"}]}
        if not self._control.busy:
            self._wanted = None
        wanted = self._wanted or self._control.fleet.size
        return {"services": [view.service(self._control.ledger, self._control.fleet.describe(), wanted)]}

    async def _list_tasks(self, asked: Asked) -> Asked:
        return {"taskArns": [row["taskArn"] for row in self._of(str(asked.get("desiredStatus", "RUNNING")))]}

    async def _tasks(self, asked: Asked) -> Asked:
        rows = [*self._of("RUNNING"), *self._of("STOPPED")]
        return {"tasks": [row for row in rows if row["taskArn"] in asked.get("tasks", [])]}

    def _of(self, status: str) -> list[view.Row]:
        return view.tasks(self._control.ledger, self._control.fleet.describe(), status)

    async def _deployments(self, asked: Asked) -> Asked:
        rows, start = view.past(self._control.ledger), int(asked.get("nextToken") or 0)
        end = start + min(int(asked.get("maxResults") or 20), 100)
        return {"serviceDeployments": rows[start:end], **({"nextToken": str(end)} if end < len(rows) else {})}

    async def _revisions(self, asked: Asked) -> Asked:
        arns = asked.get("serviceRevisionArns", [])
        named = {arn: f"{view.ARN}task-definition/{arn.rpartition('/')[2]}" for arn in arns}
        return {"serviceRevisions": [{"serviceRevisionArn": a, "taskDefinition": name} for a, name in named.items()]}

    async def _definition(self, asked: Asked) -> Asked:
        name = str(asked.get("taskDefinition", "")).rpartition("/")[2]
        release = self._control.ledger.release(self._release(name))
        return {"taskDefinition": view.definition(name, release), "tags": []}

    async def _register(self, asked: Asked) -> Asked:
        """A revision of a release's code, with the size that its replicas are held to."""
        images = [str(row.get("image")) for row in asked.get("containerDefinitions", [])]
        known = {f"{view.IMAGE}:{release.id}": release for release in self._control.ledger.releases}
        release = known.get(images[0]) if len(images) == 1 else None
        sizes = [str(asked.get(name, "")) for name in view.SIZED]
        if asked.get("family") != view.FAMILY or release is None:
            raise Refused("ClientException", f"only {view.FAMILY} with one container of a known image is done here")
        if not all(size.isascii() and size.isdigit() for size in sizes):
            raise Refused("ClientException", "No Fargate configuration exists for given values.")
        id_, env = view.sized(self._control.ledger, release, asked)
        await self._control.register(id_, f"{release.id} of another size", env)
        name = view.name_of(self._control.ledger, id_)
        return {"taskDefinition": view.definition(name, self._control.ledger.release(id_)), "tags": []}

    def _release(self, name: str) -> str:
        found = view.release_of(self._control.ledger, name)
        if not found:
            raise Refused("ClientException", "Unable to describe task definition.")
        return found

    async def _update(self, asked: Asked) -> Asked:
        if self._control.busy:
            raise Refused("InvalidParameterException", "Another change of this service is in progress here")
        wanted, name = asked.get("desiredCount"), asked.get("taskDefinition")
        ledger = self._control.ledger
        if isinstance(wanted, int) and wanted != self._control.fleet.size:
            self._wanted = wanted
            self._jobs.start(self._control.scale(wanted))
        elif name or asked.get("forceNewDeployment"):
            release = self._release(str(name)) if name else str(ledger.current)
            before = {d.release for d in ledger.deployments if d.status == "succeeded"} - {ledger.current}
            work = self._control.rollback if release in before else self._control.deploy
            if not await self._jobs.begin(work(release)):
                raise Refused("ServerException", "The change could not begin")
        return {"service": {"serviceName": view.SERVICE}}

    async def _logs(self, asked: Asked) -> Asked:
        """A page of what was logged, oldest first. Each replica is a stream."""
        if asked.get("logGroupName") != view.GROUP:
            raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
        start, end = (datetime.fromtimestamp(int(asked.get(k) or 0) / 1000, UTC) for k in ("startTime", "endTime"))
        pattern = re.compile(str(asked.get("filterPattern") or "").strip("%"))
        prefix, at = str(asked.get("logStreamNamePrefix") or ""), int(asked.get("nextToken") or 0)
        lines = await self._book.find(logs.Query(start, "", None, None, MOST_LINES, end))
        rows = [row for row in map(_event, lines) if row["logStreamName"].startswith(prefix)]
        rows = [row for row in rows if pattern.search(row["message"])]
        more = {"nextToken": str(at + PAGE)} if len(rows) > at + PAGE else {}
        return {"events": rows[at : at + PAGE], **more}


@router.post("/")
async def answer(request: Request) -> JSONResponse:
    """One verb; what refuses comes with status 400 and a type, as Amazon's refusals do."""
    service: Service = request.app.state.ecs
    body = await request.body()
    verb = request.headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        if not signed_by(service.token, "/", dict(request.headers), body):
            raise Refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        if verb not in service.verbs:
            raise Refused("UnknownOperationException", f"{verb or 'nothing'} is not done here")
        return JSONResponse(await service.verbs[verb](json.loads(body or b"{}")), media_type=JSON)
    except Refused as error:
        return JSONResponse({"__type": error.code, "message": str(error)}, 400, media_type=JSON)


def add_to(app: FastAPI, service: Service) -> None:
    """Let the application answer these verbs too."""
    app.state.ecs = service
    app.include_router(router)


def _event(line: logs.Line) -> dict[str, Any]:
    stream = f"{view.PREFIX}/{view.CONTAINER}/{line.replica}"
    return {"timestamp": int(line.time.timestamp() * 1000), "message": line.text, "logStreamName": stream}
