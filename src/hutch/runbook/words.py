"""What the words of a heading or bold label say: its role, and its number among steps or options.

The tables are data. A heading counts as a section's only if it is short: a long one is a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hutch.model.runbook import Role

LONGEST_TITLE = 7
"""Words; a longer heading is a sentence that happens to contain such a word."""

ROLE_WORDS: tuple[tuple[Role, str], ...] = (
    (
        Role.COMMUNICATION,
        "communication communications communicate communicating|status update|status updates"
        "|stakeholder stakeholders messaging",
    ),
    (Role.NOTIFICATION, "notification notifications notify notifying escalation escalations escalate"),
    (Role.TEMPLATE, "template templates"),
    (Role.VERIFICATION, "verification verify verifying validation validate confirm confirmation"),
    (
        Role.PREVENTION,
        "prevention prevent preventing hardening followup|follow up|long term|lessons learned|action items",
    ),
    (
        Role.RESOLUTION,
        "resolution resolutions resolve resolving mitigation mitigations mitigate mitigating remediation"
        " remediations remediate remedy remedies fix fixes fixing solution solutions workaround workarounds"
        " repair procedure procedures",
    ),
    (Role.RECOVERY, "recovery recover recovering restoration restore restoring"),
    (Role.SYMPTOMS, "symptom symptoms meaning impact indicators signs|when to|when it fires|user impact"),
    (Role.DETECTION, "detection detect detecting"),
    (
        Role.DIAGNOSIS,
        "diagnosis diagnose diagnosing diagnostic diagnostics investigation investigate investigating"
        " troubleshooting troubleshoot debugging debug triage assessment assess cause causes",
    ),
    (Role.ACTIONS, "actions steps containment contain|first response|initial response|immediate response|what to do"),
    (Role.OVERVIEW, "overview introduction summary description background context purpose scope about"),
    (
        Role.REFERENCE,
        "reference references contents links appendix glossary metrics thresholds dashboards resources"
        " contacts prerequisites requirements notes|see also|further reading|additional information",
    ),
)
"""Roles in order of precedence: "Communication Template" is communication, "Resolution Steps" resolution.

``|`` parts groups; a group of one part is a list of words, later groups are phrases.
"""

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
    ]
)
"""Words that make a heading without any role a remedy: "Database Rollback", "Scale Down"."""

STEP_WORDS = frozenset({"step", "phase", "stage"})
OPTION_WORDS = frozenset({"option", "alternative", "method", "approach", "plan", "variant"})
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

_NUMBERED = re.compile(
    r"^(?P<word>[^\W\d_]+)\s+#?(?P<number>\d{1,4}|[A-Z])\b\s*(?:[:.)–—-]\s*|$)(?P<rest>.*)$", re.DOTALL
)
_ORDINAL = re.compile(r"^(?P<number>\d{1,4})(?:\.\d{1,4})*[.)]?\s+(?P<rest>.*)$", re.DOTALL)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
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
    if (found := _NUMBERED.match(text)) and (kind := _kind(found["word"])):
        number = found["number"]
        return Title(text, found["rest"], kind, int(number) if number.isdigit() else ord(number) - ord("A") + 1)
    if found := _ORDINAL.match(text):
        return Title(text, found["rest"], "ordinal", int(found["number"]))
    return Title(text, text)


def _kind(word: str) -> str:
    lowered = word.lower()
    return "step" if lowered in STEP_WORDS else "option" if lowered in OPTION_WORDS else ""


def role_of(text: str) -> Role | None:
    """The role that the words of a heading name, or None."""
    words = [w.lower() for w in _WORD.findall(_ASIDE.sub(" ", text[:200]))]
    if not words or len(words) > LONGEST_TITLE:
        return None
    phrase = f" {' '.join(words)} "
    return next((role for role, known in _ROLES if any(f" {k} " in phrase for k in known)), None)


def is_remedy(text: str) -> bool:
    """Whether a heading without a role still names a remedy by its verb."""
    return any(w.lower() in REMEDY_VERBS for w in _WORD.findall(text[:200]))


def is_contents(text: str) -> bool:
    """Whether a heading stands over the table of contents."""
    return text.strip().lower() in {"table of contents", "contents", "toc", "index"}


def _known(table: str) -> tuple[str, ...]:
    words, *phrases = table.split("|")
    return (*words.split(), *phrases)


_ROLES = tuple((role, _known(table)) for role, table in ROLE_WORDS)
