"""What is a placeholder, and what only looks like one."""

from __future__ import annotations

import pytest

from hutch.model.runbook import Document
from hutch.runbook.placeholders import find

DATABASE = ["$DATABASE_URL"]

SEED: dict[int, list[str]] = {
    121: ["[deployment-url]"],
    136: DATABASE,
    139: ["[PROJECT_ID]"],
    164: ["[previous-deployment-url]"],
    170: ["PREVIOUS_VERSION"],
    270: ["PID"],
    356: DATABASE,
    357: DATABASE,
    411: ["NEW_SECRET"],
    417: DATABASE,
    431: ["[INCIDENT_START]", "[INCIDENT_END]"],
    633: DATABASE,
    663: DATABASE,
    666: DATABASE,
    693: ["[PREVIOUS_DEPLOYMENT_URL]"],
    706: ["[DEPLOYMENT_ID]"],
    716: ["PREVIOUS_VERSION"],
    737: DATABASE,
    846: ["[deployment-url]"],
}
"""Every statement of the source document that has placeholders, by line; all others have none."""


def test_every_statement_of_the_seed(seed: Document) -> None:
    steps = [step for runbook in seed.runbooks for _, step in runbook.steps()]
    found = {s.line: [p.text for p in s.placeholders] for step in steps for s in step.statements if s.placeholders}
    assert found == SEED


SHELL_YES = [
    ("vercel logs [deployment-url] --follow", ["deployment-url"]),
    ("vercel logs [deployment-url] | grep ERROR", ["deployment-url"]),
    ("curl https://[PROJECT_ID].example/v1/", ["project-id"]),
    ("aws ecs update-service --task-definition api:PREVIOUS_VERSION", ["previous-version"]),
    ('aws x --secret-string "NEW_SECRET"', ["new-secret"]),
    ("kill -9 PID", ["pid"]),
    ("kill <pid>", ["pid"]),
    ("kubectl delete pod <pod name> -n <namespace>", ["pod-name", "namespace"]),
    ("kubectl logs {{ pod }}", ["pod"]),
    ("kubectl logs {{pod_name}}", ["pod-name"]),
    ("psql $DATABASE_URL -c 'select 1'", ["database-url"]),
    ('psql "${DATABASE_URL}"', ["database-url"]),
    ("curl -H 'Authorization: Bearer YOUR_TOKEN' x.example", ["your-token"]),
    ("ssh YOUR-HOST uptime", ["your-host"]),
    ("patronictl switchover --master OLD_WRITER --candidate NEW_WRITER", ["old-writer", "new-writer"]),
    ("promote PREVIOUS_LEADER", ["previous-leader"]),
    ("cat <<EOF\nhost XXX\nEOF", ["xxx"]),
    ("terminate --instance INSTANCE_ID", ["instance-id"]),
    ('psql -c "SELECT pg_terminate_backend(PID)"', ["pid"]),
    ("cat <<EOF\n$NAME\nEOF", ["name"]),
    ("echo $((N_1 + $COUNT))", ["count"]),
    ("echo ${LIST[0]}", ["list"]),
    ("for p in $PODS; do echo $p; done", ["pods"]),
    ("psql $DATABASE_URL -c \"select '[from]', '[until]'\"", ["database-url", "from", "until"]),
]

SHELL_NO = [
    "cat <<XXX\nhello\nXXX",
    "cat <<-'PID' > x\nhello\nPID",
    "run NEW_RELIC_LICENSE",
    "ls [0-9]*",
    "ls [a-z]*",
    "ls [A-Za-z]*.log",
    "ls file[abc].txt",
    "echo $1 $? $@ $# $$ $!",
    'a=("x" "y"); echo "${a[1]}"',
    "[ -f /tmp/x ] && [[ $1 == y ]]",
    "ps aux | grep [n]ginx",
    "grep '[Ee]rror' app.log",
    "grep -E '[abc]' app.log | awk '{print $NF, $HOME}'",
    "jq '.items[].name' < x.json",
    'aws logs filter-log-events --filter-pattern "ERROR"',
    "curl -X POST -w '%{http_code} %{time_total}' x.example",
    "openssl rand -base64 32",
    "pg_dump x > copy_$(date +%Y%m%d_%H%M%S).sql",
    "echo '$DATABASE_URL'",
    r"echo \$DATABASE_URL",
    "cat <<'EOF'\n$NAME\nEOF",
    "cat $HOME/x",
    "NAME=x; echo $NAME",
    "for p in 1 2; do echo $p; done",
    "read -r NAME; echo $NAME",
    "echo ${NAME:-default}",
    "curl -d '<b>bold</b>' x.example",
    "curl -d '<name>x</name>' x.example",
    "docker ps --format '{{.Names}}'",
    "docker inspect -f '{{ range .Mounts }}{{ end }}' x",
    "curl 'http://[::1]:8080/' 'http://[fe80::1]/'",
    "curl -d '[true]' x.example",
    "echo [link](https://x.example)",
    "printenv DATABASE_URL JWT_SECRET",
    "NEW_ID=3 ./run",
    "make -DSOME_ID x",
    "git reset HEAD",
    "kubectl get pods -o JSON",
    "ls  # see [the-page] and $PAGE",
]


