"""``hutch service``, ``hutch deploy`` and ``hutch logs`` as a person gives them, against the real platform."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from hutch.cli.main import main

Ready = Mapping[str, Any]


@dataclass(frozen=True)
class Console:
    """A folder with a hutch.yaml, and what is typed in it."""

    folder: Path
    read: Callable[[], Any]
    env: Mapping[str, str]

    def hutch(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Standard output and error."""
        with pytest.MonkeyPatch.context() as patched, pytest.raises(SystemExit) as ended:
            patched.chdir(self.folder)
            patched.setattr(sys, "excepthook", sys.excepthook)
            for name, value in self.env.items():
                patched.setenv(name, value)
            self.read()
            main(["--no-input", *words])
        out, err = self.read()
        assert ended.value.code == code, (words, ended.value.code, out, err)
        return out, err

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.hutch(*words, "--json", code=code)[0])


@pytest.fixture
def console(ready: Ready, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Console:
    local = {"url": ready["api_url"], "token": {"env": "PLATFORM_TOKEN"}}
    config = {"mode": "act", "services": {"web": {"local": local}, "bare": {}}}
    (tmp_path / "hutch.yaml").write_text(yaml.safe_dump(config))
    return Console(tmp_path, capsys.readouterr, {"PLATFORM_TOKEN": ready["token"], "HUTCH_ACTOR": "ada"})


def test_what_runs(console: Console, ready: Ready) -> None:
    [row] = console.json("service", "list")
    assert (row["service"], row["state"], row["ready"], row["replicas"]) == ("web", "well", 2, 2)
    found = console.json("service", "status")
    assert (found["release"], found["well"], found["sizes"], len(found["replicas"])) == (
        "42",
        True,
        {"pool_size": 8, "cache_seconds": 5},
        2,
    )
    assert set(found["parts"]) == {"postgres", "redis"}
    out, _ = console.hutch("service", "status")
    assert f"release {found['release']}" in out and "postgres (pid" in out
    _, err = console.hutch("service", "status", "--service", "bare", code=2)
    assert "bare runs on no platform that Hutch can look at" in err


def test_a_deployment_is_listed_shown_and_rolled_back(console: Console, ready: Ready, post: Any) -> None:
    before = console.json("service", "status")["release"]
    post(ready, "/releases", {"id": "43"})
    post(ready, "/deployments", {"release": "43"})
    newest = console.json("deploy", "list")[0]
    assert (newest["kind"], newest["id"], newest["previous"], newest["state"]) == (
        "deployment", "43", before, "succeeded",
    )  # fmt: skip
    after = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    fits = console.json("deploy", "timeline", "--at", after)["suspect"]
    assert (fits["kind"], fits["id"], fits["seconds_before"] < 600) == ("deployment", "43", True)
    assert "most likely by deployment 43" in console.hutch("deploy", "timeline", "--at", after)[0]
    checked, _ = console.hutch("deploy", "check")  # nobody watched the signals: nothing is claimed
    assert "release 43, deployed" in checked and "untold  over 50 % slower: too few values" in checked
    shown = console.json("deploy", "show", "43")
    assert shown == console.json("deploy", "show", newest["deployment"]) == {**newest, "commits": []}
    _, err = console.hutch("deploy", "show", "999", code=2)
    assert "no deployment or release '999'" in err

    run = console.json("deploy", "rollback", code=4)
    [option] = run["options"]
    assert "roll back from release 43 to 42: 2 replicas are replaced" in json.dumps(option)
    assert console.json("service", "status")["release"] == "43"  # nothing before it is approved
    done = console.json("runs", "approve", run["id"])
    assert done["outcome"] == "done"
    assert console.json("service", "status")["release"] == before
    assert console.json("deploy", "list")[0]["summary"] == "rolled back to 42"
    forward = console.json("runs", "undo", run["id"], code=4)
    assert console.json("runs", "approve", forward["id"])["outcome"] == "done"
    assert console.json("service", "status")["release"] == "43"
    assert console.json("deploy", "rollback", "42", "--yes")["outcome"] == "done"
    _, err = console.hutch("deploy", "rollback", "42", code=1)
    assert "release 42 runs already: nothing to do" in err


def test_what_was_approved_does_not_hit_another_release(console: Console, ready: Ready, post: Any) -> None:
    post(ready, "/releases", {"id": "50"})
    post(ready, "/releases", {"id": "51"})
    post(ready, "/deployments", {"release": "50"})
    run = console.json("deploy", "rollback", "42", code=4)
    post(ready, "/deployments", {"release": "51"})  # somebody deploys while it waits
    refused = console.json("runs", "approve", run["id"], code=1)
    assert "release 51 runs now, not 50: look again" in json.dumps(refused)
    assert console.json("service", "status")["release"] == "51"
    post(ready, "/rollback", {"to": "42"})


def test_scaled_up_and_back_and_restarted(console: Console) -> None:
    before = {row["name"] for row in console.json("service", "status")["replicas"]}
    assert console.json("service", "scale", "--replicas", "3", "--dry-run")["outcome"] == "proposed"
    assert len(console.json("service", "status")["replicas"]) == 2
    run = console.json("service", "scale", "--replicas", "3", "--size", "pool_size=4", "--yes")
    found = console.json("service", "status")
    assert (run["outcome"], len(found["replicas"]), found["sizes"]) == ("done", 3, {"pool_size": 4, "cache_seconds": 5})
    back = console.json("runs", "undo", run["id"], code=4)
    console.json("runs", "approve", back["id"])
    found = console.json("service", "status")
    assert (len(found["replicas"]), found["sizes"]) == (2, {"pool_size": 8, "cache_seconds": 5})
    assert console.json("service", "restart", "--yes")["outcome"] == "done"
    assert before.isdisjoint(row["name"] for row in console.json("service", "status")["replicas"])
    assert console.json("service", "restart", "--component", "redis", "--yes")["outcome"] == "done"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("service", "scale"), "say how many: --replicas N, or --size NAME=N"),
        (("service", "scale", "--size", "pool_size=none"), "write NAME=N with a number, as pool_size=8"),
        (
            ("service", "scale", "--size", "memory=4"),
            "the platform has no size 'memory'; it has: pool_size, cache_seconds",
        ),
        (("service", "restart", "--component", "mysql"), "web has no part 'mysql'; there are: postgres, redis"),
        (("service", "restart", "--service", "bare"), "no target of bare offers service.restart"),
        (("logs", "search", "--since", "soon"), "since: cannot read 'soon'"),
        (("logs", "search", "--service", "nobody"), "unknown service 'nobody'"),
    ],
)
def test_bad_input_is_one_clear_error(console: Console, words: tuple[str, ...], said: str) -> None:
    out, err = console.hutch(*words, code=2)
    assert (said in err, out, err.count("\n")) == (True, "", 1)


