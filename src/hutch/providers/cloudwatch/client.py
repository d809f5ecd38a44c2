"""Asks CloudWatch for the newest values of some metrics, in one call, in a thread: boto3 waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config as Botocore
from botocore.exceptions import BotoCoreError, ClientError

from hutch.providers.cloudwatch.config import Config, Metric

PERIOD = 60
"""Seconds that one value is about."""

Newest = tuple[datetime, float]
"""The end of the time that a value is about, and the value."""


class CloudWatchError(Exception):
    """No usable answer; the text says why, without any secret. ``throttled``: the same call may succeed later."""

    def __init__(self, message: str, throttled: bool = False) -> None:
        super().__init__(message)
        self.throttled = throttled


class Client:
    """One region of one account. The session is made at the first call."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._client: Any = None
        self._making = asyncio.Lock()

    async def newest(self, metrics: Sequence[Metric], now: datetime) -> list[Newest | None]:
        """The newest value of each within the last ``delay``; None where there is none. Raises
        :class:`CloudWatchError`."""
        async with self._making:  # one call at a time: AWS throttles by the second
            try:
                return await asyncio.to_thread(self._newest, metrics, now)
            except ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", "error"))
                raise CloudWatchError(_refused(code), "Throttl" in code) from None
            except (BotoCoreError, OSError, ValueError) as error:
                raise CloudWatchError(f"CloudWatch does not answer: {type(error).__name__}") from None

    def _newest(self, metrics: Sequence[Metric], now: datetime) -> list[Newest | None]:
        asked = {id_: part for n, m in enumerate(metrics) for id_, part in _parts(n, m)}
        begin = now - timedelta(seconds=self._config.delay + 2 * PERIOD)
        answer = self._opened().get_metric_data(
            MetricDataQueries=[_query(id_, part) for id_, part in asked.items()],
            StartTime=begin,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        oldest = now - timedelta(seconds=self._config.delay)
        values = {row["Id"]: _values(row, oldest) for row in answer["MetricDataResults"]}
        return [_combined(n, m, values) for n, m in enumerate(metrics)]

    def _opened(self) -> Any:
        if self._client is None:
            config = self._config
            own = {"aws_access_key_id": config.access_key_id, "aws_secret_access_key": config.secret_access_key}
            limits = Botocore(
                connect_timeout=config.timeout, read_timeout=config.timeout, retries={"total_max_attempts": 1}
            )
            session = boto3.session.Session(region_name=config.region, **(own if config.access_key_id else {}))
            self._client = session.client("cloudwatch", endpoint_url=config.endpoint or None, config=limits)
        return self._client


def _refused(code: str) -> str:
    """What a refusal means, without what AWS says beside its code: that may show parts of the request."""
    if code.startswith(("AccessDenied", "Unauthorized")):
        return f"cloudwatch:GetMetricData: the key has not the right to it ({code})"
    return f"CloudWatch refuses: {code}"


def _parts(number: int, metric: Metric) -> Iterator[tuple[str, Metric]]:
    yield f"m{number}", metric
    if metric.of:
        yield f"d{number}", metric.of


def _query(id_: str, metric: Metric) -> dict[str, object]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    what = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": id_, "MetricStat": {"Metric": what, "Period": PERIOD, "Stat": metric.statistic}, "ReturnData": True}


def _values(row: Mapping[str, Any], oldest: datetime) -> dict[datetime, float]:
    """By the end of the time that each is about, the newest first."""
    pairs = zip(row["Timestamps"], row["Values"], strict=True)
    ends = ((at + timedelta(seconds=PERIOD), float(value)) for at, value in pairs)
    return {at: value for at, value in sorted(ends, reverse=True) if at >= oldest}


def _combined(number: int, metric: Metric, values: Mapping[str, Mapping[datetime, float]]) -> Newest | None:
    """The newest; of a quotient the newest that has a divisor. CloudWatch leaves out a count of zero."""
    own, divisors = values.get(f"m{number}", {}), values.get(f"d{number}", {})
    if metric.of is None:
        at = next(iter(own), None)
        return None if at is None else (at, own[at] * metric.scale)
    at = next((end for end, count in divisors.items() if count > 0), None)
    return None if at is None else (at, own.get(at, 0.0) / divisors[at] * metric.scale)
