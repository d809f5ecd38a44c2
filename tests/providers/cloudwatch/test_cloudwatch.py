"""The CloudWatch provider against moto's server, and its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hutch.detection.history import History
from hutch.detection.signals import SIGNALS
from hutch.model.finding import Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.cloudwatch import provider
from hutch.providers.cloudwatch.client import Client
from hutch.providers.cloudwatch.config import Metric, config_from, metric
from hutch.testing import check_provider

KEYS = {"access_key_id": "testing-key-id", "secret_access_key": "testing-secret"}
BALANCER = "app/shop/50dc6c495c0c9188"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(endpoint: str) -> Any:
    return boto3.client(
        "cloudwatch",
        region_name="eu-central-1",
        endpoint_url=endpoint,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


@dataclass
class Clock:
    """Now, and whatever later the test says."""

    ahead: timedelta = field(default=timedelta(0))

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def opened(endpoint: str, clock: Clock | None = None, **settings: object) -> Connection:
    given = {s.name: s.default for s in provider.settings} | {"region": "eu-central-1", "endpoint": endpoint, **KEYS}
    return provider.open(TargetConfig("shop", given | settings, clock or Clock()))


def put(aws: Any, namespace: str, name: str, value: float, minutes_ago: float = 2, **dimensions: str) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    pairs = [{"Name": k, "Value": v} for k, v in dimensions.items()]
    data = {"MetricName": name, "Dimensions": pairs, "Timestamp": at, "Value": value}
    aws.put_metric_data(Namespace=namespace, MetricData=[data])


async def values(connection: Connection) -> dict[str, float | None]:
    history = History()
    assert connection.scrape
    history.add(await connection.scrape())
    return {name: spec.value(history, datetime.now(UTC)) for name, spec in SIGNALS.items()}


async def test_rds_and_ecs_give_their_signals(endpoint: str, aws: Any) -> None:
    put(aws, "AWS/RDS", "CPUUtilization", 91.5, DBInstanceIdentifier="shop-db")
    put(aws, "AWS/RDS", "DatabaseConnections", 40, DBInstanceIdentifier="shop-db")
    put(aws, "AWS/RDS", "CPUUtilization", 3, DBInstanceIdentifier="other-db")
    put(aws, "AWS/ECS", "MemoryUtilization", 70, ClusterName="c", ServiceName="api")
    found = await values(opened(endpoint, rds="shop-db", ecs_cluster="c", ecs_service="api"))
    assert (found["db_cpu"], found["db_connections"], found["memory"]) == (91.5, 40, 70)
    assert found["cpu"] is None, "what CloudWatch does not have is no data, not zero"


async def balanced(endpoint: str, name: str) -> list[float | None]:
    """Request rate and error rate of a load balancer; moto knows no percentiles, so its times are not asked for."""
    config = config_from({"region": "eu-central-1", "endpoint": endpoint, "load_balancer": name, **KEYS})
    found = await Client(config).newest([config.metrics[s] for s in ("request_rate", "error_rate")], datetime.now(UTC))
    return [value and value[1] for value in found]  # type: ignore[misc]


async def test_a_load_balancer_gives_rates_ready(endpoint: str, aws: Any) -> None:
    for name, value in (("RequestCount", 600), ("HTTPCode_Target_5XX_Count", 30)):
        put(aws, "AWS/ApplicationELB", name, value, LoadBalancer=BALANCER)
    assert await balanced(endpoint, BALANCER) == [10.0, 5.0]


async def test_without_requests_there_is_no_error_rate_and_without_errors_it_is_zero(endpoint: str, aws: Any) -> None:
    assert await balanced(endpoint, "app/quiet/1") == [None, None]
    put(aws, "AWS/ApplicationELB", "RequestCount", 60, LoadBalancer="app/quiet/1")
    assert await balanced(endpoint, "app/quiet/1") == [1.0, 0.0]


def test_a_load_balancers_times_are_milliseconds() -> None:
    found = config_from({"region": "x", "load_balancer": BALANCER}).metrics["p95_response_time"]
    assert (found.name, found.statistic, found.scale) == ("TargetResponseTime", "p95", 1000.0)


async def test_what_is_old_is_no_data(endpoint: str, aws: Any) -> None:
    put(aws, "AWS/RDS", "CPUUtilization", 50, minutes_ago=20, DBInstanceIdentifier="old-db")
    assert (await values(opened(endpoint, rds="old-db")))["db_cpu"] is None
    put(aws, "AWS/RDS", "CPUUtilization", 50, DBInstanceIdentifier="ageing-db")
    clock = Clock()
    connection = opened(endpoint, clock, rds="ageing-db")
    assert connection.scrape and [s.name for s in await connection.scrape()] == ["db_cpu"]
    clock.ahead = timedelta(minutes=10)
    assert await connection.scrape() == []


async def test_aws_is_asked_no_more_often_than_it_says(endpoint: str, aws: Any) -> None:
    put(aws, "AWS/RDS", "CPUUtilization", 10, DBInstanceIdentifier="rare-db")
    clock = Clock()
    connection = opened(endpoint, clock, rds="rare-db", every=60)
    assert connection.scrape
    first = await connection.scrape()
    put(aws, "AWS/RDS", "CPUUtilization", 99, minutes_ago=1, DBInstanceIdentifier="rare-db")
    assert [s.value for s in await connection.scrape()] == [s.value for s in first]
    clock.ahead = timedelta(seconds=61)
    assert [s.value for s in await connection.scrape()] == [99]


async def test_a_metric_of_ones_own_and_the_check(endpoint: str, aws: Any) -> None:
    put(aws, "AWS/SQS", "ApproximateNumberOfMessagesVisible", 7, QueueName="jobs")
    connection = opened(endpoint, rds="absent-db")
    asked = connection.ask["cloudwatch"]
    assert await asked("AWS/SQS ApproximateNumberOfMessagesVisible Maximum QueueName=jobs") == 7
    assert await asked("AWS/SQS ApproximateNumberOfMessagesVisible Maximum QueueName=none") is None
    with pytest.raises(ValueError, match="cannot read the metric"):
        await asked("jobs")
    finding = await connection.checks["cloudwatch.reachable"]()
    assert finding.status is Status.WARN and "no recent db_cpu" in finding.summary and not finding.matters


async def test_a_service_that_is_not_there_gives_nothing_and_is_said() -> None:
    connection = opened("http://127.0.0.1:1", rds="x", timeout=0.5)
    assert connection.scrape and await connection.scrape() == []
    finding = await connection.checks["cloudwatch.reachable"]()
    assert finding.status is Status.UNKNOWN and "does not answer" in finding.summary
    with pytest.raises(ValueError, match="does not answer"):
        await connection.ask["cloudwatch"]("A B Sum")


async def test_it_keeps_the_contract_and_its_secrets() -> None:
    settings = {"region": "eu-central-1", "endpoint": "http://127.0.0.1:1", "rds": "x", "timeout": 0.2, **KEYS}
    await check_provider(provider, settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ecs_service": "x"}, "ecs_cluster and ecs_service go together"),
        ({"access_key_id": "x"}, "access_key_id and secret_access_key go together"),
        ({"metrics": {"db_cpu": "AWS/RDS CPU"}}, "metrics: cannot read the metric"),
        ({"every": 0}, "every must be a number above 0"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config_from({"region": "x", **settings})


def test_metrics_are_read() -> None:
    assert metric("A/B C p99.9 X=1 Y=a=b") == Metric("A/B", "C", "p99.9", (("X", "1"), ("Y", "a=b")))
