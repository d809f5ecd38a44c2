"""Hutch's annotations of a step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hutch.model.runbook import Capture, Flow, OnFailure, Step
from hutch.runbook.errors import RunbookError
from hutch.runbook.flow import OURS, read_flow, unknown
from hutch.runbook.parse import parse


def only_step(info: str, body: str = "ls") -> Step:
    return parse(f"# A\n\n```{info}\n{body}\n```\n", "a.md").runbooks[0].sections[0].steps[0]


def test_a_step_without_them_is_plain() -> None:
    assert only_step("sh").flow == only_step('sh {"name":"x","other":"y"}').flow == Flow()


def test_all_of_them() -> None:
    info = (
        '{"hutch.capture":"pid, v=$.v","hutch.on_failure":"next","hutch.retries":"3","hutch.timeout":"1m30s",'
        '"hutch.when":"lag > 3","hutch.undo":"systemctl start app"}'
    )
    assert only_step(f"sh {info}").flow == Flow(
        (Capture("pid"), Capture("v", path="$.v")), OnFailure.NEXT, 3, timedelta(seconds=90), "lag > 3",
        "systemctl start app",
    )  # fmt: skip


def test_runmes_older_form_says_the_same() -> None:
    found = only_step('sh { hutch.retries=2 hutch.when="lag > 3" hutch.on_failure=continue interactive }').flow
    assert (found.retries, found.when, found.on_failure) == (2, "lag > 3", OnFailure.CONTINUE)


def test_an_undo_is_a_statement_or_an_action() -> None:
    assert only_step('sh {"hutch.undo":"deploy.rollback"}').flow.undo_action
    assert not only_step('sh {"hutch.undo":"./deploy.sh back"}').flow.undo_action


def test_a_manual_step_is_never_run() -> None:
    step = only_step('sh {"hutch.manual":"true"}')
    assert step.flow.manual
    assert not step.runnable
    assert [s.text for s in step.statements] == ["ls"]
    assert only_step('sh {"hutch.manual":"false"}').runnable
    assert only_step('text {"hutch.manual":"true"}', "Call the harbour").flow.manual


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"hutch.retries": "6"}, "hutch.retries: '6' is not a number from 0 to 5; write one"),
        ({"hutch.retries": "-1"}, "hutch.retries: '-1' is not a number from 0 to 5; write one"),
        ({"hutch.timeout": "soon"}, "hutch.timeout: cannot read duration 'soon'; write a number and s, m, h or d"),
        ({"hutch.timeout": "0s"}, "hutch.timeout: '0s' is not between 1s and 1d; give a time within"),
        ({"hutch.timeout": "3d"}, "hutch.timeout: '3d' is not between 1s and 1d; give a time within"),
        ({"hutch.on_failure": "retry"}, "hutch.on_failure: 'retry' is not known; one of: stop, continue, next"),
        ({"hutch.manual": "yes"}, "hutch.manual: 'yes' is not known; one of: true, false"),
        ({"hutch.effect": "safe"}, "hutch.effect: 'safe' is not known; one of: none, read, change, destroy"),
        ({"hutch.undo": " "}, "hutch.undo is empty; give a statement or an action's name, or leave it out"),
        ({"hutch.action": "rollback"}, "hutch.action: 'rollback' is not an action's name; write one as deploy.roll"),
        ({"hutch.when": "lag"}, "hutch.when compares 'lag' with nothing; "),
        ({"hutch.capture": "a=("}, "hutch.capture: cannot read 'a=('; "),
    ],
)
def test_a_wrong_value_names_its_line(notes: dict[str, str], message: str) -> None:
    with pytest.raises(RunbookError) as error:
        read_flow(notes, 12)
    assert str(error.value).startswith(f"12: {message}")


def test_the_line_is_the_documents() -> None:
    with pytest.raises(RunbookError, match=r"^a.md:3: hutch.retries: 'many' is not a number"):
        only_step('sh {"hutch.retries":"many"}')


def test_unknown_ones_are_kept_and_named_with_their_nearest() -> None:
    step = only_step('sh {"hutch.retrys":"3","hutch.zzz":"x","owner":"me"}')
    assert dict(step.annotations) == {"hutch.retrys": "3", "hutch.zzz": "x", "owner": "me"}
    assert unknown(step.annotations) == (("hutch.retrys", "hutch.retries"), ("hutch.zzz", ""))
    assert unknown(dict.fromkeys(OURS, "")) == ()
