"""Making, listing and proving backups, against a real server, a folder and moto's S3."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import psycopg
import pytest
from botocore.exceptions import EndpointConnectionError
from moto.server import ThreadedMotoServer

from backup_world import Shop, listed
from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from rolerabbit.embedded.server import free_port

PROCESS = Path(__file__).parents[2] / "support" / "backup_process.py"
AWS = {"region": "eu-central-1", "access_key_id": "testing-key-id", "secret_access_key": "testing-secret"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.parametrize("changed", [{}, {"format": "custom", "key": None}], ids=["directory", "custom, not encrypted"])
async def test_a_backup_is_made_listed_and_proved(shop: Shop, changed: dict[str, object], tmp_path: Path) -> None:
    connection = shop.opened(**changed)
    create, verify = connection.actions["backup.create"], connection.actions["backup.verify"]

    shown = await create.preview({})
    assert (shown.hits, shown.refused) == (1, "")
    made = await create.apply({"reason": "before the release"})
    assert made.result is Result.DONE, made.summary
    assert (await create.verify({})).verdict is Verified.PASSED
    assert "public.users" in made.output

    [first] = json.loads((await listed(connection, json=True)).output)["backups"]
    assert (first["state"], first["rows"], first["tables"]) == ("unproved", 2300, 2)
    assert first["reason"] == "before the release"

    proved = await verify.apply({})
    assert proved.result is Result.DONE, proved.summary
    assert "amcheck looked at 4 indexes and 2 tables" in proved.output
    assert (await verify.verify({"backup": first["id"]})).verdict is Verified.PASSED
    assert "proved" in (await listed(connection)).output

    stored = [p for p in (tmp_path / "store").rglob("*") if p.is_file()]
    clear = any(b"example.org" in p.read_bytes() or b"PGDMP" in p.read_bytes() for p in stored)
    assert clear is (changed != {})


def on_disk(work: Path) -> tuple[set[str], int]:
    """What lies in the work folder now: pipes by their mode, files by their names; and the files' bytes."""
    names, clear = set(), 0
    for path in work.rglob("*"):
        with suppress(FileNotFoundError):
            found = path.stat()
            if stat.S_ISFIFO(found.st_mode):
                names.add(f"pipe {stat.S_IMODE(found.st_mode):o}")
            elif stat.S_ISREG(found.st_mode):
                names.add(path.name)
                clear += 0 if path.name == "pgpass" else found.st_size
    return names, clear


async def test_with_a_key_a_backup_is_sealed_as_it_comes_and_no_clear_byte_lies_on_the_disk(shop: Shop) -> None:
    """Nobody says in which format."""
    with psycopg.connect(shop.url, autocommit=True) as session:
        session.execute("create table notes as select md5(n::text) from generate_series(1, 100000) n")
    work, connection = Path(str(shop.settings["work"])), shop.opened(format="")
    assert ", format custom" in (await connection.actions["backup.create"].preview({})).items[0]
    making = asyncio.create_task(connection.actions["backup.create"].apply({}))  # type: ignore[arg-type]
    names, clear = set[str](), 0
    while not making.done():
        now, bytes_ = on_disk(work)
        names, clear = names | now, max(clear, bytes_)
        await asyncio.sleep(0.002)
    assert making.result().result is Result.DONE, making.result().summary
    assert "pipe 600" in names
    assert names <= {"pipe 600", "pgpass", "lock", "locking"}
    assert clear == 0
    [folder] = (Path(str(shop.settings["to"])) / "shop").iterdir()
    assert [p.name for p in (folder / "data").iterdir()] == ["dump"]
    assert not (folder / "data" / "dump").read_bytes().startswith(b"PGDMP")
    proved = await connection.actions["backup.verify"].apply({})
    assert proved.result is Result.DONE, proved.summary
    assert "102300 rows" in proved.summary


async def test_without_a_key_a_backup_is_a_folder(shop: Shop) -> None:
    assert (
        ", format directory" in (await shop.opened(format="", key=None).actions["backup.create"].preview({})).items[0]
    )


