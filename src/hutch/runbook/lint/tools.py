"""Rules about commands that today's programs no longer have, or that lack an option they require: tables of data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said
from hutch.runbook.lint.sql import Sql


class Gone(NamedTuple):
    """A command (with a flag, if only with that) that is no longer there, and what is."""

    path: str
    instead: str
    flag: str = ""


GONE = (
    Gone("vercel deployments", "vercel ls"),
    Gone("vercel secrets", "vercel env"),
    Gone("vercel scale", "nothing: Vercel scales by itself"),
    Gone("vercel ls", "vercel ls, which shows the latest by itself", "--limit"),
    Gone("railway rollback", "deploy.rollback, or Railway's dashboard (deploymentRollback in its API)"),
    Gone("railway deployments", "railway deployment list"),
    Gone("railway scale", "railway scale REGION=COUNT, as railway scale us-west=3", "--replicas"),
    Gone("kubectl rolling-update", "kubectl set image, kubectl rollout"),
    Gone("kubectl run", "kubectl create deployment", "--generator"),
    Gone("kubectl run", "kubectl create deployment --replicas", "--replicas"),
    Gone("kubectl drain", "--delete-emptydir-data", "--delete-local-data"),
    Gone("helm init", "nothing: since Helm 3 there is no Tiller"),
    Gone("helm delete", "helm uninstall", "--purge"),
    Gone("aws ecr get-login", "aws ecr get-login-password | docker login --username AWS --password-stdin REGISTRY"),
    Gone("apt-key", "a key file named by signed-by in the source"),
    Gone("npm bin", "npx, or npm prefix"),
    Gone("npm set-script", "npm pkg set scripts.NAME=…"),
    Gone("redis-trib.rb", "redis-cli --cluster"),
    Gone("mongo", "mongosh"),
    Gone("systemd-resolve", "resolvectl"),
    Gone("mysql_upgrade", "nothing: the server upgrades itself when it starts"),
    Gone("pg_receivexlog", "pg_receivewal"),
    Gone("pg_resetxlog", "pg_resetwal"),
    Gone("pg_xlogdump", "pg_waldump"),
)
"""Commands that documents name and today's programs refuse."""

GONE_SQL = (
    ("pg_current_xlog_location", "pg_current_wal_lsn", 10),
    ("pg_last_xlog_receive_location", "pg_last_wal_receive_lsn", 10),
    ("pg_last_xlog_replay_location", "pg_last_wal_replay_lsn", 10),
    ("pg_xlog_location_diff", "pg_wal_lsn_diff", 10),
    ("pg_switch_xlog", "pg_switch_wal", 10),
    ("pg_xlogfile_name", "pg_walfile_name", 10),
    ("pg_is_xlog_replay_paused", "pg_is_wal_replay_paused", 10),
    ("pg_xlog_replay_pause", "pg_wal_replay_pause", 10),
    ("pg_xlog_replay_resume", "pg_wal_replay_resume", 10),
    ("pg_start_backup", "pg_backup_start", 15),
    ("pg_stop_backup", "pg_backup_stop", 15),
)
"""Functions of Postgres, their names today, and the version since when."""

GONE_COLUMNS = (
    ("pg_stat_activity", "procpid", "pid", "9.2"),
    ("pg_stat_activity", "current_query", "query", "9.2"),
    ("pg_stat_activity", "waiting", "wait_event_type", "9.6"),
    ("pg_stat_replication", "sent_location", "sent_lsn", "10"),
    ("pg_stat_replication", "write_location", "write_lsn", "10"),
    ("pg_stat_replication", "flush_location", "flush_lsn", "10"),
    ("pg_stat_replication", "replay_location", "replay_lsn", "10"),
    ("pg_stat_statements", "total_time", "total_exec_time", "13"),
    ("pg_stat_statements", "mean_time", "mean_exec_time", "13"),
    ("pg_stat_statements", "min_time", "min_exec_time", "13"),
    ("pg_stat_statements", "max_time", "max_exec_time", "13"),
    ("pg_stat_bgwriter", "checkpoints_timed", "pg_stat_checkpointer.num_timed", "17"),
    ("pg_stat_bgwriter", "checkpoints_req", "pg_stat_checkpointer.num_requested", "17"),
)
"""View, column, its name today, and the version since when."""


