"""Rules about secrets in a document, on a command line or on a screen. No message ever repeats one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hutch.model.runbook import Statement
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said

FLAGS: Mapping[str, tuple[str, ...]] = {
    "": ("--password", "--passwd", "--token", "--secret", "--api-key", "--access-token", "--secret-string",
         "--master-user-password", "--http-password", "--private-key", "--client-secret", "--docker-password"),
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
    "curl": "curl --netrc, or -H @FILE with the header in it",
    "docker": "docker login --password-stdin",
    "kubectl": "kubectl create secret generic NAME --from-file=KEY=/dev/stdin",
    "mysql": "mysql --defaults-extra-file=FILE",
    "mysqldump": "mysqldump --defaults-extra-file=FILE",
    "aws": "--secret-string file:///dev/stdin",
    "sshpass": "sshpass -e, or a key",
    "psql": "PGPASSFILE or PGSERVICE in the environment: psql service=NAME",
    "pg_dump": "PGPASSFILE or PGSERVICE in the environment",
    "pg_restore": "PGPASSFILE or PGSERVICE in the environment",
}
"""How to hand a secret over without an argument."""

BUILTINS = frozenset({"export", "set", "declare", "local", "readonly", "echo", "printf", "read", "test", "["})
"""Commands of the shell itself: no process, so no arguments that others see."""

DATABASES = frozenset({"psql", "pg_dump", "pg_restore", "pg_dumpall", "pgcli", "mongosh", "redis-cli", "valkey-cli"})
_WITH_PASSWORD = re.compile(r"\$\{?\w*(?:DATABASE|POSTGRES\w*|PG|DB|REDIS|MONGO\w*)_?(?:URL|URI|DSN)\b")
"""Variables that by custom hold a whole address, password and all."""

_URL = re.compile(
    r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://(?P<user>[^\s/:@'\"]{0,100}):(?P<password>[^\s/@'\"]{1,200})@(?P<host>[^\s/:'\"]{0,100})"
)
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_TOKEN = re.compile(
    r"\bgh[pousr]_[A-Za-z0-9]{30,255}|\bgithub_pat_\w{30,255}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bsk_live_\w{16,255}"
    r"|\bxox[abprs]-[\w-]{10,255}|\bglpat-[\w-]{16,255}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"
    r"|\bSG\.[\w-]{16,100}\.[\w-]{16,100}"
)
_ASSIGNED = re.compile(
    r"(?:^|[\s;])(?:[A-Za-z_]\w{0,60}?_?)?(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY)="
    r"(?P<q>[\"']?)(?P<value>[^\s\"'|;&]{1,500})"
)
_JSON = re.compile(
    r"[\"'](?:\w{0,30}_)?(?:password|passwd|secret|token|api_?key)[\"']\s{0,5}:\s{0,5}[\"'](?P<value>[^\"'\s]{4,200})[\"']",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^(?:authorization\s*:\s*(?:\w+\s+)?|(?:x-api-key|apikey|x-auth-token|private-token|x-vault-token)\s*:\s*)(?P<value>\S.*)$",
    re.IGNORECASE,
)
_ROLE = re.compile(r"^ (?:create|alter) (?:role|user) .{0,200}? password '(?P<value>[^']+)'")
_OUTSIDE = ("file://", "fileb://", "@", "/dev/", "-")
_OPEN = re.compile(r"\$|`|\(|\{\{|<[^>]+>|\[[^\]]+\]|^[*.x…]+$")
_DUMMY = re.compile(
    r"(?:change|replace|fill|set)[-_]?(?:me|this|in)|example|placeholder|dummy|redacted|your|^(?:new|old|my|the)?[-_]?"
    r"(?:password|passwd|secret|token|api[-_]?key|value|none|null|true|false|todo|tbd|foo|bar|postgres|root|guest|x+)(?:[-_]here)?$",
    re.IGNORECASE,
)
"""What stands for a secret in so many words."""

MOST_VALUES = 100
"""Secrets of one statement that are looked at."""


def in_document(page: Page) -> Iterator[Hit]:
    """A secret written out where everybody can read it: in a statement, or a token of known form on any line."""
    lines = {number for number, line in enumerate(page.lines, 1) if any(_real(t[0]) for t in _TOKEN.finditer(line))}
    for said in page.said:
        if not said.statement.action and any(
            w for _, w in _secrets(said.statement, said.calls, [q.flat for q in said.sql])
        ):
            lines -= set(range(said.line, said.line + said.statement.text.count("\n") + 1))
            lines.add(said.line)
    for line in sorted(lines):
        yield Hit(
            line,
            "a secret is written out in the document: take it out, and change it, for it is known",
            "a variable that the environment or a secret store fills",
        )


def _real(token: str) -> bool:
    return not _DUMMY.search(token)


def as_argument(page: Page) -> Iterator[Hit]:
    """A secret that a variable or a person fills in, but as an argument: once a program."""
    told: set[str] = set()
    for said in page.said:
        if said.statement.action:
            continue
        given = {program for program, written in _secrets(said.statement, said.calls, []) if program and not written}
        given -= BUILTINS
        given |= {c.program for c in said.calls if c.program in DATABASES and any(map(_WITH_PASSWORD.search, c.args))}
        for program in sorted(given - told):
            told.add(program)
            yield Hit(
                said.line,
                f"a secret as an argument of {program} is seen by every user of the machine",
                SAFER.get(program, "the environment, a file or standard input"),
            )


def _secrets(statement: Statement, calls: tuple[Call, ...], sql: list[str]) -> list[tuple[str, bool]]:
    """The program that each secret is given to (empty: none), and whether it is written out."""
    holes = [p.text for p in statement.placeholders[:MOST_VALUES]]
    found = [pair for pair, _ in zip(_found(statement, calls, sql), range(MOST_VALUES), strict=False)]
    return [(program, _is_written(value, holes)) for program, value in found]


def _found(statement: Statement, calls: tuple[Call, ...], sql: list[str]) -> Iterator[tuple[str, str]]:
    for call in calls:
        yield from ((call.program, value) for value in _values(call) if value and not value.startswith(_OUTSIDE))
        yield from (
            (call.program, found["password"]) for arg in call.args if (found := _URL.search(arg)) and _outside(found)
        )
    for found in _ASSIGNED.finditer(statement.text):
        if found["q"] != "'" or "$" not in found["value"]:
            yield "", found["value"]
    yield from (("", found["value"]) for found in _JSON.finditer(statement.text))
    yield from (("", role["value"]) for text in sql if (role := _ROLE.match(text)))


def _outside(found: re.Match[str]) -> bool:
    """Whether an address is no server of one's own machine with its well-known password."""
    return found["host"] not in _HERE and found["user"] != found["password"]


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
    if call.program in {"kubectl", "oc"} and call.is_(f"{call.program} create secret"):
        yield from (v.partition("=")[2] for v in call.values("--from-literal"))


