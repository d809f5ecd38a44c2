"""``hutch init``: a first ``hutch.yaml`` in observe mode, and a team's first runbooks, that pass their own checks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hutch.commands.newbook import copied, shipped

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""What a service may be called here: it stands in file names, URLs and commands."""

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

OUTAGE = "service-outage"
"""The library's runbook for a service in trouble of any kind."""

OF_SERVICE = (
    ("High Error Rate", "error_rate > 5%", "5m", "SEV-2", OUTAGE),
    ("Response Time Slow", "p95_response_time > 1000ms", "5m", "SEV-3", "slow-responses"),
    ("Service Down", "uptime < 100%", "1m", "SEV-1", OUTAGE),
)
OF_DATABASE = (("Database Connections High", "db_connections_used > 90%", "2m", "SEV-2", "postgres-connections"),)
"""Alert rules, each with the runbook of the library that it opens."""

LATER = (
    "  # once something measures db_cpu:\n"
    "  # - {name: Database CPU High, condition: 'db_cpu > 80%', duration: 10m, severity: SEV-2,"
    " runbook: postgres-high-cpu}"
)

HEAD = """\
# Hutch's configuration. Every key: docs/reference/configuration.md. Check it with `hutch doctor`.

# observe: diagnoses and proposes, applies nothing. Set it to `act` once you trust what it proposes;
# then each change still waits for a person's approval.
mode: observe
"""

RUNBOOK = """\
# When {service} is in trouble

Written for the person who is woken by it. Every fenced block below is a step: reads run by themselves, changes wait for
your approval. `hutch runbook show {file}` tells what each statement can do, and why.

## {title} outage

### Symptoms

- What do users notice first? Write it here, in their words.

### Detection

```bash
# Does the service answer, and does it call itself well?
curl -I [service-url]/
```
{diagnosis}
### Resolution

Put the ways out here, the safest first, each as an option of its own: a command of yours, or a typed action of a
provider (`deploy.rollback`, `service.restart`, `postgres.end_sessions`).

### Verification

```bash
curl -I [service-url]/
# Should return 200 OK
```

### Communication

Who must know, and what do you tell them?
"""

DIAGNOSIS = """
### Diagnosis

Who holds the database's connections, and in which state?

```sql
SELECT state, application_name, count(*) AS sessions, max(now() - xact_start) AS longest
FROM pg_stat_activity
WHERE backend_type = 'client backend'
GROUP BY state, application_name
ORDER BY sessions DESC;
```
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the new configuration is to know: variables hold URLs with passwords and are only named, never read.

    ``folder`` is that of the team's Markdown, ``chosen`` the library's runbooks that go there for the team to own; with
    None it gets one to fill in.
    """

    service: str
    url: str = ""
    database_env: str = ""
    redis_env: str = ""
    folder: str = "runbooks"
    chosen: tuple[str, ...] | None = None

    @property
    def opens(self) -> str:
        """The runbook of an alert that names none: the one to fill in, or the library's, copied or not."""
        return f"{self.service}-outage" if self.chosen is None else OUTAGE

    def faults(self) -> list[str]:
        """What is wrong with it, in words; nothing when it will do."""
        found = [] if NAME.fullmatch(self.service) else [f"--service {self.service!r}: use a-z, 0-9 and -"]
        for option, name in (("--database-env", self.database_env), ("--redis-env", self.redis_env)):
            if name and not VARIABLE.fullmatch(name):
                found.append(f"{option} {name!r}: the name of an environment variable is wanted, not its value")
        if self.url and not re.match(r"https?://[^\s/@]+(/\S*)?$", self.url):
            found.append(f"--url {self.url!r}: expected a URL such as https://shop.example, without a password")
        return found


def chosen(said: str, known: Sequence[str]) -> tuple[str, ...]:
    """The library's runbooks that a person named: ``all``, ``none``, names or numbers of ``known``, with commas.

    Raises :class:`~hutch.commands.context.CommandError` for one that is not there.
    """
    words = [word.strip() for word in said.split(",") if word.strip()]
    if words in (["all"], ["none"]):
        return tuple(known) if words == ["all"] else ()
    numbered = {str(number): name for number, name in enumerate(known, 1)}
    return tuple(dict.fromkeys(shipped(numbered.get(word, word)).stem for word in words))


def configuration(wish: Wish) -> str:
    """The text of ``hutch.yaml``."""
    lines = [HEAD, f"runbooks: [{_quoted(wish.folder)}]", "", "services:", f"  {wish.service}:"]
    lines += _http(wish) + _database(wish) + _redis(wish)
    lines += [
        f"    runbook: {_quoted(wish.opens)}   # what an alert opens that names no runbook of its own",
        "    # What hosts and programs of your documents stand for here; a host that is not bound is never reached:",
        f"    # binds: {{https://www.example.com: {_quoted(wish.url or 'https://…')}, kubectl: as-is}}",
    ]
    return "\n".join(lines + _alerts(wish)) + "\n"