class Required(NamedTuple):
    """What a command does not do without: one option of each group (``a|b``), and so many operands after its path."""

    path: str
    options: str = ""
    operands: int = 0


_JSON = "--cli-input-json|--cli-input-yaml|--generate-cli-skeleton"
REQUIRED = (
    Required("aws ecs register-task-definition", "--family --container-definitions"),
    Required("aws ecs update-service", "--service"),
    Required("aws ecs describe-services", "--services"),
    Required("aws ecs describe-tasks", "--tasks"),
    Required("aws ecs stop-task", "--task"),
    Required("aws ecs run-task", "--task-definition"),
    Required("aws ecs wait services-stable", "--services"),
    Required("aws logs filter-log-events", "--log-group-name|--log-group-identifier"),
    Required("aws logs tail", "", 1),
    Required("aws rds modify-db-instance", "--db-instance-identifier"),
    Required("aws rds reboot-db-instance", "--db-instance-identifier"),
    Required("aws rds create-db-snapshot", "--db-instance-identifier --db-snapshot-identifier"),
    Required("aws rds restore-db-instance-from-db-snapshot", "--db-instance-identifier --db-snapshot-identifier"),
    Required(
        "aws rds restore-db-instance-to-point-in-time",
        "--target-db-instance-identifier --restore-time|--use-latest-restorable-time",
    ),
    Required("aws secretsmanager update-secret", "--secret-id"),
    Required("aws secretsmanager put-secret-value", "--secret-id --secret-string|--secret-binary"),
    Required("aws secretsmanager get-secret-value", "--secret-id"),
    Required("aws autoscaling set-desired-capacity", "--auto-scaling-group-name --desired-capacity"),
    Required("aws elbv2 describe-target-health", "--target-group-arn"),
    Required("aws lambda invoke", "--function-name"),
    Required("aws ecs describe-task-definition", "--task-definition"),
    Required("aws ecs execute-command", "--command --task --interactive|--non-interactive"),
    Required("aws logs get-log-events", "--log-stream-name"),
    Required("aws logs start-query", "--start-time --end-time --query-string"),
    Required("aws cloudwatch get-metric-statistics", "--namespace --metric-name --start-time --end-time --period"),
    Required("aws cloudwatch set-alarm-state", "--alarm-name --state-value --state-reason"),
    Required("aws rds describe-db-log-files", "--db-instance-identifier"),
    Required("aws rds failover-db-cluster", "--db-cluster-identifier"),
    Required("aws ec2 reboot-instances", "--instance-ids"),
    Required("aws ec2 start-instances", "--instance-ids"),
    Required("aws ec2 stop-instances", "--instance-ids"),
    Required("aws ec2 terminate-instances", "--instance-ids"),
    Required("aws ec2 create-snapshot", "--volume-id"),
    Required("aws cloudfront create-invalidation", "--distribution-id --paths|--invalidation-batch"),
    Required("aws route53 change-resource-record-sets", "--hosted-zone-id --change-batch"),
    Required("aws elasticache reboot-cache-cluster", "--cache-cluster-id --cache-node-ids-to-reboot"),
    Required("aws secretsmanager rotate-secret", "--secret-id"),
    Required("aws ssm put-parameter", "--name --value"),
    Required("aws s3 cp", "", 2),
    Required("aws s3 sync", "", 2),
    Required("kubectl scale", "--replicas"),
    Required("kubectl rollout undo", "-f|--filename|-k", 1),
    Required("kubectl rollout restart", "-f|--filename|-k|-l|--selector", 1),
    Required("kubectl rollout status", "-f|--filename|-k|-l|--selector", 1),
    Required("kubectl logs", "-l|--selector|-f", 1),
    Required("helm rollback", "", 1),
    Required("helm upgrade", "", 2),
    Required("helm uninstall", "", 1),
    Required("pg_restore", "--dbname|--file|--list|-d|-f|-l|--version|-V"),
    Required("vercel rollback", "", 1),
    Required("vercel promote", "", 1),
    Required("vercel inspect", "", 1),
    Required("systemctl start", "", 1),
    Required("systemctl stop", "", 1),
    Required("systemctl restart", "", 1),
    Required("systemctl reload", "", 1),
    Required("docker restart", "", 1),
    Required("docker logs", "", 1),
    Required("git revert", "--abort|--continue|--skip|--quit", 1),
)
"""Where operands and options are given, either will do (``kubectl logs POD`` or ``-l app=x``)."""

