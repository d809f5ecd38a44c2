"""``POST /graphql/v2``: Railway's operations, resolved by what the replicas and the ledger are."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from graphql import GraphQLError, GraphQLResolveInfo, build_schema, graphql
from pydantic import BaseModel

from rolerabbit.platform import logs
from rolerabbit.platform.errors import PlatformError
from rolerabbit.platform.jobs import Jobs, Scaled, Variables
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.railway.view import (
    ENVIRONMENT,
    PLAN,
    PROJECT,
    REGION,
    SERVICE,
    Row,
    deployed_with,
    deployment_id,
    limited,
    merged,
    own_limits,
    replicas_of,
    rows,
    settings,
    wanted,
)
from rolerabbit.platform.settings import MAX_REPLICAS

MOST, PAGE, MOST_LINES = 100, 20, 5000
SCHEMA = build_schema(files(__package__).joinpath("schema.graphql").read_text("utf-8"))
Info = GraphQLResolveInfo[Any]
router = APIRouter(include_in_schema=False)


class Asked(BaseModel):
    """Body of the request."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None


class Yard:
    """The resolvers of the root, each by the name of its field."""

    def __init__(
        self, changes: Scaled, book: Logbook, token: str, serving: Callable[[], bool], variables: Variables
    ) -> None:
        self.token = token
        self._variables = variables
        self._changes, self._book, self._serving = changes, book, serving
        self._jobs = Jobs(changes)
        self._wanted: int | None = None
        self._made_with: dict[str, Row | None] = {}
        """The limits of deployments from before the last change of them; of the others they are those of now."""

    def root(self) -> dict[str, Any]:
        """For the executor."""
        return {
            "deployments": self._deployments,
            "deployment": lambda _info, id: self._one(id),
            "deploymentLogs": self._logs,
            "environment": lambda _info, id: self._environment(id),
            "serviceInstance": lambda _info, environmentId, serviceId: self._instance(environmentId, serviceId),
            "deploymentRollback": self._rollback,
            "deploymentRedeploy": self._redeploy,
            "deploymentRestart": self._restart,
            "environmentPatchCommit": self._scale,
            "serviceInstanceLimits": self._limits,
            "serviceInstanceLimitOverride": self._own_limits,
            "serviceInstanceLimitsUpdate": self._limit,
            "variables": self._values,
            "variableUpsert": self._upsert,
        }

    def _rows(self) -> list[Row]:
        serving = self._serving() or self._changes.busy
        found = rows(self._changes.ledger, serving, self._changes.fleet.describe())
        own = own_limits(self._changes.held)
        return [deployed_with(row, self._made_with.get(row["id"], own)) for row in found]

    def _one(self, wanted_id: str) -> Row:
        found = next((row for row in self._rows() if row["id"] == wanted_id), None)
        if found is None:
            raise GraphQLError("Deployment not found")
        return found

    def _instance(self, environment: str, service: str) -> Row:
        _here({"environmentId": environment, "serviceId": service})
        return {
            "latestDeployment": next(iter(self._rows()), None),
            "region": REGION,
            "numReplicas": self._replicas(),
        }

    def _environment(self, wanted_id: str) -> Row:
        """Its settings, as far as they are about replicas."""
        _here({"environmentId": wanted_id})
        return {"id": ENVIRONMENT, "config": lambda _info, **_: settings(self._replicas())}

    def _replicas(self) -> int:
        """How many should run: what was asked for last, while that is being done."""
        if not self._changes.busy:
            self._wanted = None
        return self._wanted or self._changes.fleet.size

    def _deployments(self, _info: Info, input: Row, first: int = PAGE, after: str | None = None) -> dict[str, Any]:
        _here(input)
        found = self._rows()
        start = next((n for n, row in enumerate(found, 1) if row["id"] == after), 0)
        page = found[start : start + min(first, MOST)]
        return {
            "edges": [{"cursor": row["id"], "node": row} for row in page],
            "pageInfo": {
                "hasNextPage": len(found) > start + len(page),
                "endCursor": page[-1]["id"] if page else None,
            },
        }

    async def _logs(
        self,
        _info: Info,
        deploymentId: str,
        limit: int = 500,
        filter: str = "",
        startDate: str | None = None,
        endDate: str | None = None,
    ) -> list[dict[str, Any]]:
        """The newest lines of the deployment's release, oldest first, until the next deployment began."""
        row, all_ = self._one(deploymentId), self._rows()
        later = all_[: all_.index(row)]
        begun = datetime.fromisoformat(row["createdAt"])
        ended = datetime.fromisoformat(later[-1]["createdAt"]) if later else datetime.now(UTC)
        text, level = wanted(filter)
        query = logs.Query(
            max(begun, datetime.fromisoformat(startDate)) if startDate else begun,
            text,
            level or None,
            None,
            MOST_LINES,
            min(ended, datetime.fromisoformat(endDate)) if endDate else ended,
        )
        lines = [line for line in await self._book.find(query) if line.release == row["release"]]
        return [_line(line, deploymentId) for line in lines[-min(limit, MOST_LINES) :]]

    async def _rollback(self, _info: Info, id: str) -> bool:
        row = self._one(id)
        self._free()
        if not row["canRollback"]:
            raise GraphQLError("Cannot roll back to this deployment")
        return bool(await self._jobs.begin(self._changes.rollback(row["release"])))

    async def _redeploy(self, _info: Info, id: str) -> Row:
        row = self._one(id)
        self._free()
        begun = await self._jobs.begin(self._changes.deploy(row["release"]))
        if not begun:
            raise GraphQLError("Problem processing request")
        return self._one(deployment_id(int(begun.removeprefix("dpl-"))))

    async def _restart(self, _info: Info, id: str) -> bool:
        self._one(id)
        self._free()
        self._jobs.start(self._changes.restart())
        return True

    async def _scale(self, _info: Info, environmentId: str, patch: Row | None = None, **_: str) -> str:
        """Settings are taken as they come, and the service is deployed again with them."""
        _here({"environmentId": environmentId})
        self._free()
        number = replicas_of(patch)
        if not 1 <= number <= MAX_REPLICAS:
            raise GraphQLError(f"Replicas must be from 1 to {MAX_REPLICAS}")
        self._wanted = number
        self._jobs.start(self._anew(number))
        await asyncio.sleep(0)
        return "committed"

    async def _anew(self, number: int) -> None:
        await self._changes.scale(number)
        await self._changes.deploy(str(self._changes.ledger.current))

    def _limits(self, _info: Info, **place: str) -> Row:
        _here(place)
        return merged(self._changes.held)

    def _own_limits(self, _info: Info, **place: str) -> Row | None:
        _here(place)
        return own_limits(self._changes.held)

    def _limit(self, _info: Info, input: Row) -> bool:
        """Held to from the next deployment on; none is made, and what is not named stays."""
        _here({name: input[name] for name in ("environmentId", "serviceId")})
        wanted = {key: value for key, value in input.items() if key in PLAN and value is not None}
        bad = next((key for key, value in wanted.items() if not 0 < value <= PLAN[key]), "")
        if bad or not wanted:
            raise GraphQLError(f"{bad or 'a limit'} must be above 0 and at most {PLAN.get(bad, 'the plan')}")
        own = own_limits(self._changes.held)
        self._made_with = {**{row["id"]: own for row in self._rows()}, **self._made_with}
        self._changes.hold(limited(self._changes.held, wanted))
        return True

    def _values(self, _info: Info, **place: str) -> dict[str, str]:
        _here(place)
        return self._variables.environment()

    async def _upsert(self, _info: Info, input: Row) -> bool:
        """Another value; without `skipDeploys` what serves is deployed again, as Railway does."""
        _here({name: input[name] for name in ("projectId", "environmentId", "serviceId")})
        try:
            self._variables.give(input["name"], input["value"])
        except PlatformError as error:
            raise GraphQLError(str(error)) from error
        if not input.get("skipDeploys"):
            self._free()
            await self._jobs.begin(self._changes.deploy(str(self._changes.ledger.current)))
        return True

    def _free(self) -> None:
        if self._changes.busy:
            raise GraphQLError("Another deployment is in progress")


