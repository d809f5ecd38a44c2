"""What of the outside a statement names."""

from __future__ import annotations

import pytest

from hutch.model.runbook import Document, Statement, Target
from hutch.runbook.hosts import targets
from hutch.runbook.placeholders import find


def named(text: str, lang: str = "bash") -> list[str]:
    found = targets(Statement("s", text, 1, placeholders=find(text, lang)), lang)
    return [f"{t.kind} {t.name}" for t in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("curl -I https://a.example:8080/x?y=http", ["program curl", "host a.example:8080"]),
        ("curl https://user:pw@a.example/", ["program curl", "host a.example"]),
        ("curl a.example/x -o page.html", ["program curl", "host a.example"]),
        ("curl -s localhost:8080/health", ["program curl", "host localhost:8080"]),
        ("curl -H 'X: 1' \"https://a.example\" | jq .x", ["program curl", "host a.example", "program jq"]),
        ("curl https://[PROJECT_ID].x.example/", ["program curl", "host [PROJECT_ID].x.example"]),
        ("curl https://<id>.x.example/", ["program curl", "host <id>.x.example"]),
        ("curl https://[host]/x", ["program curl"]),
        ("curl [service-url]/x", ["program curl"]),
        ("curl -w '@curl-format.txt' -o /dev/null -s http://[::1]:80/", [
            "program curl", "host [::1]:80", "file curl-format.txt"]),
        ("open https://status.example", ["program open", "host status.example"]),
        ("ssh ops@web.example uptime", ["program ssh", "host web.example"]),
        ("aws s3 cp s3://the-bucket/a.gz ./a.gz", ["program aws", "bucket the-bucket"]),
        ("aws ecs update-service --cluster=c --service s \\\n --force", ["program aws", "cluster c", "service s"]),
        ("aws rds x --db-instance-identifier d", ["program aws", "database d"]),
        ('psql $DATABASE_URL -c "SELECT 1"', ["program psql", "database $DATABASE_URL"]),
        ('psql "${DATABASE_URL}" < restore.sql', ["program psql", "database $DATABASE_URL", "file restore.sql"]),
        ("psql postgres://u@db.example/x -f a.sql", ["program psql", "database db.example", "file a.sql"]),
        ("redis-cli -h cache.example ping", ["program redis-cli", "host cache.example"]),
        ("npm run db:migrate:status", ["program npm run db:migrate:status"]),
        ("npm test --silent", ["program npm test"]),
        ("sudo -n systemctl restart x", ["program sudo", "program systemctl"]),
        ("timeout 5 psql -h h.example", ["program timeout", "program psql", "host h.example"]),
        ("A=1 /usr/bin/env B=2 tool", ["program env", "program tool"]),
        ("for h in a b; do ping $h; done", ["program ping"]),
        ("a && b || c; d $(e `f`) <(g) > h 2>&1", [
            "program a", "program b", "program c", "program d", "file h", "program e", "program f", "program g"]),
        ("bash -c 'curl https://x.example'", ["program bash", "host x.example"]),
        ("kubectl --context prod get pods", ["program kubectl", "cluster prod"]),
        ("cat > f <<EOF\nhttps://not.example\nEOF", ["program cat", "file f"]),
    ],
)  # fmt: skip
def test_targets(text: str, found: list[str]) -> None:
    assert sorted(named(text)) == sorted(found)


def test_requests_name_their_host_and_sql_names_none() -> None:
    assert named("GET https://a.example/x\n", "http") == ["host a.example"]
    assert named("SELECT 'https://a.example'", "sql") == []


def test_all_hosts_programs_and_stores_of_the_seed(seed: Document) -> None:
    found = {
        target
        for runbook in seed.runbooks
        for _, step in runbook.steps()
        for statement in step.statements
        for target in targets(statement, step.lang)
    }
    by_kind: dict[str, set[str]] = {}
    for target in found:
        by_kind.setdefault(target.kind, set()).add(target.name)
    assert by_kind == {
        "host": {"rolerabbit.com", "status.rolerabbit.com", "[PROJECT_ID].supabase.co"},
        "cluster": {"rolerabbit-cluster"},
        "service": {"rolerabbit-api"},
        "bucket": {"rolerabbit-backups"},
        "database": {"$DATABASE_URL", "rolerabbit-db"},
        "file": {"curl-format.txt", "restore.sql", "emergency_backup_$(date +%Y%m%d_%H%M%S).sql"},
        "program": {
            "curl", "open", "vercel", "aws", "railway", "psql", "redis-cli", "git", "openssl", "grep", "gunzip",
            "pg_dump", "date", "npm run db:migrate", "npm run db:migrate:status", "npm run db:migrate:down",
            "npm run db:reset", "npm run db:seed",
        },
    }  # fmt: skip
    assert Target("host", "rolerabbit.com") in found
