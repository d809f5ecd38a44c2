"""What ruins a whole server, so each test has one of its own: damaged pages, numbers used up, a server that hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutch.model.finding import Cause, Finding, Status
from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.embedded.wheel import Account

JUMP = 1_500_000_000
"""Transactions to skip: 70 % of what there are."""
SEGMENT = 32 * 8192 * 4
"""Transactions whose state lies in one file of pg_xact: 32 pages, four a byte."""


async def looked(url: str, **settings: object) -> list[Finding]:
    connection = provider.open(TargetConfig("shop", {"url": url, **settings}, lambda: datetime.now(UTC)))
    try:
        return list(await asyncio.gather(*(check() for check in connection.checks.values())))
    finally:
        await connection.close()


def explained(findings: list[Finding]) -> list[Cause]:
    return list(provider.explain(findings))


async def test_a_flipped_page_is_found_by_its_checksum() -> None:
    with Postgres.temporary() as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("create table ledger as select repeat('x', 100) as text from generate_series(1, 500)")
            admin.execute("checkpoint")
            [path] = _row(admin, "select pg_relation_filepath('ledger')")
        assert explained(await looked(server.url, sample_gap=0.1)) == []
        server.stop()
        with (server.data_dir / str(path)).open("r+b") as file:
            file.seek(8192 + 4000)
            file.write(b"\x00\xff" * 50)
        server.start()
        with psycopg.connect(server.url, autocommit=True) as admin, pytest.raises(psycopg.errors.DataCorrupted):
            admin.execute("select count(*) from ledger where text like '%y'")
        [cause] = explained(await looked(server.url, sample_gap=0.1))
    assert (cause.code, cause.object.kind, cause.object.id) == ("postgres.corruption", "database", "postgres")
    assert "does not match its checksum" in cause.evidence[0]


def _row(session: psycopg.Connection, text: str) -> tuple[Any, ...]:
    row = session.execute(text.encode()).fetchone()
    assert row
    return tuple(row)


async def test_a_full_disk_is_found_without_knowing_its_size() -> None:
    with Postgres.temporary() as server:
        connection = provider.open(TargetConfig("shop", {"url": server.url}, lambda: datetime.now(UTC)))
        try:
            well = await connection.checks["postgres.disk"]()
            with psycopg.connect(server.url) as admin:
                _no_room(server, [pid for [pid] in admin.execute("select pid from pg_stat_activity")])
            full = await connection.checks["postgres.disk"]()
        finally:
            await connection.close()
    assert (well.status, "it has room now" in well.reason) == (Status.UNKNOWN, True)
    [cause] = provider.explain([full])
    assert (full.status, cause.code, cause.object.id) == (Status.BAD, "postgres.disk_full", "postgres")
    assert "No space left on device" in cause.evidence[0]


def _no_room(server: Postgres, pids: list[int]) -> None:
    """The next temporary files of these sessions lie on the device that has no room for anything."""
    folder = server.data_dir / "base" / "pgsql_tmp"
    for name in (f"pgsql_tmp{pid}.{number}" for pid in pids for number in range(20)):
        if not (folder / name).exists():
            (folder / name).symlink_to("/dev/full")


async def test_transaction_numbers_that_run_out_name_the_oldest_table() -> None:
    with Postgres.temporary(autovacuum_freeze_max_age=2_000_000_000) as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("create table forgotten as select n from generate_series(1, 1000) n")
        assert explained(await looked(server.url, sample_gap=0.1)) == []
        server.stop()
        _skip_to(server, JUMP)
        server.start()
        with psycopg.connect(server.url, application_name="young") as innocent:
            innocent.execute("create temporary table basket (n int)")
            found = await looked(server.url, sample_gap=0.1)
    [cause] = [c for c in explained(found) if c.code == "postgres.wraparound"]
    assert cause.object.kind == "table"
    assert "of the transaction numbers are used up" in cause.summary
    assert cause.remedies[0].action == "postgres.vacuum"
    assert cause.remedies[0].args["freeze"] is True


def _skip_to(server: Postgres, number: int) -> None:
    """Move the next transaction's number, as pg_resetwal lets one, with the page of states that it needs."""
    account = Account.current()
    start = number - number % SEGMENT
    segment = server.data_dir / "pg_xact" / f"{start // SEGMENT:04X}"
    segment.write_bytes(bytes(32 * 8192))
    account.own(segment)
    command = [str(server.bin_dir / "pg_resetwal"), "-f", "-x", str(start + 100), str(server.data_dir)]
    subprocess.run(command, check=True, capture_output=True, timeout=60, **account.popen_options())


@contextmanager
def hanging(server: Postgres) -> Iterator[None]:
    """Every process of the server stands still."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    pids = [server.pid, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


async def test_a_server_that_hangs_or_is_gone_is_said_soon_by_every_check() -> None:
    with Postgres.temporary() as server:
        with hanging(server):
            began = time.monotonic()
            found = await looked(server.url, connect_timeout=1.0)
            took = time.monotonic() - began
        assert took < 8.0
        assert {finding.status for finding in found} == {Status.BAD}
        [cause] = explained(found)
        assert cause.code == "postgres.unreachable"
        server.stop()
        began = time.monotonic()
        [cause] = explained(await looked(server.url))
        assert time.monotonic() - began < 2.0
        assert cause.code == "postgres.unreachable"
