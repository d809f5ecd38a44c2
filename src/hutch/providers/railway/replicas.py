"""How many replicas a Railway service should have, in which regions, and how many run.

The numbers stand in the environment's settings, by region. They are changed as Railway's own client and dashboard do
it: one patch of these settings, committed at once (docs.railway.com/cli/scale; railwayapp/cli, src/commands/scale.rs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hutch.providers.railway.calls import Operation, call
from hutch.providers.railway.client import part_of
from hutch.providers.railway.config import Config
from hutch.remote import Refused

SETTINGS = Operation(
    "read the settings of the environment",
    "EnvironmentConfig",
    "query EnvironmentConfig($id: String!) { environment(id: $id) { config(decryptVariables: false) } }",
)
INSTANCE = Operation(
    "read the service's region",
    "ServiceInstance",
    "query ServiceInstance($environmentId: String!, $serviceId: String!) {"
    " serviceInstance(environmentId: $environmentId, serviceId: $serviceId) { region numReplicas } }",
)
RUNNING = Operation(
    "read the replicas",
    "DeploymentInstances",
    "query DeploymentInstances($id: String!) { deployment(id: $id) { instances { id status } } }",
)
SCALE = Operation(
    "scale",
    "EnvironmentPatchCommit",
    "mutation EnvironmentPatchCommit($environmentId: String!, $patch: EnvironmentConfig, $message: String) {"
    " environmentPatchCommit(environmentId: $environmentId, patch: $patch, commitMessage: $message) }",
)
OVER = frozenset({"EXITED", "REMOVED", "REMOVING", "SKIPPED", "STOPPED"})
"""What an instance is that serves no more and is not meant to."""
Regions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings say. ``regions`` are Railway's own rows: a change keeps what it does not name."""

    regions: Regions

    @property
    def total(self) -> int:
        """Over all regions."""
        return sum(map(self.of, self.regions))

    def of(self, region: str) -> int:
        """In one region."""
        found = self.regions.get(region, {}).get("numReplicas")
        return found if isinstance(found, int) and not isinstance(found, bool) else 0

    def __str__(self) -> str:
        return ", ".join(f"{self.of(region)} in {region}" for region in self.regions)


async def wanted(config: Config) -> Wanted:
    """The replicas that should run. :class:`Refused` where the service is in no region that Railway names."""
    found = await call(config, SETTINGS, {"id": config.environment})
    deploy = part_of(found, "config", "services", config.service, "deploy")
    rows = part_of(deploy, "multiRegionConfig")
    regions = {str(region): row for region, row in rows.items() if isinstance(row, dict)}
    return Wanted(regions or await _first(config))


async def _first(config: Config) -> Regions:
    """One that was never spread over regions: it has the region of its instance."""
    place = {"environmentId": config.environment, "serviceId": config.service}
    found = await call(config, INSTANCE, place)
    region, number = (found.get("region"), found.get("numReplicas")) if isinstance(found, dict) else (None, None)
    if not isinstance(region, str) or not region:
        raise Refused(f"Railway does not say in which region {config.service} runs: set it in the service's settings")
    return {region: {"numReplicas": number if isinstance(number, int) else 1}}


async def instances(config: Config, deployment: str) -> list[tuple[str, str]]:
    """The id and the state of each replica of a deployment that is not over."""
    found = await call(config, RUNNING, {"id": deployment})
    rows = found.get("instances") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise Refused("Railway's answer is not of the expected form")
    pairs = [(str(row.get("id") or ""), str(row.get("status") or "")) for row in rows if isinstance(row, dict)]
    return sorted(pair for pair in pairs if pair[1] not in OVER)


async def set_number(config: Config, now: Wanted, region: str, number: int) -> None:
    """Ask, once, for that many in a region; the others stay as they are."""
    rows = {**now.regions, region: {**now.regions[region], "numReplicas": number}}
    patch = {"services": {config.service: {"deploy": {"multiRegionConfig": rows}}}}
    message = f"Scale to {number} in {region}"
    await call(config, SCALE, {"environmentId": config.environment, "patch": patch, "message": message})
