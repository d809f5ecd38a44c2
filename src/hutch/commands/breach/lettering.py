"""The letters of a breach: their templates by language, a test, and the gate that queues them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from hutch.commands.acting import act
from hutch.commands.breach.course import load, stage_gate
from hutch.commands.context import CommandError, Context
from hutch.model.breach import Breach, Gate
from hutch.model.incident import Incident
from hutch.model.run import Run
from hutch.review.breach_letters import LANGUAGE, Letter, Template, letter, letter_facts, template_of
from hutch.review.templating import LONGEST, TemplateError

FOLDER = "letters"
RESETS = "letters/reset"
"""Those of a forced reset."""
Given = Mapping[str, str]
"""Templates of a moment by language, where they are not the usual ones."""


def campaign(incident_id: str) -> str:
    """What the letters of a breach are called in the service's outbox."""
    return f"breach {incident_id}"


def usual(context: Context, folder: str = FOLDER) -> dict[str, str]:
    """The text of each template by its language, the default one first: the team's own go before those of the library.
    Raises :class:`CommandError` where one can't be read or there is none in the default language."""
    own, default = context.config.notify.templates, context.config.notify.language
    places = [Path(str(resources.files("hutch.library"))), *([Path(own)] if own else [])]
    known = {path.stem: path for place in places for path in sorted((place / folder).glob("*.txt"))}
    if wrong := [str(path) for name, path in known.items() if not LANGUAGE.fullmatch(name)]:
        raise CommandError(f"{wrong[0]}: a letter is named by its language, such as de.txt or pt-br.txt", 2)
    if default not in known:
        raise CommandError(f"notify.language is {default!r}, and there are letters in: {', '.join(sorted(known))}", 2)
    return {name: _text(known[name]) for name in sorted(known, key=lambda name: (name != default, name))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")[: LONGEST + 1]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from error


def drafted(context: Context, state: Incident, found: Breach, contact: str, given: Given) -> tuple[Letter, ...]:
    """The letter in each language, the default one first. Raises :class:`CommandError` where a template is none."""
    known = {language: template_of(text) for language, text in usual(context).items()}
    default = next(iter(known.values()))
    for language, text in given.items():
        if not LANGUAGE.fullmatch(language):
            raise CommandError(f"{language[:40]!r} is no language such as de or pt-br", 2)
        before = known.get(language, Template("", default.subject))
        known[language] = template_of(text, before)
    return tuple(
        _drafted(language, template, letter_facts(state, found, contact, template.words))
        for language, template in known.items()
    )


def resetting(context: Context, service: str) -> Mapping[str, object]:
    """The letter of a forced reset in each language, as the action takes it. Raises :class:`CommandError`."""
    facts = {"service": service}
    return _written([_drafted(name, template_of(text), facts) for name, text in usual(context, RESETS).items()])


def _written(letters: Sequence[Letter]) -> Mapping[str, object]:
    first, *others = letters
    return {
        "subject": first.subject, "body": first.text, "language": first.language,
        "translations": {one.language: {"subject": one.subject, "body": one.text} for one in others},
    }  # fmt: skip


def _drafted(language: str, template: Template, facts: Mapping[str, object]) -> Letter:
    try:
        return letter(language, template, facts)
    except TemplateError as error:
        raise CommandError(f"the letter's template ({language}): {error}", 2) from error


async def letters_gate(context: Context, incident_id: str, given: Given, contact: str) -> Gate:
    """The gate `people` with the letters as its action, made of the assessment. Raises :class:`CommandError`."""
    state, found = await load(context, incident_id)
    gate = stage_gate(found, "people")
    narrowed = found.figures.get("narrowed")
    if "people" not in found.figures or not isinstance(narrowed, Mapping):
        raise CommandError("the assessment was told by a person, so nobody knows whom to write to; tick people too")
    letters = drafted(context, state, found, contact, given)
    for one in letters:
        if one.open:
            raise CommandError(f"the letter ({one.language}) still has {', '.join(one.open)}", 2)
    args = {
        "campaign": campaign(incident_id), **_written(letters), "recipients": found.figures["people"],
        "since": found.figures["since"], "until": found.figures["until"],
        "addresses": list(narrowed["addresses"]), "accounts": list(narrowed["accounts"]),
    }  # fmt: skip
    return Gate(gate.id, gate.stage, gate.title, "letters.queue", args)


async def try_letter(
    context: Context, incident_id: str, given: Given, contact: str, language: str, to: str, actor: str
) -> Run:
    """Start the run that sends the letter in one language (empty: the default one) to one address of ours. Raises
    :class:`CommandError`."""
    state, found = await load(context, incident_id)
    one = chosen(drafted(context, state, found, contact, given), language)
    args = {"campaign": campaign(incident_id), "subject": one.subject, "body": one.text, "to": to}
    service = context.service(state.service)
    return await act(context, service, "letters.test", args, "Try the letter", actor, incident=incident_id)


def chosen(letters: tuple[Letter, ...], language: str) -> Letter:
    """The letter in that language; empty: the default one. Raises :class:`CommandError`."""
    found = next((one for one in letters if language in ("", one.language)), None)
    if found is None:
        known = ", ".join(one.language for one in letters)
        raise CommandError(f"no letter in {language[:40]!r}; there are: {known}", 2)
    return found