@pytest.mark.parametrize(("text", "names"), SHELL_YES)
def test_placeholders_in_shell(text: str, names: list[str]) -> None:
    assert [p.name for p in find(text, "bash")] == names


@pytest.mark.parametrize("text", SHELL_NO)
def test_no_placeholders_in_shell(text: str) -> None:
    assert find(text, "bash") == ()


SQL_YES = [
    ("SELECT pg_terminate_backend(PID);", ["pid"]),
    ("SELECT * FROM a WHERE pid = PID", ["pid"]),
    ("SELECT * FROM a WHERE user_id = USER_ID AND x > 1", ["user-id"]),
    ("SELECT 1 FROM a WHERE at BETWEEN '[INCIDENT_START]' AND '[INCIDENT_END]'", ["incident-start", "incident-end"]),
    ("SELECT now() - interval '[minutes] minutes'", ["minutes"]),
    ("ANALYZE [table_name];", ["table-name"]),
    ("SELECT * FROM <table> WHERE id = <id>;", ["table", "id"]),
    ("SELECT {{ id }}, ${OTHER}", ["id", "other"]),
    ("SELECT 'YOUR_NAME'", ["your-name"]),
    ("SELECT $LIMIT_TO", ["limit-to"]),
    ('SELECT "[column]" FROM a', ["column"]),
]

SQL_NO = [
    "SELECT * FROM logs WHERE event IN ('UNAUTHORIZED_ACCESS', 'SUSPICIOUS_IP', 'BRUTE_FORCE')",
    "SELECT PID FROM PG_STAT_ACTIVITY WHERE PID = 3",
    "SELECT pid FROM pg_stat_activity",
    "SELECT tags[1], tags[i], (x)[n], ARRAY[a, b], ARRAY [a]",
    "SELECT * FROM a WHERE b ~ '[a-z]+' AND c ~ '[0-9]'",
    "SELECT * FROM a WHERE b <c AND c> d",
    "SELECT '$NAME', $1, $tag$ $NAME $tag$",
    "SELECT 1 -- for [someone] and PID",
    "SELECT 1 /* [someone] */",
    "CREATE TABLE t (id UUID, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, v VARCHAR(20) DEFAULT 'NEW_USER')",
    "SELECT count(*), COUNT(ID) FROM T",
    "SELECT '{\"a\": [true, null]}'::jsonb",
]


@pytest.mark.parametrize(("text", "names"), SQL_YES)
def test_placeholders_in_sql(text: str, names: list[str]) -> None:
    assert [p.name for p in find(text, "sql")] == names


@pytest.mark.parametrize("text", SQL_NO)
def test_no_placeholders_in_sql(text: str) -> None:
    assert find(text, "sql") == ()


def test_other_languages_have_only_what_is_unmistakable() -> None:
    text = "GET https://x.example/{{ id }}?key=YOUR_KEY&a=[b]\nX-Id: <id>"
    assert [p.name for p in find(text, "http")] == ["id", "your-key", "id"]
    assert find("print([a], PREVIOUS_VERSION)", "python") == ()


def test_offsets_are_those_of_the_text() -> None:
    text = "curl https://[PROJECT_ID].example/$X"
    assert [text[p.start : p.end] for p in find(text, "sh")] == ["[PROJECT_ID]", "$X"]
