"""Every rule with its code. Codes are stable: add, never renumber. RB0 documents, RB1 Postgres, RB2 commands,
RB3 programs of today, RB4 secrets, RB5 attacks."""

from __future__ import annotations

from collections.abc import Iterable

from hutch.runbook.lint import (
    bans,
    circles,
    damage,
    dates,
    dumps,
    indexes,
    links,
    notes,
    secrets,
    security,
    sessions,
    shell,
    sources,
    structure,
    tools,
    verification,
)
from hutch.runbook.lint.findings import Hit, Level, Rule
from hutch.runbook.lint.page import Page
from hutch.runbook.lint.sessions import each
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

# fmt: off
RULES: tuple[Rule, ...] = (
    UNREADABLE,
    Rule("RB002", "unknown-annotation", WARNING, "An annotation of ours that does not exist", notes.unknown_annotation),
    Rule("RB003", "no-verification", WARNING, "Changes that nothing verifies", verification.no_verification),
    Rule("RB004", "change-while-looking", ERROR, "A change in a section for looking",
         verification.change_while_looking),
    Rule("RB005", "placeholder-without-source", WARNING, "A placeholder whose value nobody says where to find",
         sources.placeholder_without_source),
    Rule("RB006", "empty-option", WARNING, "An option that says nothing to do", structure.empty_option),
    Rule("RB007", "vague-expectation", WARNING, "An expectation that can never be judged", structure.vague_expectation),
    Rule("RB008", "stale-review", WARNING, "A review that is overdue by the document's own schedule",
         dates.stale_review),
    Rule("RB009", "dead-link", ERROR, "A relative link to no file", links.dead_link),
    Rule("RB010", "dead-anchor", ERROR, "A link to a heading that is not there", links.dead_anchor),
    Rule("RB011", "alert-without-runbook", WARNING, "An alert rule without a runbook", structure.alert_without_runbook),
    Rule("RB012", "bad-suppression", ERROR, "A suppression without reason, form or rule", _suppressions),
    UNUSED,
    Rule("RB014", "circular-sub-runbook", ERROR, "Sub-runbooks that lead back to where they began", circles.circular),

    Rule("RB101", "cancel-idle-in-transaction", ERROR, "pg_cancel_backend on an idle transaction",
         each(sessions.cancel_idle)),
    Rule("RB102", "alone-in-transaction", ERROR, "In a transaction what must run alone", indexes.in_transaction),
    Rule("RB103", "concurrently-if-not-exists", WARNING, "IF NOT EXISTS on a concurrent index build",
         each(indexes.concurrently_if_not_exists)),
    Rule("RB104", "index-holds-up-writes", WARNING, "An index made or dropped without CONCURRENTLY",
         each(indexes.index_holds_up_writes)),
    Rule("RB105", "reindex-blocks", WARNING, "REINDEX without CONCURRENTLY", indexes.reindex, general=True),
    Rule("RB106", "unchecked-index", WARNING, "A concurrent index build nobody checks", indexes.unchecked_index),
    Rule("RB107", "dump-over-live-tables", ERROR, "A dump played over live tables by psql", dumps.dump_over_live),
    Rule("RB108", "restore-clean", ERROR, "A restore that drops the live tables first", dumps.restore_clean),
    Rule("RB109", "restore-table", WARNING, "pg_restore of a single table", dumps.restore_table),
    Rule("RB110", "idle-sessions-of-poolers", WARNING, "Ending idle sessions, which poolers keep in health",
         each(sessions.idle_sessions)),
    Rule("RB111", "no-lock-timeout", WARNING, "DDL without lock_timeout", indexes.without_lock_timeout),
    Rule("RB112", "damage-unseen", WARNING, "Corruption looked for where it does not show", damage.corruption),
    Rule("RB113", "rewrites-table", WARNING, "VACUUM FULL, CLUSTER and their like", indexes.rewrites),
    Rule("RB114", "ends-every-session", WARNING, "Ending every session, of replication and backups too",
         each(sessions.every_session)),
    Rule("RB115", "damage-wiped", ERROR, "Settings and tools that wipe damage away", damage.damage_wiped),
    Rule("RB116", "sequence-back", WARNING, "A sequence that may be set back", dumps.sequence_back),
    Rule("RB117", "read-only-no-guard", WARNING, "READ ONLY taken for a guard", sessions.read_only_is_no_guard),

    Rule("RB201", "rm-variable", ERROR, "rm -r of a path that an empty variable shortens", shell.rm_variable),
    Rule("RB202", "flush-all", ERROR, "FLUSHALL or FLUSHDB", shell.each(shell.flush_all)),
    Rule("RB203", "keys-star", WARNING, "KEYS on a live server", shell.each(shell.keys_star)),
    Rule("RB204", "force-push", ERROR, "git push --force", shell.each(shell.force_push)),
    Rule("RB205", "delete-without-namespace", WARNING, "kubectl delete without a namespace",
         shell.delete_without_namespace),
    Rule("RB206", "pipe-to-shell", ERROR, "A fetched script run unseen", shell.pipe_to_shell),
    Rule("RB207", "world-writable", WARNING, "chmod 777 and its like", shell.each(shell.world_writable)),
    Rule("RB208", "loses-data", ERROR, "Data or history lost that no re-run restores", shell.loses_data, general=True),

    Rule("RB301", "gone-command", ERROR, "A command that its program no longer has", tools.gone_command),
    Rule("RB302", "gone-sql", ERROR, "A function or column that Postgres no longer has", tools.gone_sql),
    Rule("RB303", "missing-option", ERROR, "A command without what it requires", tools.missing_option),
    Rule("RB304", "deploy-instead-of-restart", WARNING, "vercel --prod called a restart",
         tools.deploy_instead_of_restart),
    Rule("RB305", "renamed-action", ERROR, "A typed action by a name that it no longer has", tools.renamed_action),

    Rule("RB401", "secret-in-document", ERROR, "A secret written out in the document", secrets.in_document),
    Rule("RB402", "secret-as-argument", WARNING, "A secret on a command line", secrets.as_argument),
    Rule("RB403", "secret-shown", WARNING, "A secret written on the screen", secrets.shown),

    Rule("RB501", "evidence-deleted", ERROR, "Sessions, audit rows or logs deleted", security.evidence_deleted),
    Rule("RB502", "secret-not-deployed", WARNING, "A new secret that nothing takes up", security.secret_not_deployed),
    Rule("RB503", "key-without-ring", WARNING, "An encryption key replaced", security.key_without_ring),
    Rule("RB504", "private-address-banned", WARNING, "A ban of a private address", bans.private_address),
    Rule("RB505", "ban-without-end", WARNING, "A ban that never expires", bans.ban_without_end),
    Rule("RB506", "evidence-late", WARNING, "Changes in a breach before the evidence is safe", security.evidence_late),
    Rule("RB507", "old-token-unproven", WARNING, "A new signing key, and old tokens never tried",
         security.old_token_unproven),
    Rule("RB508", "single-ipv6", WARNING, "A ban of one IPv6 address", bans.single_ipv6),
    Rule("RB509", "ban-unlooked", WARNING, "A ban without a look at who else comes from there", bans.ban_unlooked),
    Rule("RB510", "forwarded-from-left", ERROR, "X-Forwarded-For read from the left", bans.forwarded_from_left),
)
"""All rules, by code."""
# fmt: on

CODES = frozenset(rule.code for rule in RULES)
