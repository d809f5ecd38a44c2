"""The configuration: one bad file for each rule, with its exact message; and what a good one gives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.config import load
from hutch.bootstrap.secrets import MASK, EnvironmentSecrets
from hutch.bootstrap.supplied import supplied
from hutch.bootstrap.wire import find_providers
from hutch.bootstrap.yamlnodes import ConfigError
from hutch.model.severity import Severity

FOLDER = Path(__file__).resolve().parents[2] / "data" / "config"
PROVIDERS = find_providers()

GOOD = """
mode: act
time_scale: 30
watch_for: 10m
services:
  shop:
    http: {url: "http://127.0.0.1:1"}
    postgres: {url: {env: SHOP_DB}}
    binds: {shop.example: as-is}
    values: {port: 8080}
    runbook: service-outage
severity:
  SEV-2: {response: 30m}
alerts:
  - name: Errors
    condition: error_rate > 5%
    duration: 5m
    severity: SEV-2
  - {name: Deep, condition: queue_depth > 10 , duration: 1m, severity: SEV-3}
guards:
  actions: {deploy.rollback: 3}
watchdog: {url: {env: SWITCH}, every: 30s}
signals:
  - {name: queue_depth, unit: jobs, sql: SELECT count(*) FROM jobs, service: shop, every: 30s}
  - {name: error_rate, promql: my_errors}
  - {name: login_up, probe: login}
alerting:
  window: 1h
  severities: {Urgent: SEV-1}
  runbooks: {Errors: own.md#errors}
  inhibit: [{by: rule=Errors, holds: [rule=Slow*]}]
maintenance:
  - {name: upgrade, service: shop, from: 2026-02-01T02:00:00Z, to: 2026-02-01 04:00:00+01:00}
  - {name: backup, every: sunday 02:30, for: 2h, zone: Europe/Berlin}
"""


@pytest.mark.parametrize("path", sorted(FOLDER.glob("bad-*.yaml")), ids=lambda p: p.stem)
def test_a_bad_file_says_what_where_and_what_to_do(path: Path) -> None:
    expected = path.read_text().splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(ConfigError) as caught:
        load(path, PROVIDERS)
    assert str(caught.value).removeprefix(f"{path}:").startswith(expected)
    assert "hunter22" not in str(caught.value)


def test_every_setting_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hutch.yaml"
    path.write_text(GOOD)
    config = load(path, PROVIDERS)
    shop = config.services["shop"]
    assert (config.mode, config.time_scale, config.watch_for) == ("act", 30.0, timedelta(minutes=10))
    assert config.scaled(config.watch_for) == timedelta(seconds=20)
    assert shop.targets["postgres"]["url"] == "env:SHOP_DB"
    assert (shop.values, shop.binds, shop.runbook) == ({"port": "8080"}, {"shop.example": "as-is"}, "service-outage")
    assert config.policy[Severity.SEV2].response == timedelta(minutes=30)
    assert [(s.name, s.unit, s.kind) for s in config.signals] == [
        ("queue_depth", "jobs", "sql"),
        ("error_rate", "%", "promql"),
        ("login_up", "%", "probe"),
    ]
    assert (config.signals[0].every, config.signals[0].service) == (timedelta(seconds=30), "shop")
    assert config.watchdog and (config.watchdog.url, config.watchdog.every) == ("env:SWITCH", timedelta(seconds=30))
    alerting, (upgrade, backup) = config.alerting, config.maintenance
    assert (alerting.window, alerting.flaps, alerting.severities["urgent"]) == (timedelta(hours=1), 4, Severity.SEV1)
    assert alerting.severities["critical"] is Severity.SEV1
    assert alerting.runbooks == {"Errors": "own.md#errors"}
    assert alerting.inhibitions[-1].held({"rule": "Slow checkout"}, [{"rule": "Errors"}]) == "Errors"
    assert upgrade.ends and upgrade.starts and upgrade.ends - upgrade.starts == timedelta(hours=1)
    assert (backup.weekday, backup.length, str(backup.zone)) == (6, timedelta(hours=2), "Europe/Berlin")
    assert config.policy[Severity.SEV2].update == timedelta(hours=2)
    assert [r.name for r in config.rules] == ["Errors", "Deep"]
    assert config.guards.actions == {"deploy.rollback": 3}


def test_a_supplied_file_is_read_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "shape.txt").write_text("%{http_code}\n")
    path = tmp_path / "hutch.yaml"
    path.write_text("services: {shop: {binds: {curl-format.txt: 'file:shape.txt', a.co: as-is}}}")
    shop = load(path, PROVIDERS).services["shop"]
    assert shop.binds == {"curl-format.txt": "text:%{http_code}\n", "a.co": "as-is"}
    before = shop.fingerprint()
    (tmp_path / "shape.txt").write_text("%{time_total}\n")
    assert load(path, PROVIDERS).services["shop"].fingerprint() != before


@pytest.mark.parametrize(("content", "said"), [(b"\xff\xfe", "not UTF-8"), (b"x" * 65537, "larger than 64 kB")])
def test_a_supplied_file_is_small_and_text(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "big").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        supplied("file:big", tmp_path)


def test_it_observes_unless_told_to_act(tmp_path: Path) -> None:
    path = tmp_path / "hutch.yaml"
    path.write_text("services: {shop: {}}")
    assert load(path, PROVIDERS).mode == "observe"


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml", PROVIDERS)


def test_secrets_come_by_reference_and_are_masked_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DB", "postgresql://me:correct-horse@db/shop")
    (tmp_path / "token").write_text("battery-staple\n")
    secrets = EnvironmentSecrets(tmp_path)
    assert secrets.resolve("env:SHOP_DB").startswith("postgresql://me:correct")
    assert secrets.resolve("file:token") == "battery-staple"
    assert secrets.mask("it is battery-staple or correct-horse") == f"it is {MASK} or {MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "https://me:some-password@host/x",
        "Authorization: Bearer abcdefghijklmnop",
        "password=some-password",
        "api_key: some-password",
        "AKIAABCDEFGHIJKLMNOP",
        "-----BEGIN PRIVATE KEY-----\nsome-password\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_masked_whoever_it_belongs_to(text: str) -> None:
    masked = EnvironmentSecrets(Path()).mask(text)
    assert MASK in masked
    assert not [part for part in ("some-password", "abcdefghijklmnop", "AKIAABCD") if part in masked]


@pytest.mark.parametrize("reference", ["env:NO_SUCH_VARIABLE", "file:no-such-file"])
def test_a_secret_that_is_not_there_is_named_by_its_place(tmp_path: Path, reference: str) -> None:
    with pytest.raises(LookupError, match=reference.partition(":")[2]):
        EnvironmentSecrets(tmp_path).resolve(reference)


def test_a_folder_need_not_be_there_and_is_found_beside_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "hutch.yaml"
    path.write_text("services:\n  shop:\n    audit: {url: {file: url}, copies: kept/copies}\n")
    (tmp_path / "url").write_text("postgresql://127.0.0.1/shop")
    assert load(path, PROVIDERS).services["shop"].targets["audit"]["copies"] == str(tmp_path / "kept" / "copies")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "copies").write_text("")
    with pytest.raises(ConfigError, match="is no folder"):
        load(path, PROVIDERS)