def _is_written(value: str, holes: list[str]) -> bool:
    """Whether a secret stands there in full, rather than a variable, a placeholder or a word for it."""
    open_ = _OPEN.search(value) or _DUMMY.search(value)
    return not (open_ or any(hole in value or value in hole.lower() for hole in holes))


# ------------------------------------------------------------------ secrets that are shown

SHOWS = (
    "kubectl get secret", "kubectl get secrets", "oc get secret", "oc get secrets", "oc extract",
    "aws secretsmanager get-secret-value", "gcloud secrets versions access", "vault kv get", "vault read",
    "heroku config", "railway variables", "railway variable list", "openssl rand", "openssl genrsa", "openssl genpkey",
    "pwgen", "uuidgen",
)  # fmt: skip
"""Commands whose output is a secret."""

_FORMS = re.compile(r"^(?:yaml|json|jsonpath.*|go-template.*|custom-columns.*)$", re.DOTALL)
_FILES = re.compile(r"(?:^|/)(?:\.env(?:\.\w+)?|\.pgpass|\.netrc|id_rsa|id_ed25519|credentials|[\w.-]*\.(?:key|pem))$")
LONGEST_PIPE = 20
"""Programs of a pipe that are followed."""

_TAKEN = re.compile(r"\$\(|`|<\(")
_VIEWERS = frozenset(
    {"base64", "jq", "yq", "head", "tail", "cat", "grep", "tr", "cut", "awk", "sed", "less", "tee", "sort"}
)
_PRINTED = re.compile(r"\$\{?\w*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY)\b")
_NOT_PUBLIC = re.compile(r"secret|key|token|passw|credential|jwt", re.IGNORECASE)


def shown(page: Page) -> Iterator[Hit]:
    """A secret that comes out on the screen, and so in every log and record of the session."""
    for said in page.said:
        if said.statement.action or "hutch.capture" in said.step.annotations or _TAKEN.search(said.statement.text):
            continue
        readers = {id(call.feeds): call for call in said.calls if call.feeds}
        what = next((w for c in said.calls if (w := _shows(c, said)) and _ends_on_screen(c, readers)), "")
        if what:
            yield Hit(
                said.line,
                f"{what} writes the secret on the screen, and so into every log and record: take it where it is used",
                f'NAME=$({what} …), or {{"hutch.capture":"name"}} on the block',
            )


def _ends_on_screen(call: Call, readers: Mapping[int, Call]) -> bool:
    """Whether a person sees its output, at the end of a pipe perhaps. ``readers`` are what reads each call's output."""
    for _ in range(LONGEST_PIPE):
        reader = readers.get(id(call))
        if reader is None:
            return not call.written
        if reader.program not in _VIEWERS:
            return False
        call = reader
    return False


def _shows(call: Call, said: Said) -> str:
    """The command that shows a secret, or nothing."""
    if call.has("--set", "-out"):
        return ""
    path = next((path for path in SHOWS if call.is_(path)), "")
    if path and path.endswith(("get secret", "get secrets")):
        return path if any(map(_FORMS.match, call.values("-o", "--output"))) else ""
    if path.startswith(("openssl rand", "uuidgen", "pwgen")):
        about = " ".join((*said.statement.comments, said.section.title, said.runbook.title))
        return path if _NOT_PUBLIC.search(about) else ""
    if call.program in {"cat", "less", "more"} and any(map(_FILES.search, call.operands())):
        return f"{call.program} of {next(w for w in call.operands() if _FILES.search(w)).rsplit('/', 1)[-1][:40]}"
    if call.program in {"echo", "printf"} and any(map(_PRINTED.search, call.args)):
        return call.program
    return path
