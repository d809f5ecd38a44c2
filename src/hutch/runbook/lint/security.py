"""Rules about what is done in an attack, and must not make it worse (DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hutch.model.runbook import Runbook
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.mutates import mutation
from hutch.runbook.lint.page import Page, Said

EVIDENCE = re.compile(
    r"^ (?:delete from|truncate(?: table)?|drop table(?: if exists)?) (?:only )?(?:\w+ \. )?\"?"
    r"(?P<table>\w*(?:session|audit|security_log|login_attempt|access_log)\w*)"
)
"""Tables whose rows prove what happened."""

_EXPIRED = re.compile(r" where .*\b(?:expire\w*|valid_until|created_at|updated_at|last_\w+) < ")
_SESSION_KEYS = re.compile(r"\bsess(?:ion)?s?[:*_]", re.IGNORECASE)
_LOGS = re.compile(r"/var/log/|\.log\b")

ATTACK = re.compile(
    r"\b(?:breach|attack|compromis\w*|intrusion|intruder|unauthori[sz]ed access|ransomware|malware|exfiltrat\w*"
    r"|data leak|hacked)\b",
    re.IGNORECASE,
)
"""Titles of runbooks for an attack."""

_OUTSIDE = re.compile(r"\b(?:brute|ddos|denial|phishing|attempt)", re.IGNORECASE)
"""Attacks that have not come in: nothing to preserve but logs that stay."""

PRESERVES = re.compile(
    r"\b(?:evidence|forensic\w*|preserv\w*|snapshots?|chain of custody|memory dump|disk image)\b"
    r"|\bcopy (?:the )?(?:logs?|rows)",
    re.IGNORECASE,
)
"""Words of a step that keeps what proves the attack."""

_ADDS = ("INSERT INTO", "the action block.", "the action account.", "the action evidence.")
_COPIES = frozenset({"pg_dump", "pg_dumpall", "tar", "rsync", "scp", "dcfldd", "avml", "journalctl"})
_SNAPSHOTS = re.compile(r"create-(?:db-)?(?:cluster-)?snapshot|create-image|create-export-task|start-export-task")


def evidence_deleted(page: Page) -> Iterator[Hit]:
    """What shows what an attacker did, and from where, is deleted."""
    for said in page.said:
        attack = bool(ATTACK.search(said.runbook.title))
        for sql in said.sql:
            found = EVIDENCE.match(sql.flat)
            if found and said.changes and (attack or not _EXPIRED.search(sql.flat)):
                table = found["table"]
                yield Hit(
                    said.line,
                    f"deleting from {table} destroys evidence: copy it first, and mark the rows instead",
                    f"UPDATE {table} SET revoked_at = now() WHERE revoked_at IS NULL;",  # noqa: S608 - shown
                )
        if attack and (what := next((w for c in said.calls if (w := _destroyed(c, said.statement.text))), "")):
            yield Hit(
                said.line,
                f"{what} destroys evidence: copy it first",
                "tar czf evidence.tgz /var/log && sha256sum evidence.tgz",
            )


def _destroyed(call: Call, text: str) -> str:
    """What of the evidence a command removes, in a few words. ``text`` is the statement that it is a part of."""
    if call.program in {"rm", "truncate", "shred"} and any(_LOGS.search(w) for w in call.operands()):
        return f"{call.program} of logs"
    if call.program == "journalctl" and call.has("--vacuum-time", "--vacuum-size", "--vacuum-files"):
        return "journalctl --vacuum"
    deletes = call.program in {"redis-cli", "valkey-cli"} and {w.upper() for w in call.args} & {"DEL", "UNLINK"}
    return f"{call.program} on sessions" if deletes and _SESSION_KEYS.search(text) else ""


def evidence_late(page: Page) -> Iterator[Hit]:
    """A runbook for an attack that changes things before it keeps what proves the attack."""
    for runbook, said in page.by_runbook():
        changed = next((one for one in said if _loses_traces(mutation(one))), None)
        if not changed or not ATTACK.search(runbook.title) or _OUTSIDE.search(runbook.title):
            continue
        if not any(_keeps(one) for one in said if one.line < changed.line) and not _told(page, runbook, changed.line):
            yield Hit(
                changed.line,
                "changes things before the evidence is safe: copy logs, sessions and audit rows first",
                "pg_dump -t 'audit_logs' -t 'security_logs' -t 'user_sessions' … into a store that nobody can change",
            )


def _loses_traces(what: str) -> bool:
    """Whether a change may cost evidence: one that only adds, as a ban or a restriction does, costs none."""
    return bool(what) and not what.startswith(_ADDS)


def _keeps(said: Said) -> bool:
    copies = any(c.program in _COPIES or _SNAPSHOTS.search(" ".join(c.args[:3])) for c in said.calls)
    return copies or bool(PRESERVES.search(" ".join((said.section.title, said.step.name, *said.statement.comments))))


def _told(page: Page, runbook: Runbook, before: int) -> bool:
    """Whether the words before line ``before`` tell a person to keep the evidence."""
    lines = (line for n, line in page.between(runbook.line, before - 1) if n not in page.code)
    return any(PRESERVES.search(line) for line in lines if len(line) < 1000)


# ------------------------------------------------------------------ secrets that are changed

STORES = (
    "aws secretsmanager update-secret", "aws secretsmanager put-secret-value", "aws secretsmanager rotate-secret",
    "gcloud secrets versions add", "az keyvault secret set", "vault kv put", "kubectl create secret",
    "kubectl patch secret",
    "vercel env add", "vercel env update",
)  # fmt: skip
"""Commands that store a new secret and start nothing."""

STARTS = (
    "aws ecs update-service", "aws ecs run-task", "aws ecs wait", "kubectl rollout restart", "kubectl set",
    "kubectl apply",
    "helm upgrade", "vercel redeploy", "vercel deploy", "vercel --prod", "railway redeploy", "railway restart",
    "railway up",
    "gcloud run deploy", "gcloud run services update", "systemctl restart", "docker restart", "docker compose up",
)  # fmt: skip
"""Commands after which a new secret is in use."""

_SECRET = re.compile(r"secret|key|token|passw|credential|jwt|cert", re.IGNORECASE)
_ACTION = ("deploy.", "service.", "secrets.")


def secret_not_deployed(page: Page) -> Iterator[Hit]:
    """A new secret that nothing takes up: containers are given theirs when they start."""
    for _, said in page.by_runbook():
        started = max((s.line for s in said if _starts(s)), default=0)
        for one in said:
            if one.line > started and any(_stores(call) for call in one.calls):
                yield Hit(
                    one.line,
                    "nothing takes up the new secret: containers are given theirs at their start, so deploy anew",
                    "aws ecs update-service --cluster … --service … --force-new-deployment",
                )


def _starts(said: Said) -> bool:
    by_action = said.statement.action is not None and said.statement.action.name.startswith(_ACTION)
    return by_action or any(
        c.is_(path) or (path == "vercel --prod" and _prod(c)) for c in said.calls for path in STARTS
    )


def _prod(call: Call) -> bool:
    return call.program == "vercel" and call.has("--prod")


def _stores(call: Call) -> bool:
    if call.is_("aws ssm put-parameter"):
        named = " ".join(call.values("--name"))
        return "SecureString" in call.args or bool(_SECRET.search(named))
    if call.is_("vercel env") and not any(_SECRET.search(w) for w in call.operands()[2:3]):
        return False
    return any(call.is_(path) for path in STORES) and not call.has("--dry-run")


_GENERATES = ("openssl rand", "openssl genrsa", "openssl genpkey", "head /dev/urandom", "pwgen", "uuidgen")
_ENCRYPTION = re.compile(r"encrypt\w*[\s_-]*key|data[\s_-]key|master[\s_-]key", re.IGNORECASE)
_RING = re.compile(r"key[\s_-]*ring|re-?encrypt|old key|previous key|both keys|beside the old", re.IGNORECASE)


def key_without_ring(page: Page) -> Iterator[Hit]:
    """A new encryption key, and no word of the old one, without which nothing old can be read."""
    told: dict[str, bool] = {}
    for said in page.said:
        words = " ".join((*said.statement.comments, *_names(said)))
        if not _ENCRYPTION.search(words) or not _makes_secret(said):
            continue
        section = said.section
        if section.id not in told:
            told[section.id] = bool(_RING.search(section.text[:65536]))
        if not told[section.id] and not _RING.search(words):
            yield Hit(
                said.line,
                "replacing an encryption key makes what it encrypted unreadable: keep the old one in a key ring",
                "add the new key beside the old one, encrypt anew, then retire the old one",
            )


def _makes_secret(said: Said) -> bool:
    return any(c.is_(path) for c in said.calls for path in _GENERATES) or any(_stores(c) for c in said.calls)


def _names(said: Said) -> Iterator[str]:
    for call in said.calls:
        yield from call.values("--secret-id", "--name")
        yield from (a.partition("=")[0] for a in call.values("--from-literal"))


_SIGNING = re.compile(r"\bjwt|sign\w*[\s_-]*(?:key|secret)|session[\s_-]*secret|token[\s_-]*secret", re.IGNORECASE)
_REFUSED = re.compile(r"\b40[13]\b|unauthori[sz]ed|old token|rejected|refused", re.IGNORECASE)


def old_token_unproven(page: Page) -> Iterator[Hit]:
    """A new signing key, and nothing that proves that what the old one signed is refused: once a runbook."""
    for runbook, said in page.by_runbook():
        replaced = next((one for one in said if _replaces_signing(one)), None)
        if replaced and not _proven(page, runbook, said, replaced.line):
            yield Hit(
                replaced.line,
                "a new signing key helps only once old tokens are refused, and nothing here tries one",
                'curl -s -o /dev/null -w "%{http_code}" -H @old-token.txt URL   # Should return 401',
            )


def _replaces_signing(said: Said) -> bool:
    return bool(_SIGNING.search(" ".join((*said.statement.comments, *_names(said))))) and _makes_secret(said)


def _proven(page: Page, runbook: Runbook, said: Sequence[Said], after: int) -> bool:
    later = (s for s in said if s.line > after)
    if any(_REFUSED.search(" ".join((*(e.text for e in s.statement.expects), *s.statement.comments))) for s in later):
        return True
    lines = (line for n, line in page.between(after, page.end_of(runbook)) if n not in page.code)
    return any(_REFUSED.search(line) for line in lines if len(line) < 1000)
