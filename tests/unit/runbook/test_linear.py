"""Hostile documents: eight times the text takes about eight times the work, not sixty-four times; nothing crashes.

Each document is made in two lengths and read whole: parsed, classified, what it names found, and shown. Compared is
this process's own time, the best of a few tries; where the bound is missed, both are measured again before that counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from hutch.commands.documents import classified
from hutch.effect import classify, forget
from hutch.model.effect import Effect
from hutch.runbook.errors import RunbookError
from hutch.runbook.hosts import targets
from hutch.runbook.parse import parse
from hutch.runbook.show import as_json
from hutch.runbook.tree import as_text

SHORT, TIMES = 5_000, 8
"""Characters of the short one, and how many times longer the long one is."""

BOUND = 3 * TIMES
"""How many times the work of the short one the long one may be: quadratic work would be ``TIMES`` squared."""

Make = Callable[[int], str]


def many(piece: str, before: str = "", after: str = "") -> Make:
    """``piece`` again and again."""
    return lambda size: before + piece * (size // len(piece)) + after


def numbered(piece: str, before: str = "", after: str = "") -> Make:
    """``piece`` with another number each time."""
    return lambda size: before + "".join(piece.format(n) for n in range(size // len(piece))) + after


def sh(piece: str, before: str = "", after: str = "") -> Make:
    return many(piece, f"```sh\n{before}", f"{after}\n```\n")


def sql(piece: str, before: str = "", after: str = "") -> Make:
    return many(piece, f"```sql\n{before}", f"{after}\n```\n")


DOCUMENTS: dict[str, Make] = {
    "nested quotes on one line": many(">"),
    "deep quotes": many(f"{'>' * 50} a\n"),
    "one line of list marks": many("- "),
    "deep lists": lambda size: "".join("  " * (n % 100) + "- a\n" for n in range(size // 100)),
    "open brackets": many("["),
    "open brackets in headings": many(f"# {'[' * 300}\n"),
    "backticks": many("`"),
    "backticks in headings": many(f"# {'`' * 200} a {'`' * 100}\n"),
    "stars in headings": many(f"# {'*a ' * 100}\n"),
    "one long line": many("word "),
    "one long word": many("a"),
    "one long heading": many("word ", "# "),
    "spaces within a heading": many(" ", "# a", "b"),
    "figures before a heading": many("1. ", "# ", "a"),
    "anchors in a heading": many(" {#b}", "# a"),
    "empty lines": many("\n"),
    "tiny blocks": many("```sh\nls\n```\n"),
    "tiny blocks, each another": numbered("```sh\nls {}\n```\n"),
    "a fence that never ends": many("ls\n", "```sh\n"),
    "the same heading": many("## Detection\n"),
    "headings named like anchors": many("## a\n## a-1\n"),
    "the same label": many("**Detection:**\n\n"),
    "options": many("### Option 1: a\n\n```sh\nls\n```\n", "## Resolution\n"),
    "a huge table": many("| x | y |\n", "| a | b |\n|---|---|\n"),
    "reference definitions": numbered("[r{}]: /u\n"),
    "comments that never end": many("<!-- a\n\n"),
    "links": many("[a](b.md)\n\n"),
    "front matter that never ends": many("---\n"),
    "contents": numbered("- [a{}](#a)\n"),
    "a line above each block": many(f"{'- ' * 100}:\n```sh\nls\n```\n"),
    "annotations": many("a=b ", "```sh { ", "}\nls\n```\n"),
    "a deep annotation": many("[", '```sh {"a":', "\nls\n```\n"),
    "alert rules": many(
        "- {name: a, condition: a > 1, duration: 5m, severity: SEV-1}\n", "```yaml\nalerts:\n", "```\n"
    ),
    "shell: one long statement": sh("a ", "echo "),
    "shell: placeholders": sh("[a b] ", "echo "),
    "shell: open placeholders": sh("{{ a ", "echo "),
    "shell: upper case": sh("A-", "echo "),
    "shell: open quotes": sh('"'),
    "shell: backticks": sh("`"),
    "shell: substitutions": sh("$("),
    "shell: here-documents": sh("cat <<A\n"),
    "shell: here-documents, each another": numbered("cat <<A{0}\nA{0}\n", "```sh\n", "```\n"),
    "shell: comments": sh("# Should return a\n"),
    "shell: spaces within a comment": sh(" ", "ls\n# a", "b"),
    "shell: redirections": sh("<a ", "cat "),
    "shell: wrappers": sh("sudo ", "", "ls"),
    "shell: dots": sh("a.", "echo "),
    "shell: addresses": sh("http://a'x'/", "curl "),
    "shell: names of databases": sh("DB", "echo $"),
    "shell: prompts": many("$ ls\n", "```console\n", "```\n"),
    "shell: half a prompt": many("a", "```console\na@", ":b\n```\n"),
    "sql: one long statement": sql("1,", "select "),
    "sql: open quotes": sql("select 'a\n"),
    "sql: dollar quotes, each another": numbered("$a{}$ ", "```sql\n", "```\n"),
    "sql: open comments": sql("/* a\n"),
    "sql: stars in a comment": sql("*", "/*", " a"),
    "sql: parentheses": sql("("),
    "sql: nested routines": sql("begin atomic case ", "create function a "),
    "requests": many("GET /\n###\n", "```http\n", "```\n"),
}


def read(text: str) -> None:
    """All that is done with a document before anybody runs it. A clear error is as good as an answer."""
    forget()
    try:
        document = classified(parse(text, "hostile.md"))
    except RunbookError:
        return
    as_json(document)
    as_text(document)
    for runbook in document.runbooks:
        for _, step in runbook.steps():
            for statement in step.statements:
                targets(statement, step.lang)


def spent(text: str, tries: int) -> float:
    """Seconds of this process's own time, the least of some tries."""
    found = []
    for _ in range(tries):
        began = time.process_time()
        read(text)
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_work_grows_with_the_length(name: str) -> None:
    short, long = DOCUMENTS[name](SHORT), DOCUMENTS[name](SHORT * TIMES)
    assert any(spent(long, tries) <= BOUND * spent(short, tries + 1) for tries in (1, 2, 3))


