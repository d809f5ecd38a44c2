"""What ``hutch rules check`` says of rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hutch.commands import rules
from hutch.commands.context import Context, Service
from hutch.commands.rules import Checked
from hutch.model.action import Sample
from hutch.model.alert import Condition, Rule
from hutch.model.config import Config, ServiceConfig
from hutch.model.severity import Severity
from hutch.ports import Connection, Scrape
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

AT = datetime(2026, 1, 15, tzinfo=UTC)
RULE = Rule("Errors", Condition("error_rate", ">", 5.0, "%"), timedelta(minutes=5), Severity.SEV2, 7)
CPU = Rule("CPU", Condition("db_cpu", ">", 5.0, "%"), timedelta(minutes=5), Severity.SEV2, 9)


def context(*scrapes: Scrape) -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    connections = {f"c{n}": Connection(f"target {n}", scrape=scrape) for n, scrape in enumerate(scrapes)}
    shop = Service(ServiceConfig("shop"), connections)
    config = Config(rules=(RULE, CPU), services={"shop": shop.config})
    return Context(config, Path(), store, MemoryQueue(store), clock, FakeSecrets(), {"shop": shop}, {})


async def gives() -> list[Sample]:
    return [Sample("http_requests_total", {}, 1.0, AT, "counter")]


async def breaks() -> list[Sample]:
    raise OSError("connection refused")


async def test_a_signal_that_no_source_gives_is_an_error() -> None:
    found = rules.of_rules((RULE, CPU), "hutch.yaml")
    errors, cpu = await rules.with_sources(context(gives, breaks), found)
    assert errors == Checked(RULE, "hutch.yaml:7")
    assert cpu.errors == ("no source of shop gives db_cpu (target 1: it broke: OSError: connection refused)",)


async def test_a_service_without_any_source_says_so() -> None:
    (found,) = await rules.with_sources(context(), rules.of_rules((RULE,), "x"))
    assert found.errors == ("no source of shop gives http_requests_total (it has no source)",)


async def test_a_rule_of_another_service_is_not_asked_for() -> None:
    other = replace(RULE, service="api")
    assert await rules.with_sources(context(), [Checked(other, "x:1")]) == [Checked(other, "x:1")]


def test_an_alert_without_a_runbook_is_warned_of(tmp_path: Path) -> None:
    own = replace(RULE, annotations={"runbook_url": "https://wiki/x"})
    config = Config(rules=(CPU, own), services={"shop": ServiceConfig("shop")})
    cpu, errors = [c for c in rules.of_config(config, tmp_path) if c.where.startswith("hutch.yaml")]
    assert "no runbook answers it" in cpu.warnings[0]
    assert errors.warnings == ()
    config = replace(config, services={"shop": ServiceConfig("shop", runbook="service-outage")})
    assert not any(c.warnings for c in rules.of_config(config, tmp_path))


def test_rules_of_documents_are_checked_with_their_lines(tmp_path: Path) -> None:
    document = tmp_path / "own.md"
    rule = "  - {name: Odd, condition: eror_rate > 5%, duration: 5m, severity: SEV-2}"
    document.write_text(f"# Own\n\n## Alerts\n\n```yaml\nalerts:\n{rule}\n```\n")
    config = Config(runbooks=(str(document),), services={"shop": ServiceConfig("shop")})
    (found,) = [c for c in rules.of_config(config, tmp_path) if c.rule.name == "Odd"]
    assert found.where == f"{document}:7"
    assert found.errors == ("unknown signal 'eror_rate'; nearest known: error_rate",)
