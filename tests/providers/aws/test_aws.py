"""RDS and Secrets Manager against moto's server; what moto does not do by given answers: a change that takes time."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hutch.amazon.calls import Calls
from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.aws import provider
from hutch.providers.aws.config import config_from
from hutch.providers.aws.database import Scale
from hutch.remote import Refused, Silent
from hutch.testing import check_provider

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "aws.md"
KEYS = {"access_key_id": "testing-key-id", "secret_access_key": "testing-secret", "changes": True}
CLASSES = ["db.t3.medium", "db.t3.large"]


@dataclass
class Account:
    """What is at Amazon, and the verbs that Hutch has asked for."""

    endpoint: str
    asked: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="eu-central-1", endpoint_url=self.endpoint,
                            aws_access_key_id="x", aws_secret_access_key="x")  # fmt: skip

    def opened(self, **settings: object) -> Connection:
        place = {"region": "eu-central-1", "endpoint": self.endpoint, "look_every": 0.01}
        database = {"database": "web", "classes": CLASSES, "max_storage": 100}
        secrets = {"secrets": {"plain": "prod/plain", "session": "prod/web#session_key"}}
        given = {**place, **database, **secrets, **KEYS, **settings}
        return provider.open(TargetConfig("web", given, lambda: datetime.now(UTC)))

    def action(self, name: str, **settings: object) -> Action:
        return self.opened(**settings).actions[name]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    made = Account(f"http://{host}:{port}")
    urllib.request.urlopen(f"{made.endpoint}/moto-api/reset", data=b"").close()  # what it holds is the process's
    rds, manager = made.client("rds"), made.client("secretsmanager")
    rds.create_db_instance(DBInstanceIdentifier="web", DBInstanceClass="db.t3.medium", Engine="postgres",
                           AllocatedStorage=20, MasterUsername="owner", MasterUserPassword="word-of-owner")  # fmt: skip
    manager.create_secret(Name="prod/plain", SecretString="first")
    manager.create_secret(Name="prod/web", SecretString=json.dumps({"session_key": "first", "url": "kept"}))
    ask = Calls._ask

    def recorded(self: Calls, service: str, verb: str, asked: Mapping[str, object]) -> Mapping[str, Any]:
        made.asked.append(f"{service}:{''.join(word.capitalize() for word in verb.split('_'))}".replace("Db", "DB"))
        return ask(self, service, verb, asked)

    monkeypatch.setattr(Calls, "_ask", recorded)
    yield made
    server.stop()


def value(aws: Account, name: str) -> str:
    """What is current. By its version: moto takes the newest for the current one."""
    manager = aws.client("secretsmanager")
    versions = manager.describe_secret(SecretId=name)["VersionIdsToStages"]
    [current] = [version for version, stages in versions.items() if "AWSCURRENT" in stages]
    return str(manager.get_secret_value(SecretId=name, VersionId=current)["SecretString"])


async def test_a_database_is_scaled_up_and_back(aws: Account) -> None:
    scale = aws.action("database.scale")
    args = {"class": "db.t3.large", "storage": 50, "from": "db.t3.medium"}
    preview = await scale.preview(args)
    assert preview.summary == (
        "web from db.t3.medium to db.t3.large, storage from 20 to 50 GB; RDS restarts it: every connection is cut,"
        " for minutes"
    )
    assert (preview.hits, preview.undo) == (1, "database.scale to db.t3.medium; storage never shrinks")
    outcome = await scale.apply(args)
    assert (outcome.result, outcome.undo) == (
        Result.DONE, {"action": "database.scale", "args": {"class": "db.t3.medium", "from": "db.t3.large"}},
    )  # fmt: skip
    assert (await scale.verify(args)).verdict is Verified.PASSED
    assert (await scale.preview(args)).hits == 0  # nothing to do any more
    back = outcome.undo["args"]
    assert isinstance(back, Mapping)
    assert (await scale.apply(back)).result is Result.DONE
    assert aws.client("rds").describe_db_instances()["DBInstances"][0]["DBInstanceClass"] == "db.t3.medium"
    assert (await scale.verify(args)).verdict is Verified.FAILED


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "say which class, or how much storage in GB"),
        ({"class": "db.r6g.16xlarge"}, "is not among services.NAME.aws.classes: db.t3.medium, db.t3.large"),
        ({"storage": 19}, "storage must be from 20 GB, which it has, to 100 GB"),
        ({"storage": 101}, "storage must be from 20 GB"),
        ({"storage": "much"}, "storage must be from 20 GB"),
        ({"class": "db.t3.large", "from": "db.t3.small"}, "its class is db.t3.medium now, not db.t3.small: look again"),
    ],
)
async def test_beyond_the_bounds_it_is_refused(aws: Account, args: dict[str, object], said: str) -> None:
    scale = aws.action("database.scale")
    assert said in (await scale.preview(args)).refused
    outcome = await scale.apply(args)
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert "rds:ModifyDBInstance" not in aws.asked


async def test_a_secret_is_rotated_and_back_and_its_value_shown_nowhere(aws: Account) -> None:
    rotate = aws.action("secret.rotate")
    preview = await rotate.preview({"secret": "plain"})
    assert "give prod/plain a new random value" in preview.summary and "service.restart" in preview.summary
    outcome = await rotate.apply({"secret": "plain"})
    new = value(aws, "prod/plain")
    assert (outcome.result, len(new), new != "first") == (Result.DONE, 43, True)
    assert new not in repr((outcome, preview, rotate, await rotate.verify({"secret": "plain"})))
    assert (await rotate.verify({"secret": "plain"})).verdict is Verified.PASSED
    back = outcome.undo["args"]
    assert isinstance(back, Mapping)
    assert (await rotate.apply(back)).result is Result.DONE
    assert value(aws, "prod/plain") == "first"
    assert (await rotate.verify(back)).verdict is Verified.PASSED
    assert "look again" in (await rotate.preview({"secret": "plain", "from": "0" * 36})).refused


async def test_of_a_secret_with_fields_one_is_rotated_and_the_others_stay(aws: Account) -> None:
    await aws.action("secret.rotate").apply({"secret": "session"})
    found = json.loads(value(aws, "prod/web"))
    assert (found["url"], len(found["session_key"])) == ("kept", 43)
    whole = await aws.action("secret.rotate", secrets={"all": "prod/web"}).apply({"secret": "all"})
    assert (whole.result, "has fields: name the one to rotate" in whole.summary) == (Result.FAILED, True)
    other = await aws.action("secret.rotate", secrets={"x": "prod/web#other"}).apply({"secret": "x"})
    assert (other.result, other.summary) == (Result.FAILED, "prod/web has no field other")
    assert json.loads(value(aws, "prod/web")) == found


async def test_only_configured_secrets_are_rotated(aws: Account) -> None:
    rotate = aws.action("secret.rotate")
    assert (
        "no secret 'prod/plain' under services.NAME.aws.secrets"
        in (await rotate.preview({"secret": "prod/plain"})).refused
    )
    gone = await aws.action("secret.rotate", secrets={"x": "none"}).apply({"secret": "x"})
    assert (gone.result, "ResourceNotFound" in gone.summary) == (Result.FAILED, True)


async def test_the_rights_in_the_guide_are_those_that_are_used(aws: Account) -> None:
    connection = aws.opened()
    assert (await connection.checks["aws.database"]()).status is Status.OK
    for name, args in (
        ("database.scale", {"class": "db.t3.large"}), ("secret.rotate", {"secret": "plain"}),
    ):  # fmt: skip
        action = connection.actions[name]
        await action.preview(args)
        outcome = await action.apply(args)
        await action.verify(args)
        back = outcome.undo["args"]
        assert isinstance(back, Mapping)
        await action.apply(back)
    granted = set(re.findall(r'"((?:rds|secretsmanager):\w+)"', GUIDE.read_text(encoding="utf-8")))
    assert granted == set(aws.asked)


async def test_without_a_key_for_changes_none_is_offered(aws: Account) -> None:
    assert aws.opened(changes=False).actions == {}
    only = aws.opened(database="", classes=[])
    assert (list(only.actions), list(only.checks)) == (["secret.rotate"], [])


async def test_a_database_that_is_gone_is_said(aws: Account) -> None:
    connection = aws.opened(database="other")
    finding = await connection.checks["aws.database"]()
    assert (finding.status, "DBInstanceNotFound" in finding.summary) == (Status.UNKNOWN, True)
    assert (
        "DBInstanceNotFound" in (await connection.actions["database.scale"].preview({"class": "db.t3.large"})).refused
    )


class Answers:
    """A key's calls, each answered by what comes next; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, Mapping[str, object]]]()

    async def __call__(self, service: str, verb: str, /, **asked: object) -> Mapping[str, Any]:
        self.asked.append((verb, asked))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return dict(found)


