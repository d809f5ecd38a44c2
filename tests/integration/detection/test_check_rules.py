"""``promtool check rules`` accepts what ``hutch rules export`` writes, of the seed's rules and of odd ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli

PROMTOOL = shutil.which("promtool") or ""

pytestmark = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed: apt-get install prometheus")

CONFIG = """
services:
  rolerabbit: {http: {url: "http://127.0.0.1:9"}}
  api "two": {http: {url: "http://127.0.0.1:9"}}
alerts:
  - {name: High Error Rate, condition: error_rate > 5%, duration: 5m, severity: SEV-2}
  - {name: Database CPU High, condition: db_cpu > 80%, duration: 10m, severity: SEV-2}
  - {name: Response Time Slow, condition: p95_response_time > 1000ms, duration: 5m, severity: SEV-3}
  - {name: Service Down, condition: uptime < 100%, duration: 1m, severity: SEV-1, no_data: 5m}
  - {name: "Traffic \\"{{ x }}\\"", condition: network_in > 1.5MB/s, duration: 90s, severity: SEV-4,
     keep_firing_for: 2m, labels: {"team-name": "{{ a }}"}, annotations: {runbook_url: "https://wiki/{{x"}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "hutch.yaml"
    path.write_text(CONFIG)
    monkeypatch.setenv("HUTCH_CONFIG", str(path))
    return path


def test_promtool_accepts_the_export(config: Path) -> None:
    out = config.with_name("rules.yml")
    done = CliRunner().invoke(cli, ["rules", "export", "--out", str(out)])
    assert done.exit_code == 0, done.output
    checked = subprocess.run([PROMTOOL, "check", "rules", str(out)], capture_output=True, text=True, timeout=20)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "12 rules found" in checked.stdout


def test_one_service_with_a_matcher_of_its_own(config: Path) -> None:
    done = CliRunner().invoke(cli, ["rules", "export", "--service", "rolerabbit", "--match", 'instance="a:1"'])
    assert done.exit_code == 0, done.output
    assert 'instance="a:1"' in done.output and "job=" not in done.output
    unknown = CliRunner().invoke(cli, ["rules", "export", "--service", "shop"])
    assert "unknown service 'shop'" in str(unknown.exception)


def test_the_check_names_every_rule_and_where_it_is(config: Path) -> None:
    done = CliRunner().invoke(cli, ["rules", "check", "--offline", "--json"])
    assert done.exit_code == 0, done.output
    rows = [r for r in json.loads(done.stdout) if "hutch.yaml" in r["where"]]
    assert [r["name"] for r in rows][:2] == ["High Error Rate", "Database CPU High"]
    assert "no runbook answers it" in rows[0]["warnings"][0] and rows[4]["warnings"] == []
    online = CliRunner().invoke(cli, ["rules", "check", "--json"])
    assert online.exit_code == 3
    assert "no source of rolerabbit gives" in json.loads(online.stdout)[0]["errors"][0]
