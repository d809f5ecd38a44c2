"""The argument list of a command that needs no shell."""

from __future__ import annotations

import pytest

from hutch.runbook.shell_argv import argument_list


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("curl -I https://a.example", ["curl", "-I", "https://a.example"]),
        ("curl https://a.example/x?y=[1]*", ["curl", "https://a.example/x?y=[1]*"]),
        ('psql -c "\\dt" -c \'SELECT "a" * 2\'', ["psql", "-c", "\\dt", "-c", 'SELECT "a" * 2']),
        ('tool "a \\"b\\" \\$c" d\\ e ""', ["tool", 'a "b" $c', "d e", ""]),
        ("tool a \\\n  b  # why", ["tool", "a", "b"]),
        ("\n# first\ntool a\n\n", ["tool", "a"]),
        ("tool pre'mid'\"post\"", ["tool", "premidpost"]),
        ("tool it\\'s A=1 !x", ["tool", "it's", "A=1", "!x"]),
        ("", []),
        ("tool | cat", []),
        ("tool > f", []),
        ("tool; tool", []),
        ("tool &", []),
        ("tool\ntool", []),
        ("tool $X", []),
        ('tool "$X"', []),
        ("tool $(x)", []),
        ("tool `x`", []),
        ("tool $'x'", []),
        ('tool $"x"', []),
        ("tool *.txt", []),
        ("tool a?", []),
        ("tool [a]", []),
        ("tool {a,b} https://x.example/{a,b}", []),
        ("tool ~/x", []),
        ("tool x=~", []),
        ("A=1 tool", []),
        ("cd /tmp", []),
        ("if true", []),
        ("tool 'x", []),
        ('tool "x', []),
        ("tool <<EOF\nx\nEOF", []),
    ],
)
def test_only_what_bash_would_start_as_it_is(text: str, found: list[str]) -> None:
    assert argument_list(text) == found
