"""What the words of a heading or bold label say: its role, and its number among steps or options.

The tables are data. A heading counts as a section's only if it is short: a long one is a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from hutch.model.runbook import Role

LONGEST_TITLE = 7
"""Words; a longer heading is a sentence that happens to contain such a word."""

ROLE_WORDS: tuple[tuple[Role, str], ...] = (
    (
        Role.COMMUNICATION,
        "communication communications communicate communicating stakeholder stakeholders messaging"
        "|status update|status updates",
    ),
    (
        Role.NOTIFICATION,
        "notification notifications notify notifying escalation escalations escalate escalating"
        "|who to contact|who to call|whom to call",
    ),
    (Role.TEMPLATE, "template templates"),
    (
        Role.VERIFICATION,
        "verification verify verifying validation validate validating confirm confirmation|post check|post checks"
        "|smoke test|smoke tests|test the fix|testing the fix|after the fix|success criteria|exit criteria",
    ),
    (
        Role.PREVENTION,
        "prevention prevent preventing preventive preventative recurrence hardening followup postmortem|follow up"
        "|long term|lessons learned|action items|post mortem|post incident",
    ),
    (
        Role.RESOLUTION,
        "resolution resolutions resolve resolving mitigation mitigations mitigate mitigating remediation"
        " remediations remediate remedy remedies fix fixes fixing solution solutions workaround workarounds"
        " repair repairs repairing procedure procedures eradication eradicate|stop the bleeding|how to act",
    ),
    (Role.RECOVERY, "recovery recover recovering restoration restore restoring"),
    (
        Role.SYMPTOMS,
        "symptom symptoms meaning impact indicators signs trigger triggers|when to|when it fires|user impact"
        "|what happened|what is happening|what does it mean|what this means|to reproduce",
    ),
    (Role.DETECTION, "detection detect detecting"),
    (
        Role.DIAGNOSIS,
        "diagnosis diagnose diagnosing diagnostic diagnostics investigation investigate investigating"
        " troubleshooting troubleshoot debugging debug triage assessment assess cause causes analysis analyze analyse"
        " analyzing diagnoses|check|checks|checking|inspect|inspection|preliminary checks",
    ),
    (
        Role.ACTIONS,
        "actions action steps containment contain|first response|initial response|immediate response|what to do"
        "|what should i do|what do i do|what now|how to respond|first aid",
    ),
    (
        Role.OVERVIEW,
        "overview introduction summary description background context purpose scope about architecture|how it works",
    ),
    (
        Role.REFERENCE,
        "reference references contents links appendix glossary metrics thresholds dashboards resources"
        " contacts contact prerequisites prerequisite requirements notes faq owner owners changelog"
        " related|see also|further reading|additional information|pre requisites|pre requisite|before you begin"
        "|before you start|useful commands|useful queries|useful links|handy commands|change history"
        "|revision history|version history|alert definition|alert details|alert expression|known issues",
    ),
)
"""Roles in order of precedence: "Communication Template" is communication, "Resolution Steps" resolution.

``|`` parts groups; a group of one part is a list of words, later groups are phrases.
"""

ALONE: Mapping[str, Role] = {
    "runbook": Role.ACTIONS,
    "playbook": Role.ACTIONS,
    "response": Role.ACTIONS,
    "to do": Role.ACTIONS,
    "commands": Role.REFERENCE,
    "queries": Role.REFERENCE,
    "logs": Role.DIAGNOSIS,
    "alert": Role.SYMPTOMS,
    "severity": Role.SYMPTOMS,
    "testing": Role.VERIFICATION,
}
"""Titles that have a role only if nothing else stands beside them: "Redis Runbook" is a name."""

REMEDY_VERBS = frozenset(
    [
        "rollback",
        "roll",
        "scale",
        "scaling",
        "restart",
        "failover",
        "block",
        "rotate",
        "reset",
        "upgrade",
        "switch",
        "drain",
        "redeploy",
        "revert",
        "backout",
        "undo",
        "restarting",
        "cleanup",
        "failback",
    ]
)
"""Words that make a heading without any role a remedy: "Database Rollback", "Scale Down"."""

REMEDY_STARTS = frozenset({
    "apply", "bypass", "clean", "clear", "cordon", "disable", "evict", "expand", "extend", "fail", "flush", "free",
    "increase", "kill", "pause", "promote", "purge", "raise", "rebuild", "recreate", "remove", "renew", "replace",
    "resize", "silence", "start", "stop", "terminate", "throttle", "unblock", "unlock",
})  # fmt: skip
"""Verbs that make a heading a remedy only as its first word: "Kill long queries", but not "Reasons to kill"."""

STEP_WORDS = frozenset({"step", "phase", "stage"})
OPTION_WORDS = frozenset(
    {"option", "alternative", "method", "approach", "plan", "variant", "solution", "fix", "workaround", "remedy"}
)
"""``Option 2: Restart`` is one of several alternatives; ``Step 2: Check`` is one of a sequence."""

COLLECTION_ROLES = frozenset({Role.OVERVIEW, Role.REFERENCE, Role.TEMPLATE, Role.COMMUNICATION})
"""A chapter of these roles is never split into runbooks."""

CORE_ROLES = frozenset(
    {
        Role.SYMPTOMS,
        Role.DETECTION,
        Role.DIAGNOSIS,
        Role.ACTIONS,
        Role.RESOLUTION,
        Role.VERIFICATION,
        Role.RECOVERY,
    }
)
"""The roles that make the heading above them a runbook."""

STEP_ROLES = frozenset({Role.NOTIFICATION, Role.COMMUNICATION})
"""Roles that a numbered step keeps for itself; any other step has the role of what it is a step of."""

MOST_ORDINALS = 20
"""Figures before a title that are taken off (``2. 1. Check``)."""

_NUMBERED = re.compile(
    r"^(?P<word>[^\W\d_]+)\s+#?(?P<number>\d{1,4}|[A-Z]|[A-Za-z]{3,5})\b\s*(?:[:.)–—-]\s*|$)(?P<rest>.*)$", re.DOTALL
)
_ORDINAL = re.compile(r"^(?P<number>\d{1,4})(?:\.\d{1,4})*[.):]?\s+(?P<rest>.*)$", re.DOTALL)
_ENUMERATED = re.compile(r"^(?:(?P<letter>[A-Za-z])[.)]|(?:[IVX]{1,5})[.)])\s+(?P<rest>.*)$", re.DOTALL)
_BEFORE = re.compile(r"[^\w(\[{<`$/*]{1,40}")
_AFTER = re.compile(r"[^\w)\]}>`.!?%\"'*]{1,40}")
_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_REMEMBERED = 200
"""Characters of a title that is kept in memory once read, and in which a role is sought."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Title:
    """A heading taken apart: ``Option 2: Restart`` is ("option", 2, "Restart")."""

    text: str
    rest: str
    kind: str = ""  # step, option, ordinal or empty
    number: int | None = None


