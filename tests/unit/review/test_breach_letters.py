"""The letters of a breach in each language: all that Art. 34 GDPR asks for, and nothing half-filled."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest

from hutch.model.breach import Breach
from hutch.model.incident import Incident, Phase
from hutch.model.severity import Severity
from hutch.review.breach_letters import Letter, Template, letter, letter_facts, template_of
from hutch.review.templating import TemplateError

FOLDER = Path(str(resources.files("hutch.library"))) / "letters"
LANGUAGES = ("de", "en", "es", "fr")
ITEMS = {
    "what happened": "Art. 34(2), 33(3)(a)",
    "the likely consequences": "Art. 33(3)(c)",
    "the measures": "Art. 33(3)(d)",
    "whom to ask": "Art. 33(3)(b)",
}
"""What Art. 34(2) GDPR wants in clear and plain language, as each letter marks it."""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIGURES = {
    "categories": ["account", "activity", "portfolios", "profile", "sessions"],
    "since": "2026-03-01T09:10:00+00:00", "until": "2026-03-01T11:40:00+00:00",
}  # fmt: skip
STATE = Incident("INC-2026-001", 1, "a breach", "shop", Severity.SEV1, Phase.RESPONSE, NOON, NOON)
FOUND = Breach("amber", NOON, NOON, figures=FIGURES)
CONTACT = "Mara Example, privacy@example.com"


def written(language: str, contact: str = CONTACT) -> Letter:
    text = (FOLDER / f"{language}.txt").read_text(encoding="utf-8")
    return of_breach(language, text, FOUND, contact)


def of_breach(language: str, text: str, found: Breach, contact: str) -> Letter:
    template = template_of(text)
    return letter(language, template, letter_facts(STATE, found, contact, template.words))


def parts(language: str) -> dict[str, str]:
    """The template's text after each mark."""
    text = (FOLDER / f"{language}.txt").read_text(encoding="utf-8")
    _, *found = re.split(r"\{# (.*?) -?#\}", text)
    return dict(zip(found[::2], found[1::2], strict=True))


def test_these_languages_are_shipped() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.txt"))) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_letter_has_every_item_of_article_34(language: str) -> None:
    found = parts(language)
    assert set(found) == {f"{article}: {item}" for item, article in ITEMS.items()}
    happened, consequences, measures, whom = (found[f"{ITEMS[item]}: {item}"].strip() for item in ITEMS)
    assert all(fact in happened for fact in ("{{ service }}", "{{ since }}", "{{ until }}", "{{ categories }}"))
    assert len(consequences.split()) >= 25
    assert len(measures.split("\n\n")) == 2 and all(len(one.split()) >= 12 for one in measures.split("\n\n"))
    assert whom.endswith("{{ contact }}")
    done = written(language)
    assert all(one.split("{{")[0].strip() in done.text for one in (happened, consequences, measures, whom))
    for fact in ("shop", "2026-03-01 09:10 UTC", "2026-03-01 11:40 UTC", CONTACT):
        assert fact in done.text
    assert (done.open, "{" in done.text, "Art." in done.text) == ([], False, False)


def test_no_language_is_another_one_s_copy() -> None:
    letters = [written(language) for language in LANGUAGES]
    assert len({one.subject for one in letters}) == len(LANGUAGES)
    lines = [line for one in letters for line in set(one.text.splitlines()) if line]
    assert len(lines) == len(set(lines))


def test_a_forced_reset_has_a_letter_in_each_of_the_languages_that_a_breach_has() -> None:
    found = {path.stem: path.read_text(encoding="utf-8") for path in sorted((FOLDER / "reset").glob("*.txt"))}
    assert tuple(found) == LANGUAGES
    letters = [letter(name, template_of(text), {"service": "shop"}) for name, text in found.items()]
    lines = [line for one in letters for line in {one.subject, *one.text.splitlines()} if line]
    assert len(lines) == len(set(lines))
    assert all("shop" in one.text and "{" not in one.text and "http" not in one.text for one in letters)


def test_kinds_of_data_are_called_by_their_words_in_the_language() -> None:
    assert "Konto, Aktivitäten, Portfolios, Profil, Sitzungen." in written("de").text
    other = Breach("amber", NOON, NOON, figures={**FIGURES, "categories": ["account", "heartbeats"]})
    text = (FOLDER / "de.txt").read_text(encoding="utf-8")
    assert "Konto, heartbeats." in of_breach("de", text, other, CONTACT).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_contact_no_letter_is_whole(language: str) -> None:
    assert written(language, " ").open == ["[to be said: whom to ask]"]


@pytest.mark.parametrize("subject", ["", "x" * 201, "Your data\x0bBcc: all@example.com", "Your data\0"])
def test_a_subject_that_is_no_line_is_refused(subject: str) -> None:
    with pytest.raises(TemplateError, match="must be one line"):
        letter("en", Template("Hello", subject), {})


def test_what_a_template_does_not_say_is_as_in_the_usual_one() -> None:
    usual = template_of("Subject: Ihre Daten\nData: account = Konto\n\nGuten Tag")
    assert template_of("Hallo", usual) == Template("Hallo", "Ihre Daten", {"account": "Konto"})
    assert template_of("Subject: Neu\n\nHallo", usual) == Template("Hallo", "Neu", {"account": "Konto"})
    assert template_of("Hallo, Subject: nicht", usual).subject == "Ihre Daten"
