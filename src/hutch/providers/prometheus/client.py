"""Asks a Prometheus server one query at a time. Bounded in time and size; what it answers is not trusted."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from hutch.providers.prometheus.config import Config

MAX_BODY = 16 * 1024 * 1024
"""Bytes of an answer that are read."""
DENIED = (401, 403)
"""What the door before a Prometheus answers; it has none of its own."""


class PrometheusError(Exception):
    """No usable answer; the text says why, without any secret."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels and its values with their times (seconds since 1970), oldest first."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.points[-1][1]


class Client:
    """One server. A connection for each query: nothing is held while nobody asks."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def query(self, text: str) -> list[Series]:
        """The answer to an instant query: a vector, a matrix or a scalar. Raises :class:`PrometheusError`."""
        return list(_series(await self._ask("/api/v1/query", {"query": text})))

    async def _ask(self, path: str, form: Mapping[str, str]) -> object:
        config = self._config
        headers = {"Authorization": f"Bearer {config.token}"} if config.token else {}
        try:
            async with (
                asyncio.timeout(config.timeout),
                aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), headers=headers) as session,
                session.post(config.url + path, data=form, allow_redirects=False) as response,
            ):
                body = await _body(response)
                return _data(response.status, body)
        except TimeoutError:
            raise PrometheusError(f"{config.host}: no answer within {config.timeout:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            reason = getattr(getattr(error, "os_error", None), "strerror", "") or type(error).__name__
            raise PrometheusError(f"{config.host}: no connection: {reason}") from None
        except PrometheusError as error:
            raise PrometheusError(f"{config.host}: {error}") from None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(65536):
        size += len(part)
        if size > MAX_BODY:
            raise PrometheusError(f"more than {MAX_BODY // 1024 // 1024} MB: narrow the query or `match`")
        parts.append(part)
    return b"".join(parts)


def _data(status: int, body: bytes) -> object:
    if status in DENIED:
        raise PrometheusError(f"answers {status}: the token is wrong, has expired, or has not the right to query")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise PrometheusError(f"answers {status} with what is not JSON: is it a Prometheus server?") from None
    if not isinstance(answer, dict) or answer.get("status") != "success":
        said = answer.get("error") if isinstance(answer, dict) else None
        raise PrometheusError(f"answers {status}: {str(said or 'no reason given')[:300]}")
    return answer.get("data")


def _series(data: object) -> Iterator[Series]:
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, dict) else (None, None)
    try:
        if kind == "scalar":
            yield Series({}, (_point(result),))
        elif kind in ("vector", "matrix") and isinstance(result, list):
            for row in result:
                points = row["values"] if kind == "matrix" else [row["value"]]
                yield Series({str(k): str(v) for k, v in row["metric"].items()}, tuple(_point(p) for p in points))
        else:
            raise PrometheusError(f"answers with a {kind or 'result of no kind'}, which is no number")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise PrometheusError("answers in a form that is not Prometheus'") from None


def _point(pair: Any) -> tuple[float, float]:
    at, value = pair
    if not isinstance(at, int | float) or not math.isfinite(at):
        raise ValueError("no time")
    return float(at), float(value)