def _alerts(wish: Wish) -> list[str]:
    rules = [*(OF_SERVICE if wish.url else ()), *(OF_DATABASE if wish.database_env else ())]
    if not rules:
        return []
    lines = ["", "alerts:"]
    for name, condition, duration, severity, opens in rules:
        runbook = _quoted(wish.opens if opens == OUTAGE else opens)
        said = f"condition: {_quoted(condition)}, duration: {duration}, severity: {severity}, runbook: {runbook}"
        lines.append(f"  - {{name: {name}, {said}}}")
    return lines + ([LATER] if wish.database_env else [])


def runbook(wish: Wish) -> str:
    """The text of the first runbook."""
    title = wish.service.replace("-", " ").capitalize()
    diagnosis = DIAGNOSIS if wish.database_env else ""
    return RUNBOOK.format(service=wish.service, title=title, file=runbook_path(wish), diagnosis=diagnosis)


def runbook_path(wish: Wish) -> Path:
    """Where the first runbook goes, relative to the configuration."""
    return Path(wish.folder) / f"{wish.service}-outage.md"


def documents(wish: Wish, present: Sequence[str], today: date) -> dict[Path, str]:
    """The runbooks to write, relative to the configuration; ``present`` are the file names that are there already."""
    if wish.chosen is None:
        return {runbook_path(wish): runbook(wish)}
    beside = {*present, *(f"{name}.md" for name in wish.chosen)}
    return {Path(wish.folder) / f"{name}.md": copied(name, name, today, beside) for name in wish.chosen}


def write(config: Path, wish: Wish, today: date, *, force: bool = False) -> list[Path]:
    """Write what is not there yet; returns what was written. Raises ``FileExistsError`` naming the configuration.

    A runbook that exists is never overwritten; each file appears whole or not at all.
    """
    folder = config.parent
    if config.exists() and not force:
        raise FileExistsError(config)
    wanted = {config: configuration(wish)}
    present = [p.name for p in (folder / wish.folder).glob("*.md")]
    wanted |= {folder / p: text for p, text in documents(wish, present, today).items() if not (folder / p).exists()}
    ignore = folder / ".gitignore"
    if not _ignored(ignore):
        wanted[ignore] = (ignore.read_text(encoding="utf-8") if ignore.exists() else "") + ".hutch/\n"
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _whole(path, text)
    return list(wanted)


def _whole(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _ignored(path: Path) -> bool:
    return path.exists() and any(line.strip().rstrip("/") == ".hutch" for line in path.read_text("utf-8").splitlines())


def _http(wish: Wish) -> list[str]:
    if not wish.url:
        return ["    # http: {url: https://shop.example}"]
    return [
        "    http:",
        f"      url: {_quoted(wish.url)}",
        f"      # metrics: {wish.url.rstrip('/')}/metrics   # its Prometheus endpoint, for the signals",
        f"    values: {{service-url: {_quoted(wish.url.rstrip('/'))}}}   # for [service-url] in documents",
    ]


def _database(wish: Wish) -> list[str]:
    if not wish.database_env:
        return ["    # postgres: {url: {env: DATABASE_URL}}   # a login that can only read: role pg_monitor"]
    return [
        "    postgres:",
        f"      url: {{env: {wish.database_env}}}            # a login that can only read: role pg_monitor",
        "      # operator_url: {env: OPERATOR_URL}   # the login that ends sessions, once you act",
    ]


def _redis(wish: Wish) -> list[str]:
    return ["    redis:", f"      url: {{env: {wish.redis_env}}}"] if wish.redis_env else []


def _quoted(text: str) -> str:
    """A YAML scalar that means just this text: JSON's quoting is YAML's too."""
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text) else json.dumps(text, ensure_ascii=False)


def next_steps(written: Sequence[Path], wish: Wish) -> list[str]:
    """What to do now, as lines."""
    names = [n for n in (wish.database_env, wish.redis_env) if n]
    export = [f"set {' and '.join(names)} in the environment"] if names else []
    shown = runbook_path(wish) if wish.chosen is None else wish.opens
    return [
        *(f"wrote {path}" for path in written),
        "",
        "Next:",
        *(f"  {step}" for step in export),
        "  hutch doctor         # is everything reachable, and can the reading login really not write?",
        "  hutch diagnose       # look once",
        f"  hutch runbook show {shown}",
        "  hutch runbook list   # yours and the library's; `hutch runbook new NAME` begins another",
        "  hutch serve          # watch, and answer incidents",
    ]
