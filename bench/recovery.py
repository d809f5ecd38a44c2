"""Bringing back deleted rows beside a plain pg_restore of the same tables, which by itself brings nothing back."""

from __future__ import annotations

import asyncio
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from bench.measure import Figure, Goal, Ratio, line, parts, per_round
from bench.room import scratch
from hutch.bootstrap.wire import find_providers
from hutch.model.action import Result, Verified
from hutch.ports import Connection, TargetConfig
from rolerabbit.embedded.postgres import Postgres

SIZES, ROUNDS = (60_000, 600_000, 2_400_000), 5
"""Rows of both tables together, two of three in the one that others refer to."""

GONE, GONE_CHILDREN = 500, 150
GOAL = Goal(1.3)
JOBS = 2

HOW = (
    "A table and one half as large that refers to it, both in a backup beside a third as large as they are together: "
    "{sizes} rows. {gone} parents and the {gone_children} children that go with them are deleted. The whole: "
    "reading the audit log, fetching and checking the backup, the scratch database, planning, the merge in one "
    "transaction, its verification by hashes, and dropping the scratch database. The floor is `pg_restore --table` of "
    "the two tables from the same archive into an empty database, with as many jobs; it brings no keys and no indexes, "
    "and nothing back. What is done once for each recovery (planning, shaping and dropping the scratch database) "
    "weighs more the smaller the tables are."
)
TABLES = """
create table portfolios (id bigint primary key, title text not null, content text not null, updated_at timestamptz
                         not null default now());
create table pages (id bigint primary key, portfolio_id bigint not null references portfolios (id) on delete cascade,
                    body text not null);
create index on pages (portfolio_id);
create table visits (id bigint primary key, path text not null, at timestamptz not null default now());
create table audit_logs (id bigint generated always as identity primary key, user_id uuid, action text not null,
                         details jsonb not null, created_at timestamptz not null default now());
"""
FILL = """
insert into portfolios select n, 'portfolio ' || n, repeat(md5(n::text), 8) from generate_series(1, {parents}) n;
insert into pages select n, (n - 1) % {parents} + 1, repeat(md5(n::text), 4) from generate_series(1, {children}) n;
insert into visits select n, repeat(md5(n::text), 4) from generate_series(1, {parents} + {children}) n;
"""
DELETE = """
with gone as (delete from portfolios where id in (
    select id from portfolios where id > 0 order by (id <= {gone_children}) desc, id desc limit {gone}) returning id)
insert into audit_logs (action, details) select 'portfolio.deleted', jsonb_build_object('portfolio_id', id) from gone
"""


def measure(quick: bool) -> Figure:
    """Whole recoveries and plain restores in turn, at each size."""
    sizes, rounds = ((3_000, 6_000), 2) if quick else (SIZES, ROUNDS)
    found, archive = {}, 0
    with Postgres.temporary() as server:
        for size in sizes:
            with scratch() as folder:
                found[size], archive = _at(server, folder / "backups", size, rounds)
    ratios = [
        Ratio(
            f"row recovery, {size:,} rows",
            "pg_restore of the same tables",
            per_round(rows, lambda r: r["recovery (s)"] / r["pg_restore (s)"]),
            GOAL,
            parts(rows, "recovery (s)", "pg_restore (s)"),
        )
        for size, rows in found.items()
    ]
    lines = [
        line(name, "rows", "s", {size: [r[f"{name} (s)"] for r in rows] for size, rows in found.items()})
        for name in ("recovery", "pg_restore")
    ]
    how = HOW.format(sizes=" and ".join(f"{size:,}" for size in sizes), gone=GONE, gone_children=GONE_CHILDREN)
    facts: dict[str, str | int | float] = {"the largest archive (MB)": round(archive / 1e6, 1), "jobs": JOBS}
    return Figure("recovery", "Row recovery", how, tuple(ratios), facts, tuple(lines))


def _at(server: Postgres, folder: Path, size: int, rounds: int) -> tuple[list[dict[str, float]], int]:
    name, children = f"shop_{size}", size // 3
    url = server.createdb(name)
    with psycopg.connect(url, autocommit=True) as connection:
        for part in (TABLES, FILL.format(parents=size - children, children=children), "vacuum (analyze)"):
            connection.execute(part.encode())
    found = asyncio.run(_measured(server, url, folder, rounds))
    with psycopg.connect(server.url, autocommit=True) as session:
        session.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    return found


async def _measured(server: Postgres, url: str, folder: Path, rounds: int) -> tuple[list[dict[str, float]], int]:
    provider = find_providers()["backup"]
    settings = {**{s.name: s.default for s in provider.settings}, "url": url, "recover_url": url, "to": str(folder),
                "tools": str(server.bin_dir), "jobs": JOBS}  # fmt: skip
    connection = provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
    try:
        made = await connection.actions["backup.create"].apply({})
        if made.result is not Result.DONE:
            raise RuntimeError(f"no backup: {made.summary}")
        archive, size = _archive(folder)
        found = []
        for number in range(rounds):
            cases = [("recovery (s)", _recovered(connection, url)), ("pg_restore (s)", _restored(server, archive))]
            found.append({name: await case for name, case in (cases if number % 2 == 0 else cases[::-1])})
    finally:
        await connection.close()
    return found, size


def _archive(folder: Path) -> tuple[Path, int]:
    """Where the backup's dump lies, which is not encrypted here, and its bytes."""
    [archive] = [path.parent for path in folder.rglob("toc.dat")]
    return archive, sum(path.stat().st_size for path in archive.iterdir())


async def _recovered(connection: Connection, url: str) -> float:
    """Seconds from asking to all of it being there and proved. ``RuntimeError`` when it is not."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(DELETE.format(gone=GONE, gone_children=GONE_CHILDREN).encode())
    action, args = connection.actions["recover.rows"], {"table": "portfolios"}
    began = time.perf_counter()
    outcome = await action.apply(args)
    verification = await action.verify(args)
    spent = time.perf_counter() - began
    if outcome.hits < GONE + GONE_CHILDREN or verification.verdict is not Verified.PASSED:
        raise RuntimeError(f"not all came back: {outcome.summary}; {verification.summary}")
    return spent


async def _restored(server: Postgres, archive: Path) -> float:
    """Seconds of pg_restore alone."""
    url = server.createdb("plain")
    argv = [str(server.bin_dir / "pg_restore"), "--no-owner", f"--jobs={JOBS}", "--table=portfolios", "--table=pages",
            f"--dbname={url}", str(archive)]  # fmt: skip
    began = time.perf_counter()
    await asyncio.to_thread(subprocess.run, argv, check=True, capture_output=True)
    spent = time.perf_counter() - began
    with psycopg.connect(server.url, autocommit=True) as session:
        session.execute(sql.SQL("drop database plain with (force)"))
    return spent