def read_title(text: str) -> Title:
    """``text`` with its numbering taken off and understood."""
    return _known_title(text) if len(text) <= _REMEMBERED else _title(text)


@lru_cache(maxsize=4096)
def _known_title(text: str) -> Title:
    """Documents repeat their titles: each "Symptoms" is read once."""
    return _title(text)


def _title(text: str) -> Title:
    bare, number = _unadorned(text), None
    for _ in range(MOST_ORDINALS):
        if not (found := _ORDINAL.match(bare)):
            break
        bare, number = _unadorned(found["rest"]), int(found["number"])
    if (found := _NUMBERED.match(bare)) and (kind := _kind(found["word"])) and (counted := _number(found["number"])):
        return Title(text, found["rest"], kind, counted)
    if found := _ENUMERATED.match(bare):
        return Title(text, found["rest"], "ordinal", ord(found["letter"].lower()) - 96 if found["letter"] else None)
    return Title(text, bare, "" if number is None else "ordinal", number)


def _unadorned(text: str) -> str:
    """Without the emoji, arrows and colons around it."""
    start = found.end() if (found := _BEFORE.match(text)) else 0
    tail = _AFTER.match(text[:start:-1][:40])
    return text[start : len(text) - (tail.end() if tail else 0)]


def _number(text: str) -> int:
    """A number in figures, as a word or as a letter; 0 if it is none."""
    if text.isdigit():
        return int(text)
    if len(text) == 1:
        return ord(text) - ord("A") + 1
    lowered = text.lower()
    return _NUMBER_WORDS.index(lowered) + 1 if lowered in _NUMBER_WORDS else 0


def _kind(word: str) -> str:
    lowered = word.lower()
    return "step" if lowered in STEP_WORDS else "option" if lowered in OPTION_WORDS else ""


def role_of(text: str) -> Role | None:
    """The role that the words of a heading name, or None."""
    return _role(text[:_REMEMBERED])


@lru_cache(maxsize=4096)
def _role(text: str) -> Role | None:
    words = [w.lower() for w in _WORD.findall(_ASIDE.sub(" ", text))]
    if not words or len(words) > LONGEST_TITLE:
        return None
    said = " ".join(words)
    if said in ALONE:
        return ALONE[said]
    named = [_BY_WORD[word] for word in words if word in _BY_WORD]
    phrase = f" {said} "
    named += [rank for start in words if start in _PHRASES for rank, known in _PHRASES[start] if known in phrase]
    return ROLE_WORDS[min(named)][0] if named else None


def is_remedy(text: str) -> bool:
    """Whether a heading without a role still names a remedy by its verb."""
    words = [w.lower() for w in _WORD.findall(read_title(text[:200]).rest)]
    return any(w in REMEDY_VERBS for w in words) or (bool(words) and words[0] in REMEDY_STARTS)


def is_contents(text: str) -> bool:
    """Whether a heading stands over the table of contents."""
    return text.strip().lower() in {"table of contents", "contents", "toc", "index"}


def _by_word() -> dict[str, int]:
    """Each single word with its role's rank in :data:`ROLE_WORDS`."""
    found: dict[str, int] = {}
    for rank, (_, table) in enumerate(ROLE_WORDS):
        words, *phrases = table.split("|")
        for word in (*words.split(), *(p for p in phrases if " " not in p)):
            found.setdefault(word, rank)
    return found


def _by_phrase() -> dict[str, list[tuple[int, str]]]:
    """Each phrase (between spaces) with its rank, under its first word."""
    found: dict[str, list[tuple[int, str]]] = {}
    for rank, (_, table) in enumerate(ROLE_WORDS):
        for phrase in (p for p in table.split("|")[1:] if " " in p):
            found.setdefault(phrase.split()[0], []).append((rank, f" {phrase} "))
    return found


_BY_WORD = _by_word()
_PHRASES = _by_phrase()
