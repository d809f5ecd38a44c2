"""The rule about placeholders: somebody must say where a value comes from before it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from hutch.model.runbook import Placeholder, Runbook
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said
from hutch.runbook.placeholders import normal

GENERIC = frozenset({
    "id", "ids", "name", "names", "number", "value", "url", "uri", "your", "my", "new", "old", "previous", "current",
    "target", "last", "the", "of", "some", "here", "affected", "bad", "good", "insert", "replace", "desired",
})  # fmt: skip
"""Words of a placeholder's name that tell nothing about what is meant."""

GIVEN = ("incident", "service", "alert", "namespace", "instance", "cluster")
"""First words of names whose value the incident, its alert's labels or the service's configuration holds."""

ALSO: Mapping[str, tuple[str, ...]] = {
    "revision": ("history",),
    "commit": ("log", "reflog"),
    "sha": ("log", "reflog"),
    "version": ("history", "tag", "release"),
    "namespace": ("ns",),
    "pid": ("pg_stat_activity", "pgrep", "ps"),
}
"""Words that show values of another name: ``helm history`` lists revisions."""

LONGEST_FRONT = 65536
"""Characters of what stands in front that are searched for every name."""

SECRETS = frozenset({"secret", "key", "password", "token", "passphrase"})
GENERATES = re.compile(r"\b(?:openssl (?:rand|gen\w+)|/dev/u?random|pwgen|uuidgen|apg|ssh-keygen)\b")
"""What makes a new secret: the source of one."""

_WORD = re.compile(r"[A-Za-z_]{2,}")


def placeholder_without_source(page: Page) -> Iterator[Hit]:
    """A placeholder of which nothing before it in the runbook, and nothing in front, says where its value is."""
    front = normal(" ".join(section.text for section in page.document.front)[:LONGEST_FRONT])
    for runbook, said in page.by_runbook():
        told = _told(page, runbook, said)
        seen: set[str] = set()
        for one in said:
            for hole in one.statement.placeholders:
                if hole.name not in seen and not _has_source(hole, one.line, told) and hole.name not in front:
                    yield Hit(
                        one.line,
                        f"nothing before it says where the value of {hole.text} comes from: show the command that"
                        " lists it, or say it in a comment",
                    )
                seen.add(hole.name)


def _told(page: Page, runbook: Runbook, said: Sequence[Said]) -> dict[str, int]:
    """The words of a runbook, without its headings, each with the first line that it stands on."""
    told: dict[str, int] = {}
    for number, line in page.between(runbook.line - 1, max((s.line for s in said), default=0)):
        if number not in page.titles:
            _tell(told, line, number)
            if GENERATES.search(line):
                told.setdefault("a new secret", number)
    for one in said:
        if not one.changes and one.statement.verdict and " list" in one.statement.verdict.why:
            _tell(told, one.statement.verdict.why, one.line)
        _tell(told, one.step.annotations.get("hutch.capture", ""), one.line)
    return told


def _tell(told: dict[str, int], text: str, line: int) -> None:
    for word in _WORD.findall(text):
        for part in {word, *word.split("_")}:
            stem = _stem(part)
            told[stem] = min(line, told.get(stem, line))


def _stem(word: str) -> str:
    lowered = word.lower()
    return lowered[:-1] if lowered.endswith("s") and len(lowered) > 3 else lowered


def _has_source(hole: Placeholder, line: int, told: Mapping[str, int]) -> bool:
    if hole.text.startswith("$"):
        return True  # the environment
    words = [w for w in hole.name.split("-") if w]
    if not words or words[0] in GIVEN:
        return True
    telling = [w for w in words if w not in GENERIC] or words
    if SECRETS & set(telling) and told.get("a new secret", line) < line:
        return True
    stems = [_stem(word) for word in telling]
    return any(told.get(word, line) < line for stem in stems for word in (stem, *ALSO.get(stem, ())))