async def test_the_counts_are_of_the_dump_s_own_moment(shop: Shop) -> None:
    """Rows that come all the while are, or are not, in both."""
    connection = shop.opened()
    making = asyncio.create_task(connection.actions["backup.create"].apply({}))
    written = 0
    async with await psycopg.AsyncConnection.connect(shop.url, autocommit=True) as session:
        while not making.done():
            await session.execute("insert into users (email) values (%s)", [f"late {written}"])
            written += 1
    assert making.result().result is Result.DONE
    assert written > 10
    proved = await connection.actions["backup.verify"].apply({})
    assert proved.result is Result.DONE, proved.output
    [row] = json.loads((await listed(connection, json=True)).output)["backups"]
    assert 2300 <= row["rows"] < 2300 + written


async def test_a_bucket_holds_them_as_a_folder_does(shop: Shop, endpoint: str) -> None:
    client = boto3.client(
        "s3", region_name="eu-central-1", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    connection = shop.opened(to="s3://backups/nightly", endpoint=endpoint, **AWS)
    client.create_multipart_upload(Bucket="backups", Key="nightly/shop/20260101T000000Z-aaaaaa/data/toc.dat")
    begun = json.loads((await listed(connection, json=True)).output)
    assert begun["unfinished"] == ["20260101T000000Z-aaaaaa"]

    made = await connection.actions["backup.create"].apply({})
    assert made.result is Result.DONE, made.summary
    proved = await connection.actions["backup.verify"].apply({})
    assert proved.result is Result.DONE, proved.summary
    after = json.loads((await listed(connection, json=True)).output)
    assert after["unfinished"] == []
    assert [b["state"] for b in after["backups"]] == ["proved"]
    assert "Uploads" not in client.list_multipart_uploads(Bucket="backups")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"to": "s3://no-such-bucket/x"}, "S3 says NoSuchBucket"),
        ({"to": "s3://backups/x", "endpoint": "http://127.0.0.1:9"}, "EndpointConnectionError"),
    ],
)
async def test_a_bucket_that_refuses_is_said(
    shop: Shop, endpoint: str, changed: dict[str, object], reason: str
) -> None:
    connection = shop.opened(**{"endpoint": endpoint, **AWS, **changed})
    made = await connection.actions["backup.create"].apply({})
    assert made.result is Result.FAILED
    assert reason in made.summary
    assert "testing-secret" not in made.summary
    looked = await connection.checks["backup.age"]()
    assert (looked.status, looked.matters) == (Status.UNKNOWN, False)


async def test_killed_in_the_middle_of_an_upload(shop: Shop, tmp_path: Path) -> None:
    """The bucket's server stands still, so that the upload is under way for sure."""
    port = free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as moto:
        try:
            settings = {"to": "s3://backups/x", "endpoint": f"http://127.0.0.1:{port}", **AWS}
            await _bucket(port)
            with subprocess.Popen(
                [sys.executable, str(PROCESS), "backup.create"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stdin and process.stdout
                process.stdin.write(json.dumps({**shop.settings, **settings}))
                process.stdin.close()
                assert any("storing 1 of" in line for line in process.stdout)
                moto.send_signal(signal.SIGSTOP)
                await asyncio.sleep(0.3)
                process.kill()
            moto.send_signal(signal.SIGCONT)
            connection = shop.opened(**settings)
            assert json.loads((await listed(connection, json=True)).output)["backups"] == []
            again = await connection.actions["backup.create"].apply({"verify": True})
            assert again.result is Result.DONE, again.summary
            assert json.loads((await listed(connection, json=True)).output)["unfinished"] == []
        finally:
            moto.kill()


async def _bucket(port: int) -> None:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    for _ in range(100):
        try:
            client.create_bucket(Bucket="backups")
            return
        except EndpointConnectionError:
            await asyncio.sleep(0.1)
    raise AssertionError("moto does not answer")
