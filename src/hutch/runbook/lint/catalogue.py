"""Every rule with its code. Codes are stable: add, never renumber. RB0 documents, RB1 Postgres, RB2 commands,
RB3 programs of today, RB4 secrets, RB5 attacks."""

from __future__ import annotations

from collections.abc import Iterable

from hutch.runbook.lint import dates, links, notes, postgres, secrets, security, shell, structure, tools
from hutch.runbook.lint.findings import Hit, Level, Rule
from hutch.runbook.lint.page import Page
from hutch.runbook.lint.suppress import malformed

ERROR, WARNING = Level.ERROR, Level.WARNING


def _by_run(_: Page) -> Iterable[Hit]:
    """Found while a document is read, or once all rules have spoken: by :mod:`hutch.runbook.lint.run`."""
    return ()


def _suppressions(page: Page) -> Iterable[Hit]:
    return malformed(page, CODES)


UNREADABLE = Rule(
    "RB001", "unreadable-block", ERROR, "A block's annotation, action or alert rule is malformed", _by_run
)
UNUSED = Rule("RB013", "unused-suppression", WARNING, "A suppression hides nothing", _by_run)

RULES: tuple[Rule, ...] = (
    UNREADABLE,
    Rule("RB002", "unknown-annotation", WARNING, "An annotation of ours that does not exist", notes.unknown_annotation),
    Rule("RB003", "no-verification", WARNING, "Changes that nothing verifies", structure.no_verification),
    Rule("RB004", "change-while-looking", ERROR, "A change in a section for looking", structure.change_while_looking),
    Rule(
        "RB005",
        "placeholder-without-source",
        WARNING,
        "A placeholder whose value nobody says where to find",
        structure.placeholder_without_source,
    ),
    Rule("RB006", "empty-option", WARNING, "An option without any statement", structure.empty_option),
    Rule("RB007", "vague-expectation", WARNING, "An expectation that can never be judged", structure.vague_expectation),
    Rule(
        "RB008", "stale-review", WARNING, "A review that is overdue by the document's own schedule", dates.stale_review
    ),
    Rule("RB009", "dead-link", ERROR, "A relative link to no file", links.dead_link),
    Rule("RB010", "dead-anchor", ERROR, "A link to a heading that is not there", links.dead_anchor),
    Rule("RB011", "alert-without-runbook", WARNING, "An alert rule without a runbook", structure.alert_without_runbook),
    Rule("RB012", "bad-suppression", ERROR, "A suppression without reason, form or rule", _suppressions),
    UNUSED,
    Rule(
        "RB101",
        "cancel-idle-in-transaction",
        ERROR,
        "pg_cancel_backend on an idle transaction",
        postgres.each(postgres.cancel_idle_in_transaction),
    ),
    Rule("RB102", "alone-in-transaction", ERROR, "In a transaction what must run alone", postgres.in_transaction),
    Rule(
        "RB103",
        "concurrently-if-not-exists",
        WARNING,
        "IF NOT EXISTS on a concurrent index build",
        postgres.each(postgres.concurrently_if_not_exists),
    ),
    Rule(
        "RB104",
        "index-holds-up-writes",
        WARNING,
        "An index made or dropped without CONCURRENTLY",
        postgres.each(postgres.index_holds_up_writes),
    ),
    Rule(
        "RB105",
        "reindex-blocks",
        WARNING,
        "REINDEX without CONCURRENTLY",
        postgres.each(postgres.reindex),
        general=True,
    ),
    Rule("RB106", "unchecked-index", WARNING, "A concurrent index build nobody checks", postgres.unchecked_index),
    Rule("RB107", "dump-over-live-tables", ERROR, "A dump played over live tables by psql", postgres.dump_over_live),
    Rule("RB108", "restore-clean", ERROR, "pg_restore --clean", postgres.restore_clean),
    Rule("RB109", "restore-table", WARNING, "pg_restore -t", postgres.restore_table),
    Rule(
        "RB110",
        "idle-sessions-of-poolers",
        WARNING,
        "Ending idle sessions, which poolers keep in health",
        postgres.each(postgres.idle_sessions),
    ),
    Rule("RB111", "no-lock-timeout", WARNING, "DDL without lock_timeout", postgres.without_lock_timeout),
    Rule("RB112", "damage-unseen", WARNING, "Corruption looked for where it does not show", postgres.corruption),
    Rule("RB113", "vacuum-full", WARNING, "VACUUM FULL", postgres.each(postgres.vacuum_full)),
    Rule("RB201", "rm-variable", ERROR, "rm -r of a variable that may be empty", shell.each(shell.rm_variable)),
    Rule("RB202", "flush-all", ERROR, "FLUSHALL or FLUSHDB", shell.each(shell.flush_all)),
    Rule("RB203", "keys-star", WARNING, "KEYS on a live server", shell.each(shell.keys_star)),
    Rule("RB204", "force-push", ERROR, "git push --force", shell.each(shell.force_push)),
    Rule(
        "RB205",
        "delete-without-namespace",
        WARNING,
        "kubectl delete without a namespace",
        shell.each(shell.delete_without_namespace),
    ),
    Rule("RB206", "pipe-to-shell", ERROR, "A fetched script run unseen", shell.pipe_to_shell),
    Rule("RB207", "world-writable", WARNING, "chmod 777 and its like", shell.each(shell.world_writable)),
    Rule("RB208", "loses-data", ERROR, "Data or history lost that no re-run restores", shell.loses_data, general=True),
    Rule("RB301", "gone-command", ERROR, "A command that its program no longer has", tools.gone_command),
    Rule("RB302", "gone-sql", ERROR, "A function or column that Postgres no longer has", tools.gone_sql),
    Rule("RB303", "missing-option", ERROR, "A command without what it requires", tools.missing_option),
    Rule(
        "RB304",
        "deploy-instead-of-restart",
        WARNING,
        "vercel --prod called a restart",
        tools.deploy_instead_of_restart,
    ),
    Rule("RB401", "secret-in-document", ERROR, "A secret written out in the document", secrets.in_document),
    Rule("RB402", "secret-as-argument", WARNING, "A secret on a command line", secrets.as_argument),
    Rule("RB501", "evidence-deleted", ERROR, "Sessions or audit rows deleted", security.evidence_deleted),
    Rule("RB502", "secret-not-deployed", WARNING, "A new secret that nothing takes up", security.secret_not_deployed),
    Rule("RB503", "key-without-ring", WARNING, "An encryption key replaced", security.key_without_ring),
    Rule("RB504", "private-address-banned", WARNING, "A ban of a private address", security.private_address),
    Rule("RB505", "ban-without-end", WARNING, "A ban that never expires", security.ban_without_end),
)
"""All rules, by code."""

CODES = frozenset(rule.code for rule in RULES)
