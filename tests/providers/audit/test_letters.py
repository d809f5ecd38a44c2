"""Letters to many, each in the language of its reader: who gets which, who falls back, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect

REACH, STATUS = "breach.reach", "letters.status"
LETTER = {"subject": "Your data", "body": "What happened.\n"}
OTHERS = {
    "de": {"subject": "Ihre Daten", "body": "Was geschah.\n"},
    "pt-br": {"subject": "Seus dados", "body": "O que aconteceu.\n"},
}
SPAN: dict[str, object] = {
    "since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z", "addresses": [], "accounts": [],
}  # fmt: skip
READ = ("de", "de-AT", "DE_ch", "pt-BR", "pt", "it", "", "en", "en-GB")
"""The tags of the people who were reached."""


@pytest.fixture
def reached(service: Any) -> Iterator[Any]:
    service.admin.execute("grant select, insert on outbox to operator")
    for person, tag in zip(service.users(len(READ)), READ, strict=True):
        service.admin.execute("update users set language = %s where id = %s", [tag, person])
        service.did("data.exported", person, 1)
    yield service
    service.admin.execute("truncate outbox")


def asked(recipients: object = len(READ), **more: object) -> dict[str, object]:
    return {"campaign": "breach INC-1", **LETTER, "translations": OTHERS, "recipients": recipients, **SPAN, **more}


async def test_everybody_gets_it_once_in_their_language_and_who_falls_back_is_counted(
    reached: Any, target: Any
) -> None:
    async with target() as connection:
        queue = connection.actions["letters.queue"]
        preview = await queue.preview(asked())
        outcome, again = await queue.apply(asked()), await queue.apply(asked())
        verified = await queue.verify(asked())
    counted = "by language: 3 de, 5 en, 1 pt-br; 3 of them fell back to en"
    assert [item for item in preview.items if item.startswith(counted)]
    assert {"subject (de): Ihre Daten", "subject (en): Your data", "subject (pt-br): Seus dados"} <= set(preview.items)
    assert (outcome.hits, again.hits, verified.verdict) == (len(READ), 0, Verified.PASSED)
    assert outcome.summary.startswith(f"{len(READ)} letters were queued; {counted}")
    rows = reached.admin.execute(
        "select u.language, o.subject from outbox o join users u on u.id = o.user_id order by 1"
    ).fetchall()
    german = {tag for tag, subject in rows if subject == "Ihre Daten"}
    assert german == {"de", "de-AT", "DE_ch"}
    assert [tag for tag, subject in rows if subject == "Seus dados"] == ["pt-BR"]
    bodies = reached.admin.execute("select distinct subject, body from outbox").fetchall()
    assert sorted(bodies) == sorted((one["subject"], one["body"]) for one in (LETTER, *OTHERS.values()))


async def test_a_service_that_keeps_no_language_sends_all_of_them_the_default_one(reached: Any, target: Any) -> None:
    async with target(columns={"language": "tongue"}) as connection:
        outcome = await connection.actions["letters.queue"].apply(asked())
    assert "by language: 9 en; 9 of them fell back to en" in outcome.summary


async def test_a_letter_in_one_language_goes_to_all_and_more_than_approved_get_none(reached: Any, target: Any) -> None:
    async with target() as connection:
        queue = connection.actions["letters.queue"]
        many = await queue.apply(asked(recipients=len(READ) - 1))
        one = await queue.apply(asked(translations={}, language="fr"))
    assert (many.result, "more than the 8 that were approved" in many.summary) == (Result.FAILED, True)
    assert "by language: 9 fr; 9 of them fell back to fr" in one.summary


async def test_nobody_reached_is_an_empty_list_of_letters(service: Any, target: Any) -> None:
    service.admin.execute("grant select, insert on outbox to operator")
    async with target() as connection:
        queue = connection.actions["letters.queue"]
        preview, outcome, verified = [await do(asked(0)) for do in (queue.preview, queue.apply, queue.verify)]
    assert (preview.hits, outcome.result, outcome.hits) == (0, Result.DONE, 0)
    assert verified.verdict is Verified.PASSED
    assert "by language: nobody" in outcome.summary


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"subject": "Your data\r\nBcc: all@example.com"}, "subject must be one line"),
        ({"translations": {"de": {"subject": "Ihre\nBcc: x@example.com", "body": "x"}}}, "subject must be one line"),
        ({"translations": {"de": {"subject": "Ihre Daten", "body": " "}}}, "body must be text"),
        ({"translations": {"de": "Guten Tag"}}, "translations must hold a subject and a body"),
        ({"translations": ["de"]}, "translations must hold a subject and a body"),
        ({"translations": {"de\nBcc": {"subject": "x", "body": "x"}}}, "is no language such as de"),
    ],
)
async def test_a_letter_that_holds_a_header_or_nothing_is_refused(
    reached: Any, target: Any, more: dict[str, object], said: str
) -> None:
    async with target() as connection:
        queue = connection.actions["letters.queue"]
        preview, outcome = await queue.preview(asked(**more)), await queue.apply(asked(**more))
    assert said in preview.refused
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert reached.count("outbox") == 0


@pytest.mark.parametrize(
    "to",
    ["a@example.com\nBcc: all@example.com", "a@example.com\rX: y", "a@example.com, b@example.com", "a@b@c", "ann", "@"],
)
async def test_a_test_goes_to_one_address_and_to_no_header(reached: Any, target: Any, to: str) -> None:
    async with target() as connection:
        outcome = await connection.actions["letters.test"].apply({"campaign": "x", **LETTER, "to": to})
    assert (outcome.result, "to must be one mail address" in outcome.summary) == (Result.FAILED, True)
    assert reached.count("outbox") == 0


async def test_letters_that_bounce_are_counted_with_the_reason_and_not_queued_again(reached: Any, target: Any) -> None:
    async with target() as connection:
        await connection.actions["letters.queue"].apply(asked())
        reached.admin.execute(
            "update outbox set attempts = 5, failure = 'SMTPRecipientsRefused'"
            " where id in (select id from outbox order by id limit 2)"
        )
        reached.admin.execute("update outbox set sent_at = now() where attempts = 0")
        again = await connection.actions["letters.queue"].apply(asked())
        told = await connection.runs[STATUS](
            Command(STATUS, STATUS, "", Effect.READ, args={"campaign": "breach INC-1"})
        )
    assert again.hits == 0
    assert json.loads(told.output) == {
        "letters": len(READ), "sent": len(READ) - 2, "waiting": 0, "failed": 2, "why": ["SMTPRecipientsRefused"],
    }  # fmt: skip


async def test_the_assessment_says_which_languages_they_read(reached: Any, target: Any) -> None:
    async with target() as connection:
        outcome = await connection.runs["breach.reach"](Command(REACH, REACH, "", Effect.READ, args=SPAN))
    languages = json.loads(outcome.output)["languages"]
    assert languages == {tag.lower().replace("_", "-"): 1 for tag in READ}
