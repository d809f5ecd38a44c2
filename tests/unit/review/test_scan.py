"""The look through a text before it leaves: what it finds, where, and that ordinary updates pass."""

from __future__ import annotations

import time

import pytest

from hutch.model.message import Audience
from hutch.review.scan import scan

CUSTOMERS, RESPONDERS = Audience.CUSTOMERS, Audience.RESPONDERS


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to anna.smith@example.com", "a mail address"),
        ("from 203.0.113.7 on", "an IP address"),
        ("from 2001:db8::17 on", "an IP address"),
        ("password: hunter2", "a password"),
        ("postgresql://app:pw@db/x", "an address with a password"),
        ("AKIAABCDEFGHIJKLMNOP", "a token"),
        ("Jf83hd9Skd83hfKdjf93hfKdlf93hdKs", "a token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("the token was •••", "a masked secret"),
        ("user 123e4567-e89b-12d3-a456-426614174000", "an identifier"),
        ("call +49 30 1234567", "a telephone number"),
        ("db-7.prod.internal was slow", "a name of our inside"),
        ("see /var/log/app.log", "a file or folder"),
        ("SELECT email FROM users", "a statement"),
        ("the table Portfolios was locked", "a word that stays inside"),
    ],
)
def test_what_must_not_leave_is_found_and_not_shown_whole(text: str, kind: str) -> None:
    found = scan(f"A line\n  {text}", CUSTOMERS, ["portfolios"])
    assert [f.kind for f in found if f.kind == kind], found
    assert {f.line for f in found} == {2}
    if not kind.startswith("a word"):
        assert all(len(f.shown) <= 5 for f in found)


def test_an_ordinary_update_passes() -> None:
    text = (
        "[RESOLVED] Service Outage - January 15, 2025\n\n"
        "Impact: Our service was not available from 10:00 AM - 10:45 AM PST\n"
        "Affected: All users, 12 % of requests; version 4.2\n10:00 AM - Disruption detected\n"
        "See https://status.example.com/incidents\n"
    )
    assert scan(text, CUSTOMERS, ["portfolios", "anna"]) == []


def test_responders_may_read_addresses_but_no_secrets() -> None:
    text = "203.0.113.7, db.prod.internal, a@example.com"
    assert scan(text, RESPONDERS) == []
    assert [f.kind for f in scan("token=abcdef123", RESPONDERS)] == ["a password"]


@pytest.mark.parametrize("piece", ["a", "1.", ":1", "@", "a.", "+1 ", "-", "select ", "/var", "password=", "http://a:"])
def test_hostile_text_is_read_in_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    scan(text, CUSTOMERS, ["aaaa"])
    assert time.process_time() - began < 5
    assert [f.kind for f in scan(text * 2, CUSTOMERS)] == ["too long to be looked through"]
