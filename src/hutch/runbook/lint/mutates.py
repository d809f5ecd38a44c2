"""What is known to change something: by name, never by doubt. A finding must be right; what nobody knows is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.page import Said
from hutch.runbook.lint.sql import Sql

KUBERNETES = (
    "apply", "create", "delete", "edit", "patch", "replace", "scale", "set", "cordon", "uncordon", "drain", "taint",
    "rollout restart", "rollout undo", "rollout pause", "rollout resume", "autoscale", "adm drain", "adm cordon",
    "adm uncordon", "adm taint",
)  # fmt: skip
CONTAINERS = (
    "restart", "stop", "start", "kill", "rm", "rmi", "pause", "unpause", "update", "system prune", "volume rm",
    "volume prune", "compose up", "compose down", "compose restart", "compose stop", "compose start", "compose rm",
)  # fmt: skip
PACKAGES = ("install", "remove", "purge", "upgrade", "full-upgrade", "dist-upgrade", "autoremove", "erase")

SUBCOMMANDS: Mapping[str, tuple[str, ...]] = {
    "kubectl": KUBERNETES,
    "oc": KUBERNETES,
    "docker": CONTAINERS,
    "podman": CONTAINERS,
    "systemctl": ("restart", "stop", "start", "reload", "enable", "disable", "mask", "unmask", "kill", "reboot",
        "poweroff"),
    "helm": ("install", "upgrade", "rollback", "uninstall", "delete"),
    "terraform": ("apply", "destroy", "import", "taint", "untaint", "state rm", "state mv", "state push"),
    "git": ("push", "revert", "reset", "commit", "merge", "rebase", "clean"),
    "vercel": ("rollback", "redeploy", "promote", "deploy", "remove", "rm", "env add", "env rm", "alias set"),
    "railway": ("restart", "redeploy", "up", "down", "scale", "rollback", "delete"),
    "heroku": ("restart", "ps:restart", "ps:scale", "config:set", "config:unset", "rollback", "releases:rollback",
        "pg:reset"),
    "patronictl": ("switchover", "failover", "restart", "reinit", "pause", "resume"),
    "rabbitmqctl": ("purge_queue", "delete_queue", "stop", "stop_app", "reset", "force_reset", "delete_user"),
    "pg_ctl": ("restart", "stop", "promote", "start"),
    "apt": PACKAGES,
    "apt-get": PACKAGES,
    "yum": PACKAGES,
    "dnf": PACKAGES,
}  # fmt: skip
"""Subcommands that change what a program looks after."""

PROGRAMS = frozenset({
    "rm", "rmdir", "mv", "truncate", "shred", "dd", "wipefs", "pkill", "killall", "reboot", "shutdown", "halt",
    "poweroff", "chmod", "chown", "useradd", "usermod", "userdel", "createdb", "dropdb", "createuser", "dropuser",
    "pg_restore", "pg_resetwal", "lvextend", "lvremove", "resize2fs",
})  # fmt: skip
"""Programs that do nothing else."""

REDIS_WRITES = frozenset(
    ["SET", "DEL", "UNLINK", "EXPIRE", "FLUSHALL", "FLUSHDB", "SHUTDOWN", "FAILOVER", "RENAME", "HSET", "LPUSH", "ZADD"]
)
REDIS_PAIRS = frozenset({("CONFIG", "SET"), ("CLIENT", "KILL"), ("CONFIG", "REWRITE"), ("SCRIPT", "FLUSH")})

_AWS = re.compile(
    r"(?:create|delete|update|put|modify|reboot|stop|terminate|register|deregister|restore|run|attach|detach|revoke"
    r"|authorize|disable|enable|failover|promote|reset|rollback|rotate|execute)-|start-(?!query)"
)
_CLOUD = frozenset({"create", "delete", "update", "restart", "stop", "start", "reset", "resize", "deploy", "failover"})
_SCRIPT = re.compile(r"migrate(?!.*status)|reset|seed|deploy|rollback|restart|drop|purge", re.IGNORECASE)
_LOOKS = re.compile(r"quer|search|graphql|valid|check|test|health|login|token|introspect|count|render|lookup", re.I)
_SIGNAL_LOOKS = re.compile(r"-(?:0|3|l|L|QUIT|USR1|USR2|s=?(?:0|QUIT))")

_SQL_VERB = re.compile(
    r"^ (?:(?:explain (?:\([^()]*\banalyze\b[^()]*\) |analyze (?:verbose )?))?"
    r"(?P<verb>insert into|update|delete from|merge into)"
    r"|(?P<define>truncate|alter|drop|grant|revoke|reindex|cluster|refresh|create(?! (?:local )?temp))) "
)
_SQL_INNER = re.compile(r" \( (?P<verb>insert into|update|delete from) ")
_SQL_CALL = re.compile(
    r" (?P<name>pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|pg_switch_wal|pg_promote"
    r"|pg_stat_reset\w*|pg_stat_statements_reset|pg_drop_replication_slot|pg_create_\w+_slot|pg_wal_replay_(?:pause|resume)"
    r"|nextval|setval|lo_unlink) \("
)


def mutation(said: Said) -> str:
    """What in a statement changes something, in a few words; empty where nothing is known to."""
    if not said.changes:
        return ""
    if said.statement.action:
        return f"the action {said.statement.action.name}"
    declared = said.step.annotations.get("hutch.effect")
    if declared in {"change", "destroy"}:
        return f"a block marked hutch.effect {declared}"
    if said.step.lang == "http":
        return _request(said.statement.text)
    found = (*map(by_sql, said.sql), *map(by_call, said.calls))
    return next((words for words in found if words), "")


def by_sql(sql: Sql) -> str:
    """The verb or function of a SQL statement that changes something, or nothing."""
    if found := _SQL_VERB.match(sql.flat):
        shown = " ".join(sql.flat.split()[:2]) if found["define"] else found["verb"]
        return f"EXPLAIN ANALYZE runs the {found['verb'].upper()}, which" if "explain" in found[0] else shown.upper()
    if found := _SQL_INNER.search(sql.flat):
        return found["verb"].upper()
    return found["name"] if (found := _SQL_CALL.search(sql.flat)) else ""


def by_call(call: Call) -> str:
    """The program and subcommand that change something, or nothing."""
    if call.has("--dry-run", "--help", "-h"):
        return ""
    judge = _JUDGES.get(call.program)
    if judge:
        return judge(call)
    if call.program in PROGRAMS:
        return "" if _only_temporary(call) else call.program
    words = call.operands()
    for path in SUBCOMMANDS.get(call.program, ()):
        if words[: len(path.split())] == path.split():
            return f"{call.program} {path}"
    return ""


def _only_temporary(call: Call) -> bool:
    words = call.operands()
    return bool(words) and all(w.startswith(("/tmp/", "/var/tmp/", "$TMP", "${TMP")) for w in words)  # noqa: S108 - names


def _aws(call: Call) -> str:
    words = call.operands()[:2]
    if words[:1] == ["s3"]:
        into = words[1:] in (["cp"], ["sync"]) and call.operands()[-1].startswith("s3://")
        return f"aws s3 {words[1]}" if into or words[1:] in (["rm"], ["mv"], ["rb"]) else ""
    return f"aws {' '.join(words)}" if len(words) == 2 and _AWS.match(words[1]) else ""


def _cloud(call: Call) -> str:
    verb = next((w for w in call.operands() if w in _CLOUD), "")
    return f"{call.program} {verb}" if verb else ""


def _redis(call: Call) -> str:
    words = [w.upper() for w in call.operands()[:2]]
    if words[:1] and words[0] in REDIS_WRITES:
        return f"{call.program} {words[0]}"
    return f"{call.program} {' '.join(words)}" if tuple(words) in REDIS_PAIRS else ""


def _kill(call: Call) -> str:
    return "" if call.args and _SIGNAL_LOOKS.fullmatch(call.args[0]) else "kill"


def _script(call: Call) -> str:
    words = call.operands()
    name = words[1] if words[:1] == ["run"] and len(words) > 1 else words[0] if words else ""
    return f"{call.program} {name}" if _SCRIPT.search(name) else ""


def _curl(call: Call) -> str:
    method = next((v.upper() for v in call.values("-X", "--request")), "")
    method = method or next((a[2:].upper() for a in call.args if a.startswith("-X") and len(a) > 2), "")
    if method in {"PUT", "PATCH", "DELETE"} or (method == "POST" and not any(_LOOKS.search(a) for a in call.args)):
        return f"{call.program} {method}"
    return ""


def _service(call: Call) -> str:
    words = call.operands()
    return f"service {words[1]}" if words[1:2] and words[1] in {"restart", "stop", "start", "reload"} else ""


def _request(text: str) -> str:
    method, _, rest = text.lstrip().partition(" ")
    line = rest.partition("\n")[0]
    changes = method in {"PUT", "PATCH", "DELETE"} or (method == "POST" and not _LOOKS.search(line))
    return method if changes else ""


_JUDGES: Mapping[str, Callable[[Call], str]] = {
    "aws": _aws,
    "gcloud": _cloud,
    "az": _cloud,
    "redis-cli": _redis,
    "valkey-cli": _redis,
    "kill": _kill,
    "npm": _script,
    "yarn": _script,
    "pnpm": _script,
    "curl": _curl,
    "service": _service,
}
