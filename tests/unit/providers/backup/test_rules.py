"""Schedules, retention, and encrypting: the parts that touch nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.places.seal import HEADER, PIECE, Ring, key_from, opened, sealed
from hutch.providers.backup.errors import Damaged, WrongKey
from hutch.providers.backup.retention import Keep, Kept, kept
from hutch.providers.backup.schedule import schedule

NOW = datetime(2026, 11, 26, 21, 17, 30, tzinfo=UTC)  # a Thursday
KEY, OTHER = key_from("00" * 32), key_from("01" * 32)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("6h", "2026-11-26T18:00"),
        ("15m", "2026-11-26T21:15"),
        ("30 2 * * *", "2026-11-26T02:30"),
        ("30 22 * * *", "2026-11-25T22:30"),
        ("*/20 8-17 * * 1-5", "2026-11-26T17:40"),
        ("0 3 * * 0", "2026-11-22T03:00"),
        ("0 3 * * 7", "2026-11-22T03:00"),
        ("0 3 1,15 * *", "2026-11-15T03:00"),
        ("0 3 1 * 5", "2026-11-20T03:00"),  # both days limited: one of them is enough
        ("0 0 29 2 *", "2024-02-29T00:00"),
    ],
)
def test_the_last_time_that_was_due(text: str, last: str) -> None:
    assert schedule(text).last_due(NOW) == datetime.fromisoformat(f"{last}:00+00:00")


@pytest.mark.parametrize(
    "text", ["30s", "0h", "daily", "61 * * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *", "0 0 30 2 *"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="backup: schedule"):
        schedule(text)


def test_the_newest_of_each_day_week_and_month_is_kept() -> None:
    nightly = [Kept(f"d{n}", NOW - timedelta(days=n)) for n in range(60)]
    reasons = kept(nightly, Keep(last=2, daily=4, weekly=3, monthly=2))
    assert list(reasons) == ["d0", "d1", "d2", "d3", "d4", "d11", "d26"]
    assert (reasons["d0"], reasons["d3"], reasons["d11"], reasons["d26"]) == (
        "the newest",
        "daily",
        "weekly",
        "monthly",
    )


@given(st.lists(st.tuples(st.integers(0, 10_000), st.booleans(), st.booleans()), min_size=1, unique_by=lambda t: t[0]))
def test_the_newest_the_newest_proved_and_the_pinned_never_go(rows: list[tuple[int, bool, bool]]) -> None:
    backups = [Kept(str(h), NOW - timedelta(hours=h), pinned, proved) for h, pinned, proved in rows]
    reasons = kept(backups, Keep(0, 0, 0, 0))
    newest = max(backups, key=lambda b: b.at)
    proved = max((b for b in backups if b.proved), key=lambda b: b.at, default=newest)
    assert set(reasons) == {newest.id, proved.id, *(b.id for b in backups if b.pinned)}


@given(st.lists(st.binary(max_size=3000), max_size=8), st.integers(1, 5000))
def test_what_is_sealed_opens_again_in_any_pieces(chunks: list[bytes], size: int) -> None:
    whole = b"".join(sealed(chunks, KEY, "a/b"))
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert b"".join(opened(pieces, KEY, "a/b")) == b"".join(chunks)


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_every_cut_and_every_altered_byte_is_seen(length: int) -> None:
    whole = b"".join(sealed([bytes(length)], KEY, "a"))
    ends = {0, 5, HEADER, HEADER + 5, HEADER + PIECE + 16, len(whole) - 17, len(whole) - 1}
    for cut in sorted(e for e in ends if 0 <= e < len(whole)):
        with pytest.raises(Damaged):
            b"".join(opened([whole[:cut]], KEY, "a"))
    for at in sorted({0, 20, HEADER - 1, HEADER, len(whole) // 2, len(whole) - 1}):
        altered = bytearray(whole)
        altered[at] ^= 1
        with pytest.raises(Damaged):
            b"".join(opened([bytes(altered)], KEY, "a"))
    for more in (whole + b"\0", whole + whole):
        with pytest.raises(Damaged):
            b"".join(opened([more], KEY, "a"))


def test_a_file_is_sealed_for_its_place_and_its_key() -> None:
    whole = b"".join(sealed([b"rows"], KEY, "one/data/1"))
    for key, name in ((KEY, "one/data/2"), (KEY, "two/data/1"), (OTHER, "one/data/1")):
        with pytest.raises(Damaged):
            b"".join(opened([whole], key, name))
    assert KEY.id not in (OTHER.id, "")
    with pytest.raises(WrongKey, match=OTHER.id):
        Ring(KEY).find(OTHER.id)
    assert "0000" not in repr(KEY).replace(KEY.id, "")


@pytest.mark.parametrize("text", ["", "short", "00" * 31, "zz" * 32, "A" * 43])
def test_a_key_is_32_bytes_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        key_from(text)