def test_nothing_to_scale(console: Console) -> None:
    _, err = console.hutch("service", "scale", "--replicas", "2", code=1)
    assert "web is of that size already: nothing to do" in err


BOOK = """# Trouble

## Errors

### Diagnosis

```yaml {"hutch.action":"logs.search"}
pattern: process ends
since: 30m
level: critical
```

```yaml {"hutch.action":"deploy.list"}
```

```yaml {"hutch.action":"service.status"}
```
"""


def test_replicas_that_are_gone_still_have_their_lines(console: Console, ready: Ready, post: Any) -> None:
    post(ready, "/releases", {"id": "66", "env": {"RR_FAULT": "crash"}})
    post(ready, "/deployments", {"release": "66"})
    wanted = ("logs", "search", "PROCESS ENDS", "--level", "critical", "--since", "10m")
    deadline = time.monotonic() + 60
    while len(console.json(*wanted)["lines"]) < 2:
        assert time.monotonic() < deadline, "no replica ended"
        time.sleep(0.2)
    post(ready, "/rollback", {"to": "42"})
    found = console.json(*wanted)
    replicas = {row["name"] for row in console.json("service", "status")["replicas"]}
    assert {(row["service"], row["release"], row["level"]) for row in found["lines"]} == {("web", "66", "critical")}
    gone = {row["replica"] for row in found["lines"]}
    assert len(gone) == 2 and gone.isdisjoint(replicas)
    assert found["lines"] == sorted(found["lines"], key=lambda row: str(row["at"]))
    one = min(gone)
    assert {row["replica"] for row in console.json(*wanted, "--replica", one)["lines"]} == {one}
    newest = console.json("service", "logs", "--replica", one, "--limit", "1")["lines"]
    assert newest == console.json("logs", "search", "--replica", one, "--limit", "1")["lines"]
    assert console.json(*wanted, "--until", "9m")["lines"] == []
    out, err = console.hutch(*wanted, "--limit", "1")
    assert out.count("\n") == 1 and "the newest 1 lines" in err

    patterns = console.json("logs", "patterns", "--service", "web", "--level", "critical")["patterns"]
    assert [(p["count"], "process ends" in p["pattern"]) for p in patterns] == [(len(found["lines"]), True)]

    (console.folder / "trouble.md").write_text(BOOK)
    ran = console.json("run", "trouble.md#errors", "--service", "web")
    out = "".join(console.hutch("runs", "output", ran["id"], step)[0] for step in ran["read"])
    assert "the process ends: KeyError" in out
    assert "66 deploy after" in out and "release 42: 2 of 2 replicas serve" in out


def test_a_platform_that_does_not_answer(console: Console, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"services": {"web": {"local": {"url": address}}}}))
        [row] = console.json("service", "list")
        assert (row["state"], "does not answer" in row["reason"]) == ("no answer", True)
        found = console.json("logs", "search", code=5)
        assert (found["lines"], len(found["problems"])) == ([], 1)
        for words in (("deploy", "list"), ("service", "status")):
            out, err = console.hutch(*words, code=5)
            assert (out, "does not answer" in err, err.count("\n")) == ("", True, 1)
        _, err = console.hutch("deploy", "rollback", code=2)
        assert "no target of web offers deploy.rollback: a platform needs its token" in err
