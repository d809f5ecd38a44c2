"""Letters to everybody whom a breach reached: queued by Hutch, sent by RoleRabbit, whose replica is killed."""

from __future__ import annotations

import asyncio
import smtplib
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.policy import SMTP
from pathlib import Path
from typing import Any

import psycopg

from bench.mailbox import mailbox
from bench.measure import Figure, Ratio, spread
from bench.replica import Replicas, service
from hutch.model.action import Result
from hutch.ports import TargetConfig
from hutch.providers.audit import provider
from rolerabbit.mail import SENDER, Letter, message

KILLS = 3
BARE = 1000
"""Letters that the bare sender sends."""
PATIENCE_S = 3600.0

REACHED = """
WITH made AS (
    INSERT INTO users (email, password_hash) SELECT 'reached-' || n || '@example.com', 'x' FROM generate_series(1, %s) n
    RETURNING id
)
INSERT INTO audit_logs (user_id, action, details, ip_address)
SELECT id, 'data.exported', '{"records": 3}', '198.18.0.7' FROM made"""
WAITING = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"

HOW = (
    "{many:,} users are reached by a breach. Hutch queues one letter for each in RoleRabbit's outbox, in one "
    "statement; a replica sends them to a mail server (aiosmtpd) in a process of its own, one after the other, "
    "each on record before the next. The replica is ended by kill -9 {kills} times on the way, and another one is "
    "started. Lost is who got no letter; doubled is who got two with different ids. A letter that was on its way "
    "at a kill may come again with the same Message-ID, by which mail servers know it. The floor is a bare "
    "smtplib loop that sends letters as long to the same server, without any record. Goal: 0 lost, 0 doubled."
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a campaign. ``again``: letters that came twice with the same id."""

    queued_s: float
    sent_s: float
    lost: int
    doubled: int
    again: int


def measure(quick: bool) -> Figure:
    """A campaign, then the bare loop."""
    many, kills = (200, 1) if quick else (100_000, KILLS)
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as name:
        folder = Path(name)
        before = _bare(folder, min(many, BARE))
        found = deliver(folder, many, kills)
        after = _bare(folder, min(many, BARE))
    ratio = Ratio("a letter", "bare smtplib", spread([(found.sent_s / many) / bare for bare in (before, after)]))
    met = found.lost == 0 and found.doubled == 0
    facts: dict[str, str | int | float] = {
        "letters": many,
        "kills": kills,
        "queued in (s)": round(found.queued_s, 2),
        "sent in (s)": round(found.sent_s, 1),
        "letters a second": round(many / found.sent_s, 1),
        "lost": found.lost,
        "doubled": found.doubled,
        "came again with the same id, at a kill": found.again,
        "goal 0 lost, 0 doubled": "met" if met else "missed",
    }
    return Figure("letters", "Letters of a breach", HOW.format(many=many, kills=kills), (ratio,), facts)


def deliver(folder: Path, many: int, kills: int) -> Delivered:
    """Queue and send the letters, killing the replica at equal parts of the way."""
    kept = folder / "letters.txt"
    kept.touch()
    with (
        mailbox(kept) as port,
        service(SMTP_URL=f"smtp://127.0.0.1:{port}", RR_MAIL_PER_SECOND="1000") as replicas,
        psycopg.connect(replicas.database_url, autocommit=True) as session,
    ):
        session.execute(REACHED, [many])
        began = time.monotonic()
        asyncio.run(_queue(replicas.database_url, many))
        queued = time.monotonic()
        _send(replicas, session, many, kills)
        ended = time.monotonic()
    lines = [line.split("\t") for line in kept.read_text().splitlines()]
    ids = Counter(letter for _, letter in lines)
    got: dict[str, set[str]] = {}
    for to, letter in lines:
        got.setdefault(to, set()).add(letter)
    doubled = sum(len(letters) > 1 for letters in got.values())
    return Delivered(queued - began, ended - queued, many - len(got), doubled, sum(ids.values()) - len(ids))


async def _queue(url: str, many: int) -> None:
    connection = provider.open(TargetConfig("shop", {"url": url, "operator_url": url}, lambda: datetime.now(UTC)))
    now = datetime.now(UTC)
    args = {
        "campaign": "breach INC-1", "subject": "About your data", "body": "What happened to it.\n" * 60,
        "since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat(),
        "addresses": [], "accounts": [], "recipients": many,
    }  # fmt: skip
    try:
        outcome = await connection.actions["letters.queue"].apply(args)
    finally:
        await connection.close()
    if outcome.result is not Result.DONE or outcome.hits != many:
        raise RuntimeError(f"the letters were not queued: {outcome.summary}")


def _send(replicas: Replicas, session: psycopg.Connection[Any], many: int, kills: int) -> None:
    killed, deadline = 0, time.monotonic() + PATIENCE_S
    while True:
        row = session.execute(WAITING).fetchone()
        left = row[0] if row else 0
        if not left:
            return
        if killed < kills and many - left > many * (killed + 1) / (kills + 1):
            replicas.kill()
            replicas.start()
            killed += 1
        if time.monotonic() > deadline:
            raise RuntimeError(f"{left} letters were not sent within {PATIENCE_S:g} s")
        time.sleep(0.2 if left > 1000 else 0.02)


def _bare(folder: Path, many: int) -> float:
    """Seconds that one letter takes a bare sender."""
    letters = [
        Letter(n, f"reached-{n}@example.com", "About your data", "What happened to it.\n" * 60) for n in range(many)
    ]
    with mailbox(folder / "bare.txt") as port, smtplib.SMTP("127.0.0.1", port) as server:
        data = message(letters[0]).as_bytes(policy=SMTP)
        began = time.monotonic()
        for letter in letters:
            server.sendmail(SENDER, [letter.recipient], data)
        return (time.monotonic() - began) / many
