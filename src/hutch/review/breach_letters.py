"""The letters of a breach, in the languages of those who get them: what a template says, and what is made of it. Pure.

A template's first lines say its subject and what kinds of data are called; the rest is the letter. What has to be in
it is what Art. 34(2) GDPR asks for: what happened, its likely consequences, what was done and what to do, whom to ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hutch.model.breach import Breach
from hutch.model.incident import Incident
from hutch.review.breach_documents import categories_of, moment_of, open_places, to_say
from hutch.review.templating import TemplateError, render

LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")
"""A tag of a language as templates are named: small letters, de or pt-br."""
_HEADER: Final = re.compile(r"(Subject|Data): *(.*)")
LONGEST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Template:
    """``words`` are the kinds of data in its language; one that is not among them stands as it is."""

    body: str
    subject: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """The letter as those get it who read this language."""

    language: str
    subject: str
    text: str

    @property
    def open(self) -> list[str]:
        """What is still to be said in it."""
        return open_places(self.text)


def template_of(text: str, usual: Template | None = None) -> Template:
    """Read one. What its first lines do not say is as in the ``usual`` one of its language.

    >>> template_of("Subject: Ihre Daten\\nData: none = keine, account = Konto\\n\\nGuten Tag")
    Template(body='Guten Tag', subject='Ihre Daten', words={'none': 'keine', 'account': 'Konto'})
    """
    usual = usual or Template("")
    lines, subject, words = text.strip().splitlines(keepends=True), usual.subject, usual.words
    while lines and (found := _HEADER.fullmatch(lines[0].rstrip())):
        lines.pop(0)
        if found[1] == "Subject":
            subject = found[2]
        else:
            words = dict(_word(pair) for pair in found[2].split(","))
    return Template("".join(lines).strip(), subject, words)


def _word(pair: str) -> tuple[str, str]:
    name, _, word = pair.partition("=")
    return name.strip(), word.strip() or name.strip()


def letter(language: str, template: Template, facts: Mapping[str, object]) -> Letter:
    """The letter in one language. Raises :class:`TemplateError`."""
    if not template.subject or len(template.subject) > LONGEST_SUBJECT or not template.subject.isprintable():
        raise TemplateError(1, f"'Subject: …' must be one line of at most {LONGEST_SUBJECT} characters")
    return Letter(language, template.subject, render(template.body, facts, "letter").strip() + "\n")


def letter_facts(state: Incident, found: Breach, contact: str, words: Mapping[str, str]) -> Mapping[str, object]:
    """What the letter to those whom a breach reached may use: service, since, until, categories, contact. That of a
    forced reset has the service alone."""
    kinds = categories_of(found.figures) or ["none"]
    return {
        "service": state.service, "contact": contact.strip() or to_say("whom to ask"),
        "categories": ", ".join(words.get(kind, kind) for kind in kinds),
        "since": moment_of(found.figures.get("since")), "until": moment_of(found.figures.get("until")),
    }  # fmt: skip
