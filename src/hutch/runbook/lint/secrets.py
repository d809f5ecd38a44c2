"""Rules about secrets in a document or on a command line. No message ever repeats one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hutch.model.runbook import Statement
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

FLAGS: Mapping[str, tuple[str, ...]] = {
    "": ("--password", "--passwd", "--token", "--secret", "--api-key", "--access-token", "--secret-string",
         "--master-user-password", "--http-password", "--private-key", "--client-secret"),
    "redis-cli": ("-a", "--pass"),
    "valkey-cli": ("-a", "--pass"),
    "curl": ("-u", "--user", "--proxy-user", "--oauth2-bearer"),
    "sshpass": ("-p",),
    "docker": ("-p",),
    "mongosh": ("-p",),
    "vercel": ("-t",),
    "ldapsearch": ("-w",),
    "sqlcmd": ("-P",),
    "az": ("-p",),
}  # fmt: skip
"""Options whose value is a secret, for all programs and for one."""

SUBCOMMANDS: Mapping[str, str] = {"docker": "login", "az": "login"}
"""Where a short option means a password only for this subcommand."""

ATTACHED = frozenset({"mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump"})
"""Programs that take a password right after ``-p``."""

SAFER = {
    "redis-cli": "REDISCLI_AUTH in the environment",
    "valkey-cli": "REDISCLI_AUTH in the environment",
    "curl": "curl --netrc, or the option in a file read by curl --config",
    "docker": "docker login --password-stdin",
    "mysql": "mysql --defaults-extra-file=FILE",
    "mysqldump": "mysqldump --defaults-extra-file=FILE",
    "aws": "--secret-string file:///dev/stdin",
    "sshpass": "sshpass -e, or a key",
    "psql": "PGPASSFILE or PGSERVICE in the environment",
}
"""How to hand a secret over without an argument."""

_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@'\"]{0,100}:(?P<password>[^\s/@'\"]{1,200})@")
_TOKEN = re.compile(
    r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bsk_live_\w{16,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bglpat-[\w-]{16,}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----|\bSG\.[\w-]{16,}\.[\w-]{16,}"
)
_ASSIGNED = re.compile(
    r"(?:^|[\s;])(?:[A-Za-z_]\w*?_?)?(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY)=(?P<q>[\"']?)(?P<value>[^\s\"'|;&]+)"
)
_HEADER = re.compile(
    r"^(?:authorization\s*:\s*(?:\w+\s+)?|(?:x-api-key|apikey|x-auth-token|private-token)\s*:\s*)(?P<value>\S.*)$",
    re.IGNORECASE,
)
_ROLE = re.compile(r"^ (?:create|alter) (?:role|user) .{0,200}? password '(?P<value>[^']+)'")
_OUTSIDE = ("file://", "fileb://", "@", "/dev/", "-")
_OPEN = re.compile(r"\$|`|\{\{|<[^>]+>|\[[^\]]+\]|^[*.x…]+$")


def in_document(page: Page) -> Iterator[Hit]:
    """A secret written out where everybody can read it."""
    for said in page.said:
        if said.statement.action:
            continue
        values = _secrets(said.statement, said.calls, [sql.flat for sql in said.sql])
        if any(written for _, written in values) or _TOKEN.search(said.statement.text):
            yield Hit(
                said.line,
                "a secret is written out in the document: take it out, and change it, for it is known",
                "a variable that the environment or a secret store fills",
            )


def as_argument(page: Page) -> Iterator[Hit]:
    """A secret that a variable or a person fills in, but as an argument: every user of the machine sees those."""
    for said in page.said:
        if said.statement.action:
            continue
        given = [program for program, written in _secrets(said.statement, said.calls, []) if program and not written]
        if given:
            yield Hit(
                said.line,
                f"a secret as an argument of {given[0]} is seen by every user of the machine",
                SAFER.get(given[0], "the environment, a file or standard input"),
            )


def _secrets(statement: Statement, calls: tuple[Call, ...], sql: list[str]) -> Iterator[tuple[str, bool]]:
    """The program that each secret is given to (empty: none), and whether it is written out."""
    holes = [p.text for p in statement.placeholders]
    for call in calls:
        for value in _values(call):
            if value and not value.startswith(_OUTSIDE):
                yield call.program, _is_written(value, holes)
        for arg in call.args:
            if found := _URL.search(arg):
                yield call.program, _is_written(found["password"], holes)
    for found in _ASSIGNED.finditer(statement.text):
        if found["q"] != "'" or "$" not in found["value"]:
            yield "", _is_written(found["value"], holes)
    for text in sql:
        if found_role := _ROLE.match(text):
            yield "", _is_written(found_role["value"], holes)


def _values(call: Call) -> Iterator[str]:
    yield from call.values(*FLAGS[""])
    sub = SUBCOMMANDS.get(call.program)
    if sub is None or sub in call.operands()[:1]:
        for value in call.values(*FLAGS.get(call.program, ())):
            yield value.partition(":")[2] if call.program == "curl" and "-bearer" not in value else value
    if call.program in ATTACHED:
        yield from (arg[2:] for arg in call.args if arg.startswith("-p") and not arg.startswith("--"))
    if call.program in {"curl", "wget"}:
        headers = (_HEADER.match(v) for v in call.values("-H", "--header"))
        yield from (found["value"] for found in headers if found)


def _is_written(value: str, holes: list[str]) -> bool:
    """Whether a secret stands there in full, rather than a variable or placeholder for it."""
    return not (_OPEN.search(value) or any(hole in value or value in hole.lower() for hole in holes))