async def yard_of(request: Request) -> Yard | None:
    """The resolvers, for a request that carries the token in either of Railway's headers."""
    yard: Yard = request.app.state.railway
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = bearer if scheme.lower() == "bearer" else request.headers.get("project-access-token", "")
    return yard if hmac.compare_digest(given.strip().encode(), yard.token.encode()) else None


@router.post("/graphql/v2")
async def answer(yard: Annotated[Yard | None, Depends(yard_of)], asked: Asked) -> dict[str, Any]:
    """Execute a document against the schema; errors come with status 200, as Railway's do."""
    if yard is None:
        return {"errors": [{"message": "Not Authorized"}], "data": None}
    result = await graphql(
        SCHEMA, asked.query, yard.root(), variable_values=asked.variables, operation_name=asked.operationName
    )
    return {"data": result.data, **({"errors": [e.formatted for e in result.errors]} if result.errors else {})}


def add_to(app: FastAPI, yard: Yard) -> None:
    """Let the application answer this path too."""
    app.state.railway = yard
    app.include_router(router)


def _here(place: Row) -> None:
    own = {"projectId": PROJECT, "environmentId": ENVIRONMENT, "serviceId": SERVICE}
    if any(value and value != own[name] for name, value in place.items()):
        raise GraphQLError("Not Authorized")


def _line(line: logs.Line, deployment: str) -> dict[str, Any]:
    level = line.level or "info"
    return {
        "timestamp": line.time.isoformat(),
        "message": line.text,
        "severity": level,
        "tags": {"deploymentId": deployment, "deploymentInstanceId": line.replica},
        "attributes": [{"key": "level", "value": level}],
    }
