"""Sending the outbox: nothing is lost while a mail server is away, what is refused for good is tried once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from rolerabbit.config import Settings
from rolerabbit.outbox import LONGEST_WAIT_S, MOST_ATTEMPTS, RETRY_S, Sender

WRITE = "INSERT INTO outbox (recipient, subject, body) SELECT unnest(%s::text[]), 'About your data', 'What happened.'"
STAND = "SELECT recipient, attempts, failure FROM outbox WHERE sent_at IS NULL ORDER BY id"


class Office:
    """A mail server in a thread of its own. ``says``: what it answers to an address instead of taking the letter."""

    def __init__(self, port: int = 0) -> None:
        self.taken: list[str] = []
        self.says: dict[str, str] = {}
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.says:
            return self.says[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken += envelope.rcpt_tos
        return "250 OK"

    def __enter__(self) -> Office:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    def _run(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(lambda: SMTP(self), "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.close()


@pytest.fixture
def office() -> Iterator[Office]:
    with Office() as found:
        yield found


@pytest.fixture
def unused_port() -> int:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def sender(database_url: str, port: int) -> tuple[Sender, list[float]]:
    """With a clock that stands until it is moved."""
    now = [1000.0]
    settings = Settings(database_url, smtp_url=f"smtp://127.0.0.1:{port}", mail_per_second=1000)
    return Sender(settings, lambda: now[0]), now


def test_a_mail_server_that_is_away_costs_no_letter_and_no_try(
    database_url: str, rows: Callable[..., Any], unused_port: int
) -> None:
    rows(WRITE, ["ann@example.com", "bob@example.com"])
    sending, now = sender(database_url, unused_port)
    for _ in range(MOST_ATTEMPTS + 2):
        sending.run()
        assert [(to, tries) for to, tries, _ in rows(STAND)] == [("ann@example.com", 0), ("bob@example.com", 0)]
        assert sending.tried_less_than() == 0  # nobody asks again before its time
        now[0] += LONGEST_WAIT_S
    with Office(unused_port) as office:
        sending.run()
    assert (office.taken, rows(STAND)) == (["ann@example.com", "bob@example.com"], [])


def test_what_fails_for_now_is_tried_again_later_and_holds_nobody_up(
    database_url: str, rows: Callable[..., Any], office: Office
) -> None:
    office.says["grey@example.com"] = "451 try again later"
    rows(WRITE, ["grey@example.com", "ann@example.com"])
    sending, now = sender(database_url, office.port)
    sending.run()
    assert (office.taken, rows(STAND)) == (["ann@example.com"], [("grey@example.com", 1, "SMTPRecipientsRefused")])
    rows(WRITE, ["bob@example.com"])
    sending.run()
    assert office.taken == ["ann@example.com", "bob@example.com"]
    assert rows(STAND) == [("grey@example.com", 1, "SMTPRecipientsRefused")]
    del office.says["grey@example.com"]
    now[0] += RETRY_S
    sending.run()
    assert (office.taken[-1], rows(STAND)) == ("grey@example.com", [])


def test_what_always_fails_is_given_up_after_five_tries(
    database_url: str, rows: Callable[..., Any], office: Office
) -> None:
    office.says["grey@example.com"] = "451 try again later"
    rows(WRITE, ["grey@example.com"])
    sending, now = sender(database_url, office.port)
    for tries in range(1, MOST_ATTEMPTS + 1):
        sending.run()
        assert rows(STAND) == [("grey@example.com", tries, "SMTPRecipientsRefused")]
        now[0] += LONGEST_WAIT_S
    sending.run()
    assert rows(STAND)[0][1] == MOST_ATTEMPTS


def test_an_address_that_is_none_and_one_that_is_refused_for_good_are_tried_once(
    database_url: str, rows: Callable[..., Any], office: Office
) -> None:
    office.says["gone@example.com"] = "550 no such mailbox"
    bad = ["gone@example.com", "eve@example.com\r\nBcc: all@example.com", "eve@example.com\nRCPT TO:<x@example.com>"]
    rows(WRITE, [*bad, "ann@example.com"])
    sending, _ = sender(database_url, office.port)
    sending.run()
    assert office.taken == ["ann@example.com"]
    assert rows(STAND) == [(to, MOST_ATTEMPTS, why) for to, why in zip(
        bad, ["SMTPRecipientsRefused", "ValueError", "ValueError"], strict=True)]  # fmt: skip


def test_two_at_once_send_each_letter_once(database_url: str, rows: Callable[..., Any], office: Office) -> None:
    people = [f"p{number}@example.com" for number in range(60)]
    rows(WRITE, people)
    threads = [threading.Thread(target=sender(database_url, office.port)[0].run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (sorted(office.taken), rows(STAND)) == (sorted(people), [])


def test_told_to_end_it_ends_after_the_letter_that_is_under_way(
    database_url: str, rows: Callable[..., Any], office: Office
) -> None:
    rows(WRITE, ["ann@example.com"])
    sending, _ = sender(database_url, office.port)
    sending.halt.set()
    sending.run()
    assert (office.taken, rows(STAND)) == ([], [("ann@example.com", 0, "")])
