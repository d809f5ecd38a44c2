"""A generated operations manual of any size: prose, lists, tables, shell and SQL, never twice the same names. Pure.

Two chapters differ in the service, the host, the tables, every figure and the choice of what stands in them, so that
nearly no statement stands twice; the report says how many do. The same size gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random


def _words(text: str) -> list[str]:
    return text.split()


SERVICES = _words("api billing cart catalog checkout feed gateway ingest ledger mailer media orders portal search")
PLACES = _words("eu-west eu-north us-east us-west ap-south")
TABLES = _words("accounts carts events invoices jobs messages orders payments profiles queues sessions uploads")
COLUMNS = _words("state owner_id updated_at created_at attempts size_bytes region kind")
STATES = _words("active idle failed pending queued waiting")
PEOPLE = _words("database platform network storage payments security")
TROUBLES = (
    "Errors Rise", "Queue Grows", "Replica Lags", "Disk Fills", "Latency Doubles", "Workers Stall", "Logins Fail",
    "Certificate Ends", "Cache Misses", "Connections Leak",
)  # fmt: skip

SENTENCES = (
    "The {service} in {place} answers about {n} requests a second and keeps its state in `{table}`.",
    "Most pages at night are false; look at **both** dashboards before anybody is woken, and note what you saw.",
    "A backlog of more than {n} is late but *not* lost, since every job of {table} can be taken again.",
    "See the [dashboard](https://grafana.{host}/d/{n}/{service}) and the [notes](#{service}-notes) of last quarter.",
    "If the {team} team has announced work for this window, ask in their channel first (ticket {n}).",
    "It was seen last on 20{m:02d}-0{k}-1{k}, when a release of {service} held {m} connections open for {n} seconds.",
)
BULLETS = (
    "- p95 of {service} above {n} ms for {k} minutes",
    "- **{team}** is on call for `{table}`, level {k}",
    "- {m} % of the sessions in {place} are `{state}`",
    "- logs say `timeout after {n} ms` or nothing at all",
    "- customers of shard {n} report *stale* pages",
)
SHELL = (
    "# Check that it answers\ncurl -sS https://{service}.{host}/health?probe={n}\n# Should return 200 OK",
    "kubectl get pods -n {service}-{place} -l shard=s{n} -o wide",
    "kubectl logs deploy/{service}-{n} -n {service}-{place} --since={m}m | grep -c timeout",
    "# What was released\ngit log -{k} --oneline v{m}.{k}.{n}",
    "aws ecs describe-services --cluster {place}-{n} --services {service}",
    "journalctl -u {service}@{n} --since '{m} minutes ago' --no-pager | tail -n {m}",
    "redis-cli -h cache-{n}.{host} ping\n# Should return PONG",
    "df -h /srv/{service}/shard-{n}",
    "kubectl rollout restart deployment/{service}-{n} -n {service}-{place}",
    "aws ecs update-service \\\n  --cluster {place}-{n} \\\n  --service {service} \\\n  --desired-count {k}",
    "systemctl restart {service}@{n}",
    "psql $DATABASE_URL -c \"SELECT count(*) FROM {table}_{n} WHERE state = '{state}';\"",
    "vercel rollback [deployment-{n}]",
)
SQL = (
    "-- Who is waiting\nSELECT pid, state, query FROM pg_stat_activity\nWHERE application_name = '{service}-{n}'"
    " AND state = '{state}'\nORDER BY query_start LIMIT {m};",
    "SELECT {column}, count(*) FROM {table}_{n}\nWHERE created_at > now() - interval '{m} minutes'\nGROUP BY {column};",
    "SELECT pg_size_pretty(pg_total_relation_size('{table}_{n}'));\n-- Should be below {m} GB",
    "UPDATE {table}_{n} SET state = '{state}', attempts = attempts + {k} WHERE {column} = {m};",
    "DELETE FROM {table}_{n} WHERE state = '{state}' AND updated_at < now() - interval '{m} days';",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{service}-{n}';",
)
TABLE = "| step | owner | limit |\n| --- | --- | --- |"
ROW = "| {state} in `{table}` | {team} | {n} of {m} |"


def manual(size: int) -> str:
    """A document of about ``size`` bytes: chapters until it is that long."""
    chance = Random(size)  # noqa: S311
    parts = ["# Operations Manual\n"]
    length = 0
    while length < size:
        chapter = "\n".join(_chapter(chance)) + "\n"
        parts.append(chapter)
        length += len(chapter) + 1
    return "\n".join(parts)


def _chapter(chance: Random) -> Iterator[str]:
    yield f"## {chance.choice(TROUBLES)} in {_some(chance, '{service} {n}')}\n"
    yield _prose(chance) + "\n"
    yield "### Symptoms\n"
    yield _lines(chance, BULLETS, 4) + "\n"
    yield "### Detection\n"
    yield from (_block(chance, "bash", SHELL, 3), _block(chance, "sql", SQL, 2))
    yield "### Diagnosis\n"
    yield from (_prose(chance) + "\n", _block(chance, "sql", SQL, 1), _block(chance, "bash", SHELL, 2))
    yield "### Resolution\n"
    for number in (1, 2):
        yield f"**Option {number}: {_some(chance, 'Move {service} off {place}')}**\n"
        yield from (_block(chance, "bash", SHELL, 2), _lines(chance, BULLETS, 2) + "\n")
    yield "### Verification\n"
    yield _block(chance, "bash", SHELL, 1)
    yield "### Escalation\n"
    yield from (_prose(chance) + "\n", f"{TABLE}\n{_lines(chance, [ROW], 5)}\n")


def _block(chance: Random, lang: str, forms: tuple[str, ...], count: int) -> str:
    return f"```{lang}\n{_lines(chance, forms, count, apart=chr(10) * 2)}\n```\n"


def _prose(chance: Random) -> str:
    return " ".join(_some(chance, form) for form in chance.sample(SENTENCES, 4))


def _lines(chance: Random, forms: tuple[str, ...] | list[str], count: int, apart: str = "\n") -> str:
    return apart.join(_some(chance, chance.choice(forms)) for _ in range(count))


def _some(chance: Random, form: str) -> str:
    """``form`` with names and figures of its own."""
    return form.format(
        service=chance.choice(SERVICES), place=chance.choice(PLACES), table=chance.choice(TABLES),
        column=chance.choice(COLUMNS), state=chance.choice(STATES), team=chance.choice(PEOPLE),
        host=f"h{chance.randrange(10_000)}.example.org", n=chance.randrange(100, 1_000_000), m=chance.randrange(10, 60),
        k=chance.randrange(2, 10),
    )  # fmt: skip
