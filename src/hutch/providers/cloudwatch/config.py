"""The settings of a CloudWatch target, and the metrics that they ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting("region", "text", "AWS region, such as eu-central-1", required=True),
    Setting("rds", "text", "identifier of the RDS instance: gives db_cpu, db_connections", default=""),
    Setting("ecs_cluster", "text", "name of the ECS cluster of `ecs_service`", default=""),
    Setting("ecs_service", "text", "name of the ECS service: gives cpu, memory", default=""),
    Setting("load_balancer", "text", "the end of an application load balancer's ARN (app/NAME/ID): gives request_rate, "
            "error_rate, p50_response_time, p95_response_time, p99_response_time", default=""),
    Setting("metrics", "map", "more built-in signals by name: `NAMESPACE METRIC STATISTIC DIMENSION=VALUE …`"),
    Setting("access_key_id", "secret", "AWS key for reading (cloudwatch:GetMetricData); without it the machine's own"),
    Setting("secret_access_key", "secret", "the secret of that key"),
    Setting("endpoint", "text", "another address of the service, for tests and VPC endpoints", default=""),
    Setting("every", "float", "seconds between two queries: AWS bills each", default=60.0),
    Setting("delay", "float", "seconds that AWS' newest value may be old and still count as now", default=300.0),
    Setting("timeout", "float", "seconds to wait for an answer", default=5.0),
)  # fmt: skip

_METRIC = re.compile(r"(\S+)\s+(\S+)\s+(\S+)((?:\s+[^\s=]+=\S+)*)")
_STATISTIC = re.compile(r"Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of CloudWatch. ``scale`` makes its value the signal's; ``of`` is another one to divide it by."""

    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...] = ()
    scale: float = 1.0
    of: Metric | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them; ``metrics`` by the signal that each gives. The keys never show."""

    region: str
    metrics: Mapping[str, Metric]
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    endpoint: str
    every: float
    delay: float
    timeout: float


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    texts = {name: str(values[name] or "") for name in ("region", "rds", "ecs_cluster", "ecs_service", "load_balancer")}
    if bool(texts["ecs_cluster"]) != bool(texts["ecs_service"]):
        raise ValueError("cloudwatch: ecs_cluster and ecs_service go together")
    if bool(values["access_key_id"]) != bool(values["secret_access_key"]):
        raise ValueError("cloudwatch: access_key_id and secret_access_key go together")
    return Config(
        region=texts["region"],
        metrics={**_known(texts), **_own(values["metrics"])},
        access_key_id=str(values["access_key_id"] or ""),
        secret_access_key=str(values["secret_access_key"] or ""),
        endpoint=str(values["endpoint"] or ""),
        every=above_zero("cloudwatch", values, "every"),
        delay=above_zero("cloudwatch", values, "delay"),
        timeout=above_zero("cloudwatch", values, "timeout"),
    )


def metric(text: str) -> Metric:
    """``AWS/SQS ApproximateNumberOfMessagesVisible Maximum QueueName=jobs``. Raises ``ValueError``."""
    found = _METRIC.fullmatch(text.strip())
    if not found or not _STATISTIC.fullmatch(found[3]):
        raise ValueError(
            f"cannot read the metric {text!r}; write NAMESPACE METRIC STATISTIC DIMENSION=VALUE …, the statistic "
            "one of Average Sum Minimum Maximum SampleCount p95"
        )
    pairs = (part.partition("=") for part in found[4].split())
    return Metric(found[1], found[2], found[3], tuple((name, value) for name, _, value in pairs))


def _known(texts: Mapping[str, str]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    if texts["rds"]:
        instance = (("DBInstanceIdentifier", texts["rds"]),)
        found["db_cpu"] = Metric("AWS/RDS", "CPUUtilization", "Average", instance)
        found["db_connections"] = Metric("AWS/RDS", "DatabaseConnections", "Average", instance)
    if texts["ecs_service"]:
        place = (("ClusterName", texts["ecs_cluster"]), ("ServiceName", texts["ecs_service"]))
        found["cpu"] = Metric("AWS/ECS", "CPUUtilization", "Average", place)
        found["memory"] = Metric("AWS/ECS", "MemoryUtilization", "Average", place)
    if texts["load_balancer"]:
        found |= _balancer((("LoadBalancer", texts["load_balancer"]),))
    return found


def _balancer(place: tuple[tuple[str, str], ...]) -> dict[str, Metric]:
    def of(name: str, statistic: str, scale: float = 1.0, divisor: Metric | None = None) -> Metric:
        return Metric("AWS/ApplicationELB", name, statistic, place, scale, divisor)

    times = {f"p{n}_response_time": of("TargetResponseTime", f"p{n}", 1000.0) for n in (50, 95, 99)}
    errors = of("HTTPCode_Target_5XX_Count", "Sum", 100.0, of("RequestCount", "Sum"))
    return {"request_rate": of("RequestCount", "Sum", 1 / 60), "error_rate": errors, **times}


def _own(value: object) -> dict[str, Metric]:
    if value in (None, ()):
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"cloudwatch: metrics must map signals to metrics, not {value!r}")
    try:
        return {str(name): metric(str(text)) for name, text in value.items()}
    except ValueError as error:
        raise ValueError(f"cloudwatch: metrics: {error}") from None
