"""The library: clean by its own linter, each statement with the effect that its author meant, every link alive."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from hutch.commands.documents import bundled, classified, load_document, names
from hutch.commands.lint import lint_paths
from hutch.commands.prepare import LOOKING_ROLES
from hutch.model.runbook import Role, Statement, Step
from hutch.runbook.lint.catalogue import RULES
from hutch.runbook.parse import parse
from hutch.runbook.rules import parse_rules

SEED_RULES = Path(__file__).parents[2] / "data" / "library" / "seed-alerts.yaml"


@dataclass(frozen=True)
class Told:
    """What is meant: how many statements of each effect, the actions in order, and what else changes anything,
    and the steps that only a person asks for."""

    read: int
    change: int
    destroy: int
    actions: str
    others: tuple[str, ...] = ()
    sensitive: str = ""


ECS = "aws ecs update-service --cluster [cluster] --service [ecs-service]"
MEANT = {
    "backups": Told(5, 2, 0, "backup.list backup.create backup.verify backup.list"),
    "brute-force": Told(7, 3, 0, "block.add account.restrict limits.step_up", sensitive="sources accounts"),
    "data-breach": Told(
        13,
        14,
        0,
        "account.restrict block.add evidence.preserve backup.create backup.list deploy.rollback secret.rotate"
        " service.restart secret.rotate service.restart secret.rotate service.restart secret.rotate service.restart"
        " sessions.revoke",
        sensitive="exporters",
    ),
    "deleted-data": Told(
        7,
        6,
        0,
        "backup.list account.restrict backup.verify recover.rows",
        ("UPDATE portfolios SET deleted_at = NULL", "SET lock_timeout", "ALTER TABLE [table] ADD COLUMN deleted_at"),
        "deletions",
    ),
    "deployment-rollback": Told(
        18,
        6,
        1,
        "deploy.list advisories.show deploy.rollback migrate.status migrate.up backup.create migrate.down"
        " migrate.status",
        (
            "vercel rollback [deployment-url]",
            f"{ECS} --task-definition [task-family]:PREVIOUS_VERSION",
            "kubectl --namespace [namespace] rollout undo deployment/[deployment] --to-revision=[revision]",
        ),
    ),
    "incident-response": Told(0, 0, 0, ""),
    "migration-failed": Told(
        8,
        5,
        1,
        "migrate.status migrate.up postgres.drop_index deploy.rollback backup.create migrate.down migrate.mark"
        " migrate.status",
    ),
    "monitoring": Told(7, 0, 0, "logs.search"),
    "post-incident-review": Told(0, 0, 0, ""),
    "postgres-connections": Told(
        6,
        4,
        0,
        "deploy.rollback postgres.end_sessions service.restart postgres.set_role_timeout",
    ),
    "postgres-corruption": Told(
        10,
        5,
        0,
        "damage.list backup.list backup.create postgres.reindex postgres.failover backup.verify recover.rows",
    ),
    "postgres-high-cpu": Told(
        9,
        5,
        0,
        "postgres.create_index postgres.analyze postgres.end_sessions postgres.drop_index",
        ("SELECT pg_cancel_backend(pid)",),
    ),
    "postgres-locks": Told(4, 3, 0, "postgres.end_sessions deploy.rollback postgres.set_role_timeout"),
    "postgres-upkeep": Told(
        9,
        8,
        0,
        "postgres.extend_sequence postgres.drop_slot postgres.vacuum postgres.vacuum postgres.reindex"
        " postgres.drop_index postgres.validate_constraint postgres.enable_trigger",
    ),
    "redis": Told(9, 3, 0, "redis.set_maxmemory deploy.rollback service.restart"),
    "scaling": Told(
        17,
        10,
        0,
        "service.scale service.scale service.scale",
        (
            f"{ECS} --desired-count [count]",
            "railway scale [region]=[count]",
            "aws ecs register-task-definition --cli-input-json file://task-definition.json",
            f"{ECS} --task-definition [task-family]:[revision]",
            "aws rds create-db-snapshot",
            "aws rds modify-db-instance",
            f"{ECS} --desired-count [count]",
        ),
        "now",
    ),
    "service-outage": Told(8, 4, 0, "deploy.rollback postgres.end_sessions service.restart service.scale"),
    "slow-responses": Told(
        11,
        7,
        0,
        "deploy.rollback postgres.create_index postgres.vacuum postgres.reindex redis.set_maxmemory service.scale"
        " service.scale",
    ),
}
"""By document."""


def steps(name: str) -> list[Step]:
    return [step for runbook in load_document(name).runbooks for _, step in runbook.steps()]


def statements(name: str) -> list[Statement]:
    return [statement for step in steps(name) for statement in step.statements]


def test_every_document_is_in_the_table() -> None:
    assert sorted(bundled()) == sorted(MEANT)


@pytest.mark.parametrize("name", sorted(MEANT))
def test_every_statement_can_do_what_its_author_meant(name: str) -> None:
    said, found = MEANT[name], statements(name)
    words = Counter(s.verdict.effect.word for s in found if s.verdict)
    assert (words["read"], words["change"], words["destroy"]) == (said.read, said.change, said.destroy)
    assert [s.action.name for s in found if s.action] == said.actions.split()
    assert [step.name for step in steps(name) if step.verdict.sensitive] == said.sensitive.split()
    others = [s.text for s in found if not s.action and s.verdict and s.verdict.effect.word != "read"]
    assert len(others) == len(said.others)
    for text, begins in zip(others, said.others, strict=True):
        assert " ".join(text.split()).startswith(begins)


def test_the_linter_finds_nothing() -> None:
    report = lint_paths(list(bundled().values()), RULES, date(2031, 1, 1))
    assert [f"{f.source}:{f.line}: {f.rule.code} {f.message}" for f in report.findings] == []
    assert report.suppressed == 0, "the library is clean by itself"


@pytest.mark.parametrize("name", sorted(MEANT))
def test_what_changes_something_is_verified_and_has_its_parts(name: str) -> None:
    for runbook in load_document(name).runbooks:
        roles = {section.role for section in runbook.sections}
        if Role.OPTION in roles:
            assert Role.VERIFICATION in roles, runbook.title
            assert roles & {Role.DETECTION, Role.DIAGNOSIS, Role.ACTIONS}, runbook.title
        numbers = [s.option for s in runbook.sections if s.role is Role.OPTION]
        assert numbers == list(range(1, len(numbers) + 1)), runbook.title


@pytest.mark.parametrize("name", sorted(MEANT))
def test_a_schedule_for_its_review_and_somebody_who_does_it(name: str) -> None:
    text = bundled()[name].read_text("utf-8")
    assert re.search(r"^- Maintained by: \S", text, re.MULTILINE)
    assert "- Review schedule: Quarterly" in text


def test_every_alert_of_the_seed_has_its_runbook() -> None:
    shipped = {rule.name: rule for rule in load_document("monitoring").rules}
    for rule in parse_rules(SEED_RULES.read_text("utf-8")):
        ours = shipped[rule.name]
        assert (ours.condition, ours.duration, ours.severity) == (rule.condition, rule.duration, rule.severity)
    for rule in shipped.values():
        document, _, anchor = rule.runbook.partition("#")
        found = load_document(document)
        assert found.find(anchor) if anchor else len(found.runbooks) == 1, f"{rule.name} opens {rule.runbook}"


def test_every_document_with_remedies_says_whom_to_tell() -> None:
    for name in bundled():
        roles = {section.role for runbook in load_document(name).runbooks for section in runbook.sections}
        assert Role.OPTION not in roles or roles & {Role.COMMUNICATION, Role.NOTIFICATION}, name


def test_service_outage_opens_without_an_anchor() -> None:
    assert [r.id for r in load_document("service-outage").runbooks] == ["service-outage"]


def test_no_platform_of_anybody_stands_in_it() -> None:
    for path in bundled().values():
        assert not re.search(
            r"rolerabbit[.-]|/wor[k]/|localhost|\bexample\.com", path.read_text("utf-8"), re.IGNORECASE
        )


def test_a_document_of_the_same_name_comes_first(tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    own = tmp_path / "runbooks" / "redis.md"
    own.write_text("# Redis\n\n## Diagnosis\n\n```bash\nredis-cli ping\n```\n")
    assert names(["runbooks"], tmp_path)["redis"] == own
    assert len(load_document("redis", ["runbooks"], tmp_path).runbooks[0].sections) == 1


def test_a_changed_effect_would_be_noticed() -> None:
    text = bundled()["redis"].read_text("utf-8").replace("redis-cli memory stats", "redis-cli flushall")
    found = classified(parse(text, "redis"))
    words = Counter(
        s.verdict.effect.word for r in found.runbooks for _, p in r.steps() for s in p.statements if s.verdict
    )
    assert words["destroy"] == 1


def test_procedures_are_offered_on_a_service_that_is_well_too() -> None:
    """Scaling, going back and the stages of a breach: a person decides, whatever the checks say."""
    found = {
        f"{name}#{runbook.id}"
        for name in bundled()
        for runbook in load_document(name).runbooks
        if any(s.role is Role.OPTION for s in runbook.sections)
        and not any(s.role in LOOKING_ROLES for s in runbook.sections)
    }
    assert found == {
        "data-breach#close-the-hole",
        "data-breach#preserve-the-evidence",
        "data-breach#replace-the-signing-key",
        "data-breach#revoke-every-session",
        "deployment-rollback#roll-back-a-deployment",
        "deployment-rollback#roll-back-a-migration",
        "scaling#scale-down",
        "scaling#scale-out",
        "scaling#scale-the-database",
        "scaling#scale-up",
    }
