"""Sessions of shells, psql and redis-cli."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.runbook.split import split
from hutch.runbook.transcript import spoken


def typed(text: str, lang: str = "console") -> list[tuple[str, int]]:
    return [(piece.text, piece.line) for piece in split(text, spoken(text, lang)).statements]


@pytest.mark.parametrize(
    "prompt",
    [
        "$ ", "  $ ", "% ", "❯ ", "ops@web-1:~$ ", "ops@web-1:/srv/app$ ", "root@db:/# ", "(venv) ops@web-1:~$ ",
        "[root@db /]# ", "[ops@web-1 app]$ ", "bash-5.1$ ", "sh-4.4# ", "me@laptop app % ", "➜  app ",
        "➜  app git:(main) ✗ ", "web:~$ ",
    ],
)  # fmt: skip
def test_prompts_of_shells(prompt: str) -> None:
    text = f"{prompt}df -h\nFilesystem  Size\n{prompt}id\nuid=0\n"
    assert typed(text) == [("df -h", 0), ("id", 2)]


def test_a_block_without_a_language_is_a_session_if_it_begins_as_one() -> None:
    assert typed("$ df -h\nFilesystem  Size\n$ id\n", "") == [("df -h", 0), ("id", 2)]
    assert typed("$ 500 were lost\n", "") == typed("df -h\n$ id\n", "") == typed("$ id\n", "text") == []


def test_an_angle_is_the_prompt_where_there_is_no_other() -> None:
    assert typed("> df -h\nFilesystem\n> id\n") == [("df -h", 0), ("id", 2)]
    assert typed("$ df \\\n>   -h\nx > y\n> not typed\n") == [("df \\\n  -h", 0)]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("$ kubectl delete pod x \\\n  -n dev\ndone\n$ id\n", ["kubectl delete pod x \\\n  -n dev", "id"]),
        ("$ a \\\n b \\\n c\nout\n", ["a \\\n b \\\n c"]),
        ("$ psql -c 'select\n  1'\n 1\n", ["psql -c 'select\n  1'"]),
        ("$ cat > f <<E\none\nE\nout\n", ["cat > f <<E\none\nE"]),
        ("$ ls |\n  wc -l\n3\n", ["ls |\n  wc -l"]),
        ("$ for x in 1 2; do\n  echo $x\ndone\n1\n2\n", ["for x in 1 2; do\n  echo $x\ndone"]),
        ("$ echo it's\nout\nmore\n", ["echo it's"]),
        ("$ echo 'a|b' (x)\nout\n", ["echo 'a|b' (x)"]),
    ],
)  # fmt: skip
def test_a_command_goes_on_where_its_line_leaves_it_open(text: str, commands: list[str]) -> None:
    assert [piece for piece, _ in typed(text)] == commands


@pytest.mark.parametrize("lang", ["console", "bash", "sql"])
def test_a_session_of_psql_is_sql(lang: str) -> None:
    text = (
        "shop=# SELECT 1;\n ?column?\n----------\n        1\n(1 row)\n\nshop=> SELECT 2\nshop->   + 2;\nshop=# \\dt\n"
    )
    assert typed(text, lang) == [("SELECT 1;", 0), ("SELECT 2\n  + 2;", 6), ("\\dt", 8)]
    assert spoken(text, lang) == "sql"


def test_psql_within_a_session_of_a_shell() -> None:
    text = "$ psql shop\nshop=# SELECT 'a'\nshop-# , 2;\n a\nshop=# SELECT 3;\nshop=# \nshop=# \\q\n$ id\n"
    assert spoken(text, "console") == "console"
    assert typed(text) == [
        ("psql shop", 0),
        ("psql -c 'SELECT '\"'\"'a'\"'\"'\n, 2;'", 1),
        ("psql -c 'SELECT 3;'", 4),
        ("psql -c '\\q'", 6),
        ("id", 7),
    ]


@pytest.mark.parametrize("prompt", ["redis> ", "127.0.0.1:6379> ", "cache-1:6380[2]> ", "redis 10.0.0.1:6379> "])
def test_sessions_of_redis(prompt: str) -> None:
    text = f'{prompt}KEYS *\n1) a\n{prompt}GET "a b"\n{prompt}SET x \'y\n{prompt}\n'
    assert typed(text) == [("redis-cli KEYS '*'", 0), ("redis-cli GET 'a b'", 2), ("redis-cli SET x ''\"'\"'y'", 3)]
    assert typed(text, "bash") == typed(text)


def test_other_programs_prompts_are_output() -> None:
    assert typed("$ python3\n>>> import os\nmysql> DROP TABLE t;\nPS C:\\> del x\n") == [("python3", 0)]


@pytest.mark.parametrize("text", ["echo 'a=# b'\nid\n", "redis-cli ping\n", "x=1\nls > y\n", "cat <<E\na=# b\nE\n"])
def test_a_script_is_no_session(text: str) -> None:
    assert next(s for s, _ in typed(text, "bash")).split("\n")[0] == text.split("\n")[0]
    assert spoken(text, "sql" if text.startswith("x") else "bash") in {"bash", "sql"}


LINE = st.sampled_from(
    ["$ ls", "> x", "a=# SELECT 'x'", "a-# y;", "redis> GET 'k", "# c", "out", "", "$ cat <<E", "E", "'", "root@a:/# w"]
) | st.text(max_size=12)


@given(st.lists(LINE, max_size=12))
def test_any_session_is_read_and_keeps_its_lines(lines: list[str]) -> None:
    lines = [line.replace("\r", "").replace("\n", "") for line in lines]
    found = typed("\n".join(lines))
    assert [line for _, line in found] == sorted(line for _, line in found)
    assert all(lines[line].strip() for _, line in found)
