"""What a person is asked before a run, once each, and only where an answer lets something run; what nothing takes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hutch.commands.context import Service
from hutch.commands.documents import classified
from hutch.commands.needs import Answers, Enough, Need, gather, unneeded
from hutch.commands.situation import Situation
from hutch.model.action import Command, Outcome, Result
from hutch.model.config import ServiceConfig
from hutch.model.runbook import Runbook
from hutch.ports import Connection
from hutch.runbook.parse import parse

TEXT = """# Trouble

## Trouble

### Detection

```bash
curl -I https://shop.example/[page]
curl https://shop.example/api
vercel logs [deployment-url]
rm -r [folder]
psql $DATABASE_URL -c "SELECT * FROM users"
```

```sql {"hutch.capture":"pid"}
SELECT pid FROM pg_stat_activity LIMIT 1;
```

### Resolution

**Option 1: Roll back**

```bash
vercel rollback [previous-url]
aws x --cluster shop-cluster --password [db-password]
```

```sql
SELECT pg_terminate_backend([pid]);
SELECT [other];
```

### Prevention

```bash
elsewhere [never]
```
"""


async def nothing(command: Command) -> Outcome:
    return Outcome(Result.DONE, command.text)


def runbook(text: str = TEXT) -> Runbook:
    return classified(parse(text, "trouble.md")).runbooks[0]


def situation(binds: Mapping[str, str] | None = None, values: Mapping[str, str] | None = None) -> Situation:
    connections = {
        "http": Connection("shop", runs={"curl": nothing}),
        "postgres": Connection("db", runs={"sql": nothing, "psql": nothing}),
    }
    return Situation(Service(ServiceConfig("shop", binds=binds or {}, values=values or {}), connections))


def asked(where: Situation, answers: Mapping[str, str], step: str = "") -> tuple[list[str], Answers]:
    """What was asked in order, each answered from ``answers`` or left open."""
    questions: list[str] = []

    def ask(need: Need) -> str:
        questions.append(f"{need.open.kind} {need.open.name}")
        return answers.get(need.open.name, "")

    return questions, gather(runbook(), where, ask, step)


def test_each_is_asked_once_and_what_is_left_out_asks_no_more() -> None:
    questions, answers = asked(situation(), {})
    assert questions == ["host shop.example", "program vercel", "placeholder other"]
    assert not answers


def test_answers_lead_to_the_next_question_of_their_statement() -> None:
    given = {"shop.example": "http://127.0.0.1:8000", "page": "a", "vercel": "as-is", "previous-url": "https://x.y"}
    questions, answers = asked(situation(), given)
    assert questions == [
        "host shop.example", "placeholder page", "program vercel", "placeholder deployment-url",
        "placeholder previous-url", "placeholder other",
    ]  # fmt: skip
    assert answers.binds == {"shop.example": "http://127.0.0.1:8000", "vercel": "as-is"}
    assert answers.values == {"page": "a", "previous-url": "https://x.y"}


def test_who_has_enough_is_asked_no_more_and_what_was_said_holds() -> None:
    answers = iter(["as-is"])

    def ask(_need: Need) -> str:
        said = next(answers, None)
        if said is None:
            raise Enough
        return said

    assert gather(runbook(), situation(), ask) == Answers({}, {"shop.example": "as-is"})


def test_what_is_known_is_not_asked() -> None:
    known = situation({"shop.example": "as-is", "vercel": "manual"}, {"page": "a", "other": "1"})
    assert asked(known, {})[0] == []


def test_what_does_not_run_by_itself_a_secret_and_a_captured_value_are_not_asked() -> None:
    questions, _ = asked(situation({"aws": "as-is", "rm": "as-is"}), {})
    assert not any(name in " ".join(questions) for name in ("folder", "db-password", "pid", "never", "cluster"))


def test_only_what_one_step_needs() -> None:
    step = next(t for _, t in runbook().steps() if "vercel rollback" in t.text)
    assert asked(situation(), {}, step.id)[0] == ["program vercel"]


def test_an_answer_that_cannot_be_is_asked_for_again_with_the_reason() -> None:
    problems: list[str] = []

    def ask(need: Need) -> str:
        if need.open.name != "shop.example":
            return ""
        problems.append(need.problem)
        return "http://x; rm y" if len(problems) == 1 else "http://127.0.0.1:1"

    assert gather(runbook(), situation(), ask).binds == {"shop.example": "http://127.0.0.1:1"}
    assert problems[0] == "" and "is no address" in problems[1]
    never = gather(runbook(), situation(), lambda need: "'" if need.open.name == "shop.example" else "")
    assert not never


@pytest.mark.parametrize(
    ("values", "binds", "said"),
    [
        (["Page", "PREVIOUS_URL", "pid"], ["shop.example", "https://shop.example", "vercel rollback"], []),
        (["pages"], [], ["nothing in this runbook takes --set pages; did you mean page?"]),
        (["zzz"], [], ["nothing in this runbook takes --set zzz"]),
        ([], ["vercle"], ["nothing in this runbook names vercle, which --bind gives; did you mean vercel?"]),
        ([], ["shop-cluster", "shop.exampel"], [
            "nothing in this runbook names shop.exampel, which --bind gives; did you mean shop.example?"]),
    ],
)  # fmt: skip
def test_what_nothing_takes_is_a_warning_with_the_nearest_name(
    values: list[str], binds: list[str], said: list[str]
) -> None:
    assert [*unneeded(runbook(), values, binds)] == said
