"""What the palette finds."""

from __future__ import annotations

from hutch.web.present.find import MOST, MOST_ASKED, Hit, found

HITS = (
    Hit("incident", "Checkout is slow", "/incidents/INC-2026-007", "INC-2026-007 · SEV-1 · shop · response"),
    Hit("page", "Runs", "/runs"),
    Hit("service", "shop", "/services/shop/signals"),
    Hit("runbook", "Slow checkout", "/runbooks/shop/slow", "Shop"),
)


def titles(asked: str) -> list[str]:
    return [hit.title for hit in found(HITS, asked)]


def test_all_words_have_to_be_there_in_whatever_case() -> None:
    assert titles("SHOP slow") == ["Checkout is slow", "Slow checkout"]
    assert titles("shop nothing") == []


def test_a_name_that_begins_so_comes_first() -> None:
    assert titles("slow") == ["Slow checkout", "Checkout is slow"]
    assert titles("shop") == ["shop", "Checkout is slow", "Slow checkout"]


def test_it_is_found_by_its_number_and_its_sort() -> None:
    assert titles("inc-2026-007") == ["Checkout is slow"]
    assert titles("runbook slow") == ["Slow checkout"]


def test_without_words_everything_is_there_up_to_the_bound() -> None:
    assert titles("  ") == [hit.title for hit in HITS]
    many = [Hit("page", f"Page {number}", "/") for number in range(MOST + 5)]
    assert len(found(many, "page")) == MOST
    assert found(many, "x " * MOST_ASKED) == ()
