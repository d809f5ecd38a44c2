from __future__ import annotations

import os
import signal
import socket
import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from hutch.model.finding import Status
from hutch.ports import TargetConfig
from hutch.providers.postgres import provider


async def test_a_server_that_never_answers_is_unreachable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = {"url": f"postgresql://app:hidden-word@127.0.0.1:{port}/shop", "connect_timeout": 1.0}
        connection = provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
        started = time.monotonic()
        finding = await connection.checks["postgres.reachable"]()
    assert time.monotonic() - started < 5
    assert (finding.status, finding.data["code"]) == (Status.BAD, "postgres.unreachable")


async def test_a_session_that_hangs_is_given_up_and_replaced(server: Any, target: Any) -> None:
    async with target(statement_timeout=0.2) as connection:
        check = connection.checks["postgres.reachable"]
        assert (await check()).status is Status.OK
        with psycopg.connect(server.postgres.url, autocommit=True) as admin:
            found = admin.execute("select pid from pg_stat_activity where usename = 'watcher'").fetchall()
            for [pid] in found:
                os.kill(pid, signal.SIGSTOP)
            try:
                hung = await check()
                again = await check()
            finally:
                for [pid] in found:
                    os.kill(pid, signal.SIGCONT)
    assert (hung.status, "no answer within" in hung.reason) == (Status.UNKNOWN, True)
    assert again.status is Status.OK