def instance(klass: str, status: str, pending: Mapping[str, object] | None = None) -> dict[str, Any]:
    row = {"DBInstanceClass": klass, "AllocatedStorage": 20, "DBInstanceStatus": status}
    return {"DBInstances": [row | {"PendingModifiedValues": pending or {}}]}


def scale(read: Answers, change: Answers, available: float = 30) -> Scale:
    config = config_from(
        {"region": "x", "database": "web", "classes": CLASSES, "look_every": 0.001, "available": available}
    )
    return Scale(read, change, config)  # type: ignore[arg-type]


SMALL, LARGE = instance(CLASSES[0], "available"), instance(CLASSES[1], "available")
UP = {"class": CLASSES[1]}


async def test_a_change_is_watched_until_the_database_is_available() -> None:
    waiting = instance(CLASSES[0], "available", {"DBInstanceClass": CLASSES[1]})
    silent = Silent("no answer", sent=True)
    read = Answers(SMALL, waiting, silent, instance(CLASSES[0], "modifying"), LARGE)
    outcome = await scale(read, Answers({"DBInstance": {}})).apply(UP)
    assert (outcome.result, len(read.asked)) == (Result.DONE, 5)
    assert outcome.summary.endswith("web is db.t3.large, 20 GB, available")


async def test_one_that_never_gets_there_is_bounded_and_pending() -> None:
    slow = instance(CLASSES[0], "modifying")
    action = scale(Answers(SMALL, slow), Answers({"DBInstance": {}}), available=0.01)
    outcome = await action.apply(UP)
    assert "not there yet" in outcome.summary
    assert (await action.verify(UP)).verdict is Verified.PENDING