DEPLOYS_FOLDER = re.compile(r"\b(?:redeploy|restart)", re.IGNORECASE)


_GONE = {program: tuple(group) for program, group in groupby(sorted(GONE), lambda one: one.path.split()[0])}
_REQUIRED = {program: tuple(group) for program, group in groupby(sorted(REQUIRED), lambda one: one.path.split()[0])}


def gone_command(page: Page) -> Iterator[Hit]:
    """A command that its program no longer has."""
    for said, call in _calls(page):
        for gone in _GONE.get(call.program, ()):
            if call.is_(gone.path) and (not gone.flag or call.has(gone.flag)):
                shown = f"{gone.path} {gone.flag}".strip()
                yield Hit(said.line, f"{shown!r} is no longer there", gone.instead)
                break
        if _exec_undivided(call):
            yield Hit(said.line, "'kubectl exec POD COMMAND' is no longer there", "kubectl exec POD -- COMMAND")


def _exec_undivided(call: Call) -> bool:
    words = call.operands()
    return call.program == "kubectl" and words[:1] == ["exec"] and len(words) > 2 and "--" not in call.args


def gone_sql(page: Page) -> Iterator[Hit]:
    """A function or column that Postgres has renamed or moved."""
    for said in page.said:
        for sql in said.sql:
            for old, new, since in _renamed(sql):
                yield Hit(said.line, f"{old} is no longer there since Postgres {since}: use {new}", new)


def _renamed(sql: Sql) -> Iterator[tuple[str, str, str]]:
    yield from ((old, new, str(since)) for old, new, since in GONE_SQL if sql.has(f"{old} ("))
    for view, old, new, since in GONE_COLUMNS:
        if sql.has(view) and sql.has(old):
            yield f"{view}.{old}", new, since


def missing_option(page: Page) -> Iterator[Hit]:
    """A command that cannot work as it stands there."""
    for said, call in _calls(page):
        for required in _REQUIRED.get(call.program, ()):
            if call.is_(required.path) and (lacks := _lacks(call, required)):
                yield Hit(said.line, f"{required.path} needs {lacks}: add it")


def _lacks(call: Call, required: Required) -> str:
    if (
        call.has("--help", "-h")
        or call.args[-1:] == ("help",)
        or (call.program == "aws" and call.has(*_JSON.split("|")))
    ):
        return ""
    enough = bool(required.operands) and _after(call, required) >= required.operands
    groups = [group for group in required.options.split() if not call.has(*group.split("|"))]
    if not required.operands:
        return " and ".join(" or ".join(group.split("|")[:3]) for group in groups)
    if enough or (required.options and not groups):
        return ""
    return "its argument" if required.operands == 1 else f"{required.operands} arguments"


def _after(call: Call, required: Required) -> int:
    return len(call.operands()) - len(required.path.split()) + 1


def deploy_instead_of_restart(page: Page) -> Iterator[Hit]:
    """``vercel --prod`` puts live what lies in the current folder, whatever that is."""
    for said, call in _calls(page):
        deploys = call.program == "vercel" and call.has("--prod") and call.operands()[:1] in ([], ["deploy"])
        if deploys and DEPLOYS_FOLDER.search(said.words()):
            yield Hit(
                said.line,
                "deploys what lies in the current folder, which is no restart of what runs",
                "vercel redeploy DEPLOYMENT_URL",
            )


RENAMED = {"secrets.rotate": "secret.rotate"}
"""Typed actions that go by another name now: no target offers the old one."""


def renamed_action(page: Page) -> Iterator[Hit]:
    """A typed action by a name that it no longer has: nothing would run."""
    for said in page.said:
        name = said.statement.action.name if said.statement.action else ""
        if name in RENAMED:
            yield Hit(
                said.line,
                f"the action {name!r} is called {RENAMED[name]!r}: by the old name no target offers it",
                f'{{"hutch.action":"{RENAMED[name]}"}}',
            )


def _calls(page: Page) -> Iterator[tuple[Said, Call]]:
    return ((said, call) for said in page.said for call in said.calls)
