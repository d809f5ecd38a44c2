"""Values into PromQL, evaluated by Prometheus' own engine: a matcher matches exactly the label that has the value."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from hostile_values import KNOWN, PIECES, filled

PROMTOOL = shutil.which("promtool") or ""
pytestmark = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed: apt-get install prometheus")

TEXTS = [
    '{name}{{job="{{{{ ref }}}}",other="calm"}}',
    "{name}{{job='{{{{ ref }}}}'}}",
    "{name}{{job=`{{{{ ref }}}}`}}",
    '{name}{{job=~".*",job="{{{{ ref }}}}"}}',
]


def quoted(value: str) -> str:
    """As Go writes it with every character spelled out: not how the renderer does it."""
    return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'


def values(count: int) -> list[str]:
    chosen = random.Random(7)
    made = ["".join(chosen.choices(PIECES, k=chosen.randint(1, 12))) for _ in range(count)]
    return list(dict.fromkeys([*KNOWN, *made]))


def test_a_matcher_matches_the_value_and_nothing_else(tmp_path: Path) -> None:
    chosen = values(150)
    asked = []
    for value in chosen:
        for text in TEXTS:
            done = filled(text.format(name="x"), "promql", value)
            if done is not None:
                found = [{"labels": f'x{{job={quoted(value)},other="calm"}}', "value": 1}]
                asked.append({"expr": done.text, "eval_time": "0m", "exp_samples": found})
    assert len(asked) > 400
    series = [{"series": f'x{{job={quoted(v)},other="calm"}}', "values": "1"} for v in chosen]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
    path = tmp_path / "values.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "1m", "tests": [test]}))
    told = subprocess.run([PROMTOOL, "test", "rules", str(path)], capture_output=True, timeout=60, check=False)
    assert told.returncode == 0, (told.stdout + told.stderr).decode()[-3000:]
