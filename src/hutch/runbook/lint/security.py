"""Rules about what is done in an attack, and must not make it worse (DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

EVIDENCE = re.compile(
    r"^ (?:delete from|truncate(?: table)?|drop table(?: if exists)?) (?:only )?(?:\w+ \. )?\"?"
    r"(?P<table>\w*(?:session|audit|security_log|login_attempt|access_log)\w*)"
)
"""Tables whose rows prove what happened."""

NEW_SECRET = ("aws secretsmanager update-secret", "aws secretsmanager put-secret-value", "aws ssm put-parameter")
STARTS = ("aws ecs update-service", "kubectl rollout restart", "aws ecs run-task")
_ENCRYPTION = re.compile(r"encrypt\w*[\s_-]*key", re.IGNORECASE)
_RING = re.compile(r"key[\s_-]*ring|re-?encrypt|old key|previous key|both keys", re.IGNORECASE)
_GENERATES = ("openssl rand", "openssl genrsa", "head /dev/urandom", "pwgen", "uuidgen")

BAN = re.compile(r"^ insert into (?:\w+ \. )?\"?(?P<table>\w*(?:block|ban|deny)\w*)")
ENDS = ("until", "expire", "expires", "ttl", "valid", "duration", "ends")
_PRIVATE = re.compile(
    r"'(?P<address>(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01])|127\.\d+)\.\d+\.\d+|(?:fc|fd)[0-9a-f]{2}:[0-9a-f:]+|::1)(?:/\d+)?'"
)


def evidence_deleted(page: Page) -> Iterator[Hit]:
    """Rows deleted that show what an attacker did, and from where."""
    for said in page.said:
        for sql in said.sql:
            if (found := EVIDENCE.match(sql.flat)) and (said.changes):
                table = found["table"]
                yield Hit(
                    said.line,
                    f"deleting from {table} destroys evidence: copy it first, and mark the rows instead",
                    f"UPDATE {table} SET revoked_at = now() WHERE revoked_at IS NULL;",  # noqa: S608 - shown
                )


def secret_not_deployed(page: Page) -> Iterator[Hit]:
    """A new secret that nothing takes up: containers are given theirs when they start."""
    for _, said in page.by_runbook():
        started = max((s.line for s in said for c in s.calls if any(c.is_(p) for p in STARTS)), default=0)
        for one in said:
            if one.line > started and any(c.is_(path) for c in one.calls for path in NEW_SECRET):
                yield Hit(
                    one.line,
                    "nothing takes up the new secret: containers are given theirs at their start, so deploy anew",
                    "aws ecs update-service --cluster … --service … --force-new-deployment",
                )


def key_without_ring(page: Page) -> Iterator[Hit]:
    """A new encryption key, and no word of the old one, without which nothing old can be read."""
    for said in page.said:
        makes = any(c.is_(path) for c in said.calls for path in _GENERATES)
        words = " ".join(said.statement.comments)
        if makes and _ENCRYPTION.search(words) and not _RING.search(f"{words} {said.section.text}"):
            yield Hit(
                said.line,
                "replacing an encryption key makes what it encrypted unreadable: keep the old one in a key ring",
                "add the new key beside the old one, encrypt anew, then retire the old one",
            )


def private_address(page: Page) -> Iterator[Hit]:
    """A ban of an address that is our own: a proxy's, or the example's."""
    for said in page.said:
        for sql in said.sql:
            if BAN.match(sql.flat) and (found := _PRIVATE.search(sql.flat)):
                yield Hit(
                    said.line,
                    f"{found['address']} is a private address, a proxy's of ours and no attacker's: ban what the"
                    " trusted proxy was told",
                    "VALUES ('[attacker-address]', …)",
                )


def ban_without_end(page: Page) -> Iterator[Hit]:
    """A ban that stays when the address has long gone to somebody else."""
    for said in page.said:
        for sql in said.sql:
            if (found := BAN.match(sql.flat)) and not any(word in sql.flat for word in ENDS):
                yield Hit(
                    said.line,
                    f"a ban in {found['table']} without an end hits whoever has the address next",
                    "…, now() + interval '24 hours')",
                )