@pytest.mark.parametrize(
    ("error", "result", "recoverable"),
    [
        (Silent("broke off", sent=True), Result.UNKNOWN, False),
        (Silent("not sent", sent=False), Result.FAILED, True),
        (Refused("later", recoverable=True), Result.FAILED, True),
        (Refused("no right"), Result.FAILED, False),
    ],
)
async def test_ends_of_a_change_are_told_apart_and_never_repeated(
    error: Exception, result: Result, recoverable: bool
) -> None:
    change = Answers(error)
    outcome = await scale(Answers(SMALL), change).apply(UP)
    assert (outcome.result, outcome.recoverable, len(change.asked)) == (result, recoverable, 1)


async def test_a_database_in_work_is_left_alone() -> None:
    assert (
        "it is modifying now"
        in (await scale(Answers(instance(CLASSES[0], "modifying")), Answers({})).preview(UP)).refused
    )


async def test_it_keeps_the_contract() -> None:
    settings = {"region": "eu-central-1", "database": "web", "endpoint": "http://127.0.0.1:9", "timeout": 1.0, **KEYS}
    await check_provider(provider, {**settings, "secret_access_key": "testing-secret-0451"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "aws: give a database, secrets, or both"),
        ({"database": "web", "access_key_id": "x"}, "aws: access_key_id and secret_access_key go together"),
        ({"database": "web", "classes": ["large"]}, "aws: classes must be a list of instance classes"),
        ({"database": "web", "max_storage": 0}, "aws: max_storage must be a whole number above 0"),
        ({"secrets": {"a": ""}}, "aws: secrets must map names to the ids of secrets"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config_from({"region": "eu-central-1", **settings})
