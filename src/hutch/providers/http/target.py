"""Puts one HTTP target together."""

from __future__ import annotations

from hutch.ports import Check, Connection, TargetConfig
from hutch.providers.http import request
from hutch.providers.http.checks import Eye
from hutch.providers.http.config import config_from
from hutch.providers.http.curl import run


def connect(target: TargetConfig) -> Connection:
    """The checks that the settings allow, the scrape, ``curl`` and requests. Nothing connects before its first use."""
    eye = Eye(target.service, config_from(target.settings), target.now)
    checks: dict[str, Check] = {}
    if eye.config.health:
        checks["http.health"] = eye.health
    if eye.config.metrics:
        checks["http.requests"] = eye.requests
    scraped = eye.scrape if checks else None
    return Connection(
        target=eye.host,
        checks=checks,
        runs={"curl": run, "http": request.run},
        scrape=scraped,
        scrape_within=eye.config.timeout + 1,
    )
