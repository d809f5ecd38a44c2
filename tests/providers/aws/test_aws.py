"""RDS, Secrets Manager and S3 against moto's server; what moto does not do, as taking its time, by given answers."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hutch.amazon.calls import Calls
from hutch.amazon.keys import Keys
from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect
from hutch.model.finding import Status
from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.aws import provider
from hutch.providers.aws.bucket import Bucket
from hutch.providers.aws.config import config_from
from hutch.providers.aws.database import Scale
from hutch.remote import Refused, Silent
from hutch.testing import check_provider
from rights import Asked, policies_of, table_of

KEYS = {"access_key_id": "testing-key-id", "secret_access_key": "testing-secret", "changes": True}
MORNING = datetime(2026, 1, 15, 8, tzinfo=UTC)
CLASSES = ["db.t3.medium", "db.t3.large"]


@dataclass
class Account:
    """What is at Amazon."""

    endpoint: str

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="eu-central-1", endpoint_url=self.endpoint,
                            aws_access_key_id="x", aws_secret_access_key="x")  # fmt: skip

    def opened(self, **settings: object) -> Connection:
        place = {"region": "eu-central-1", "endpoint": self.endpoint, "look_every": 0.01}
        database = {"database": "web", "classes": CLASSES, "max_storage": 100}
        secrets = {"secrets": {"plain": "prod/plain", "session": "prod/web#session_key"}}
        bucket = {"bucket": "shop-backups", "bucket_prefix": "nightly/"}
        given = {**place, **database, **secrets, **bucket, **KEYS, **settings}
        return provider.open(TargetConfig("web", given, lambda: datetime.now(UTC)))

    def action(self, name: str, **settings: object) -> Action:
        return self.opened(**settings).actions[name]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto: str) -> Account:
    made = Account(moto)
    urllib.request.urlopen(f"{made.endpoint}/moto-api/reset", data=b"").close()  # what it holds is the process's
    rds, manager = made.client("rds"), made.client("secretsmanager")
    rds.create_db_instance(DBInstanceIdentifier="web", DBInstanceClass="db.t3.medium", Engine="postgres",
                           AllocatedStorage=20, MasterUsername="owner", MasterUserPassword="word-of-owner")  # fmt: skip
    manager.create_secret(Name="prod/plain", SecretString="first")
    manager.create_secret(Name="prod/web", SecretString=json.dumps({"session_key": "first", "url": "kept"}))
    place = {"LocationConstraint": "eu-central-1"}
    made.client("s3").create_bucket(Bucket="shop-backups", CreateBucketConfiguration=place)
    return made


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
async def test_beyond_the_bounds_it_is_refused(
    aws: Account, args: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch)
    scale = aws.action("database.scale")
    assert said in (await scale.preview(args)).refused
    outcome = await scale.apply(args)
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert asked.taken() == ({"rds:DescribeDBInstances"}, set())


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


async def test_the_rights_in_the_guide_are_those_that_each_verb_uses(
    aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, used = Asked(monkeypatch), {}
    connection = aws.opened()
    for check, look in connection.checks.items():
        await look()
        used[check] = asked.taken()
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
        used[name] = asked.taken()
    assert used == (told := table_of("aws.md"))
    assert policies_of("aws.md") == set().union(*(a | b for a, b in told.values()))


async def test_without_a_key_for_changes_none_is_offered(aws: Account) -> None:
    assert aws.opened(changes=False).actions == {}
    only = aws.opened(database="", classes=[], bucket="")
    assert (list(only.actions), list(only.checks)) == (["secret.rotate"], [])


async def test_a_database_that_is_gone_is_said(aws: Account) -> None:
    connection = aws.opened(database="other")
    finding = await connection.checks["aws.database"]()
    assert (finding.status, "DBInstanceNotFound" in finding.summary) == (Status.UNKNOWN, True)
    assert (
        "DBInstanceNotFound" in (await connection.actions["database.scale"].preview({"class": "db.t3.large"})).refused
    )


async def test_the_newest_object_of_the_bucket_must_be_new(aws: Account) -> None:
    s3, look = aws.client("s3"), aws.opened().checks["aws.bucket"]
    empty = await look()
    assert (empty.status, empty.summary, empty.matters) == (Status.BAD, "shop-backups/nightly/ holds nothing", False)
    for key in ("nightly/2026-01-02.sql.gz", "nightly/2026-01-01.sql.gz", "other/newest.sql.gz"):
        s3.put_object(Bucket="shop-backups", Key=key, Body=b"x")
    found = await look()
    assert (found.status, found.data["objects"]) == (Status.OK, 2)
    assert "the newest of 2 objects in shop-backups/nightly/ is 0.0 h old: nightly/2026-01-0" in found.summary
    late = aws.opened(bucket_max_age=timedelta(microseconds=1)).checks["aws.bucket"]
    found = await late()
    assert (found.status, found.summary.endswith("; bucket_max_age is 0.0 h")) == (Status.BAD, True)


async def test_whether_the_bucket_keeps_what_is_overwritten(aws: Account) -> None:
    s3, look = aws.client("s3"), aws.opened().checks["aws.bucket_versioning"]
    lost = "what is overwritten or deleted there is gone for good"
    assert (await look()).summary == f"versioning is never enabled: {lost}"
    for state, status in (("Enabled", Status.OK), ("Suspended", Status.WARN)):
        s3.put_bucket_versioning(Bucket="shop-backups", VersioningConfiguration={"Status": state})
        assert (await look()).status is status


async def test_a_bucket_that_is_gone_is_said(aws: Account) -> None:
    checks = aws.opened(bucket="other-backups").checks
    for name in ("aws.bucket", "aws.bucket_versioning"):
        found = await checks[name]()
        assert (found.status, "NoSuchBucket" in found.reason, found.target) == (
            Status.UNKNOWN, True, "S3 other-backups",
        )  # fmt: skip


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


def bucket(*answers: Any) -> tuple[Bucket, Answers]:
    read = Answers(*answers)
    config = config_from({"region": "x", "bucket": "shop-backups"})
    return Bucket(read, config, lambda: MORNING), read  # type: ignore[arg-type]


def page(first: int, more: bool) -> dict[str, Any]:
    rows = [
        {"Key": f"{n:05}", "LastModified": MORNING - timedelta(hours=1 + n % 7)} for n in range(first, first + 1000)
    ]
    return {"Contents": rows, "IsTruncated": more, "NextContinuationToken": str(first)}


async def test_ten_thousand_objects_are_looked_through_in_pages_and_more_than_fifty_are_not() -> None:
    look, read = bucket(*(page(n * 1000, n < 9) for n in range(10)))
    found = await look.newest()
    assert (found.status, found.data["objects"], found.data["age_hours"]) == (Status.OK, 10_000, 1.0)
    assert [asked.get("ContinuationToken") for _, asked in read.asked] == [None, *(str(n * 1000) for n in range(9))]
    look, read = bucket(page(0, True))
    found = await look.newest()
    assert (found.status, len(read.asked)) == (Status.UNKNOWN, 50)
    assert found.reason.endswith("more than 50000 objects there: give services.NAME.aws.bucket_prefix")


@pytest.mark.parametrize("answer", [{"Contents": [{"Key": "x"}]}, {"Contents": 7}, {"Contents": ["x"]}])
async def test_an_odd_list_of_objects_is_said_and_no_backup(answer: dict[str, Any]) -> None:
    found = await bucket(answer)[0].newest()
    assert (found.status, found.reason) == (
        Status.UNKNOWN, "s3:ListBucket: no whole answer: it is not of the expected form",
    )  # fmt: skip


@pytest.mark.parametrize("answer", [{"DBInstances": [{}]}, {"DBInstances": 7}, {"DBInstances": ["web"]}])
async def test_an_odd_database_is_said_and_not_changed(answer: dict[str, Any]) -> None:
    change = Answers({})
    action = scale(Answers(answer), change)
    for said in ((await action.preview(UP)).refused, (await action.apply(UP)).summary):
        assert said == "rds:DescribeDBInstances: no whole answer: it is not of the expected form"
    assert (change.asked, (await action.verify(UP)).verdict) == ([], Verified.UNKNOWN)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccessDenied", "s3:ListBucket: the key has not the right to it (AccessDenied)"),
        (403, "InvalidAccessKeyId", "s3:ListBucket: the key is wrong, or has expired (InvalidAccessKeyId)"),
        (400, "ExpiredToken", "s3:ListBucket: the key is wrong, or has expired (ExpiredToken)"),
        (503, "SlowDown", "s3:ListBucket: AWS asks to call later (SlowDown)"),
        (500, "InternalError", "s3:ListBucket: AWS answers 500 (InternalError)"),
        (200, "", "s3:ListBucket: AWS answers 500 (500)"),
    ],
)
async def test_what_s3_refuses_names_the_right_and_no_secret(
    status: int, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hutch.amazon.calls.READ_ATTEMPTS", 1)  # the driver's waits take seconds
    body = f"<Error><Code>{code}</Code><Message>of testing-secret</Message></Error>" if code else "<ListBuck"
    with refusing(status, body.encode()) as (endpoint, heard):
        given = {"region": "eu-central-1", "bucket": "shop-backups", "endpoint": endpoint, "timeout": 5.0, **KEYS}
        config = config_from(given)
        found = await Bucket(Calls(config, Keys("testing-key-id", "testing-secret")), config, lambda: MORNING).newest()
    assert (found.status, found.reason) == (Status.UNKNOWN, said)
    assert len(heard) == 1


@contextmanager
def refusing(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A service that gives every call the same answer."""
    heard: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_it_keeps_the_contract() -> None:
    settings = {
        "region": "eu-central-1",
        "database": "web",
        "bucket": "shop-backups",
        "endpoint": "http://127.0.0.1:9",
        "timeout": 1.0,
        **KEYS,
    }
    await check_provider(provider, {**settings, "secret_access_key": "testing-secret-0451"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "aws: give a database, secrets, or a bucket"),
        ({"database": "web", "access_key_id": "x"}, "aws: access_key_id and secret_access_key go together"),
        ({"database": "web", "classes": ["large"]}, "aws: classes must be a list of instance classes"),
        ({"database": "web", "max_storage": 0}, "aws: max_storage must be a whole number above 0"),
        ({"bucket": "s3://shop"}, "aws: bucket must be the name of a bucket"),
        ({"bucket": "shop", "bucket_max_age": "26h"}, "aws: bucket_max_age must be a length of time such as 26h"),
        ({"secrets": {"a": ""}}, "aws: secrets must map names to the ids of secrets"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config_from({"region": "eu-central-1", **settings})


async def test_a_ring_is_turned_stage_by_stage_in_a_field_of_a_secret(aws: Account) -> None:
    aws.client("secretsmanager").put_secret_value(
        SecretId="prod/web", SecretString=json.dumps({"session_key": f"k-1:{'A' * 43}=", "url": "kept"})
    )
    at = aws.opened()
    rotate, seen = at.actions["secret.rotate"], ["k-1"]
    assert at.secrets == {"plain", "session"}
    for stage in ("add", "sign", "retire"):
        args = {"secret": "session", "stage": stage}
        assert (await rotate.preview(args)).hits == 1
        assert (await rotate.verify(args)).verdict is Verified.FAILED
        assert [(await rotate.apply(args)).result for _ in range(2)] == [Result.DONE] * 2
        assert (await rotate.verify(args)).verdict is Verified.PASSED
        found = json.loads(value(aws, "prod/web"))
        seen.append(",".join(part.split(":")[0] for part in found["session_key"].split(",")))
        assert found["url"] == "kept"
    new = seen[3]
    assert seen == ["k-1", f"k-1,{new}", f"{new},k-1", new]
    told = await at.runs["secret.ring"](Command("secret.ring", "", "", Effect.READ, "", {"secret": "session"}))
    assert json.loads(told.output) == {"signs": new, "new": [], "old": []}
    none = await rotate.preview({"secret": "plain", "stage": "add"})
    assert "it is no ring of 1 to 8 keys, ID:BASE64 by commas, so it has no stages" in none.refused
    assert (
        "the stages are add, sign, retire, replace, not soon"
        in (await rotate.preview({"secret": "plain", "stage": "soon"})).refused
    )