STATEMENTS: dict[str, tuple[str, Make]] = {
    "plain words": ("sh", many("a ", "echo ")),
    "pipes": ("sh", many("|wc", "ls")),
    "functions": ("sh", many("a() ")),
    "tags": ("sh", many("<b> </a> ", "echo ")),
    "assignments": ("sh", many("a=( ", "echo ")),
    "braces": ("sh", many("{{", "curl http://")),
    "flags after a stray mark": ("sh", many("-a ", f"kubectl {';;' * 400} ")),
    "wrappers": ("sh", many("env ")),
    "a long name": ("sh", many("a")),
    "subscripts": ("sql", many("[1]", "select a")),
    "qualified calls": ("sql", many(".f(x)", "select (a)")),
    "subscripts for psql": ("sh", many("[1]", 'psql -c "select a', '"')),
    "operators": ("sql", many("+", "select 1", "1")),
    "joins": ("sql", many(" join (b", "select 1 from a")),
    "calls": ("sql", many("abs(", "select ")),
    "alternatives": ("sql", many(" or 1", "select 1 where 1")),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_one_statement_is_judged_in_about_its_length(name: str) -> None:
    lang, make = STATEMENTS[name]

    def judged(text: str, tries: int) -> float:
        found = []
        for _ in range(tries):
            forget()
            began = time.process_time()
            classify(lang, text)
            found.append(time.process_time() - began)
        return min(found)

    least = 0.002  # seconds: below it, what does not grow with the text weighs most
    short, long = make(7_500), make(60_000)
    assert any(judged(long, tries) <= BOUND * max(judged(short, tries + 2), least) for tries in (1, 2, 3))


@pytest.mark.parametrize("text", ["sudo " * 10_000 + "rm -rf /", "timeout 1 " * 5_000 + "ls", "eval " * 8_000 + "ls"])
def test_what_runs_through_many_others_is_a_change(text: str) -> None:
    assert classify("sh", text).effect is Effect.CHANGE


def test_a_few_wrappers_are_looked_through() -> None:
    assert classify("sh", "sudo " * 5 + "rm -rf /srv").effect is Effect.DESTROY
    assert classify("sh", "timeout 5 nice ls").effect is Effect.READ


def test_past_its_bound_a_statement_is_not_looked_into() -> None:
    verdict = classify("sql", "select " + "1," * 600_000 + "1")
    assert (verdict.effect, verdict.why) == (Effect.CHANGE, "longer than 64 kB, so not looked into")
