"""What a run left alone: the same reason once, with every statement below it, and what would let them run."""

from __future__ import annotations

from datetime import UTC, datetime

from hutch.cli.run_left import how_to_go_on, left_alone, reason_of, short
from hutch.model.action import Command
from hutch.model.effect import Effect
from hutch.model.program import Item, Program
from hutch.model.run import Run

VERCEL = "program vercel is not bound: add vercel: as-is to services.shop.binds or give --bind vercel=VALUE"
HOST = "host a.co is not bound: add a.co: … to services.shop.binds or give --bind a.co=VALUE"
URL = "[deployment-url] has no value: give --set deployment-url=VALUE"
CHANGE = "change in “Step 1” does not run by itself: restarts; it may be asked for"


def run(*skipped: tuple[int, str, str], by_hand: str = "") -> Run:
    def item(line: int, text: str, refused: str = "", manual: str = "") -> Item:
        command = Command("sh", text, "this machine", Effect.READ)
        return Item(f"s{line}", "t", line, command, refused=refused, manual=manual)

    reads = (item(3, by_hand, manual=by_hand),) if by_hand else ()
    program = Program(reads=reads, skipped=tuple(item(*one) for one in skipped))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Run("R-1", 1, "shop", "T", "doc", "", "", "act", at, program)


def test_parts_of_a_reason() -> None:
    found = reason_of(f"{URL}; {VERCEL}; {HOST}")
    assert found.unbound == (("program", "vercel"), ("host", "a.co"))
    assert (found.lacking, found.others) == (("deployment-url",), ())
    assert reason_of(CHANGE).others == (CHANGE,)
    secret = "a database address is a secret; psql -c alone runs"
    assert reason_of(f"{HOST}; {secret}").others == (secret,)
    assert short(f"{URL}; {VERCEL}; {HOST}") == "not bound: program vercel, host a.co; no value: [deployment-url]"
    assert short(CHANGE) == CHANGE


def test_the_same_reason_is_told_once() -> None:
    found = run(
        (9, "vercel ls", VERCEL), (5, "vercel logs\nmore", f"{URL}; {VERCEL}"), (7, "x", CHANGE), by_hand="look"
    )
    assert [*left_alone(found, 80)] == [
        "  program vercel is not bound",
        "      5  vercel logs more",
        "      9  vercel ls",
        "  a person does this",
        "      3  look",
        "  change in “Step 1” does not run by itself: restarts; it may be asked for",
        "      7  x",
    ]


def test_how_more_of_it_runs_names_what_is_open() -> None:
    hosts = [(n, "curl", HOST.replace("a.co", f"{c}.co")) for n, c in enumerate("abcdefg")]
    said = " ".join(" ".join(how_to_go_on(run(*hosts, (9, "x", URL)), 80)).split())
    assert "not bound a.co, b.co, c.co, d.co, e.co and 2 more --bind NAME=VALUE for one run" in said
    assert "no value deployment-url --set NAME=VALUE" in said
    assert [*how_to_go_on(run((7, "x", CHANGE)), 80)] == []
