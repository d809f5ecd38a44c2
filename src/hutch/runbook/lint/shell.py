"""Rules about commands that lose more than they say, or open a door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hutch.model.effect import Effect
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "python", "python3", "perl", "ruby", "node"})
FETCHERS = frozenset({"curl", "wget"})
REDIS = frozenset({"redis-cli", "valkey-cli"})

CLUSTER_KINDS = frozenset(
    [
        "node",
        "nodes",
        "no",
        "namespace",
        "namespaces",
        "ns",
        "pv",
        "persistentvolume",
        "persistentvolumes",
        "crd",
        "crds",
        "customresourcedefinition",
        "clusterrole",
        "clusterroles",
        "clusterrolebinding",
        "clusterrolebindings",
        "storageclass",
        "storageclasses",
        "sc",
        "priorityclass",
        "validatingwebhookconfiguration",
        "mutatingwebhookconfiguration",
        "apiservice",
        "csr",
    ]
)
"""Kinds of Kubernetes objects that lie in no namespace."""

_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})")
_FETCHED = re.compile(r"(?:\$\(|`|<\()\s*(?:sudo\s+)?(?:curl|wget)\b")
_OCTAL = re.compile(r"[0-7]?[0-7][0-7][2367]")
_SYMBOLIC = re.compile(r"[ugoa,]{0,8}[oa][ugo]{0,4}[+=][rxXst]{0,6}w[rwxXst]{0,6}")


def each(judge: Callable[[Call], tuple[str, str] | None]) -> Callable[[Page], Iterator[Hit]]:
    """A rule that judges every call for itself: a message and the safer form, or None."""

    def check(page: Page) -> Iterator[Hit]:
        for said in page.said:
            for call in said.calls:
                if found := judge(call):
                    yield Hit(said.line, *found)

    return check


def rm_variable(call: Call) -> tuple[str, str] | None:
    """An empty variable makes ``rm -rf "$DIR/"`` remove everything."""
    if call.program != "rm" or not call.has("-r", "-R", "--recursive"):
        return None
    if not any(_VARIABLE.search(arg) for arg in call.args):
        return None
    return "removes something else when the variable is empty: make it fail instead", 'rm -r -- "${DIR:?}/cache"'


def flush_all(call: Call) -> tuple[str, str] | None:
    """Sessions, locks and rate limits go with the cache."""
    word = next((w.upper() for w in call.args if w.upper() in {"FLUSHALL", "FLUSHDB"}), "")
    if call.program not in REDIS or not word:
        return None
    return (
        f"{word} removes every key, sessions, locks and rate limits too: remove the keys that are meant",
        "redis-cli --scan --pattern 'cache:*' | xargs -r -n 100 redis-cli UNLINK",
    )


def keys_star(call: Call) -> tuple[str, str] | None:
    """``KEYS`` looks at every key while all other clients wait."""
    operands = [word.upper() for word in call.operands()]
    if call.program not in REDIS or "KEYS" not in operands:
        return None
    return "KEYS stops every other client while it looks at all keys", "redis-cli --scan --pattern '…'"


def force_push(call: Call) -> tuple[str, str] | None:
    """It removes what others have pushed."""
    if not call.is_("git push"):
        return None
    forced = call.has("--force", "-f") or any(w.startswith("+") for w in call.operands()[1:])
    if not forced:
        return None
    return (
        "a forced push removes what others pushed in the meantime",
        "git revert COMMIT, or git push --force-with-lease",
    )


def delete_without_namespace(call: Call) -> tuple[str, str] | None:
    """It hits whatever namespace happens to be chosen."""
    words = call.operands()
    if call.program not in {"kubectl", "oc"} or words[:1] != ["delete"] or call.has("-f", "--filename", "-k"):
        return None
    if call.has("-n", "--namespace") or (words[1:2] and words[1].partition("/")[0].lower() in CLUSTER_KINDS):
        return None
    return (
        "deletes in whatever namespace is chosen at the moment: name it",
        f"{call.program} delete … --namespace NAME",
    )


def pipe_to_shell(page: Page) -> Iterator[Hit]:
    """What a server sends at this moment is run, unseen."""
    for said in page.said:
        piped = any(c.program in SHELLS and c.feeds and c.feeds.program in FETCHERS for c in said.calls)
        run = any(c.program in SHELLS or c.program in {"eval", "source", "."} for c in said.calls)
        if piped or (run and _FETCHED.search(said.statement.text)):
            yield Hit(
                said.line,
                "runs whatever the server sends, unseen and perhaps cut off: fetch it, check its sum, then run it",
                "curl -fsSo install.sh URL && sha256sum -c install.sh.sha256 && sh install.sh",
            )


def world_writable(call: Call) -> tuple[str, str] | None:
    """Every process of the machine may then replace the file."""
    mode = next((word for word in call.operands()), "")
    if call.program != "chmod" or not (_OCTAL.fullmatch(mode) or _SYMBOLIC.fullmatch(mode)):
        return None
    return (
        f"mode {mode} lets everybody on the machine write there: give it to the user who needs it",
        "chmod u+rwX,go-w",
    )


# ------------------------------------------------------------------ what destroys

INSTEAD = (
    ("DELETE", "in a transaction: DELETE … WHERE …, look at the count, then COMMIT"),
    ("UPDATE", "in a transaction: UPDATE … WHERE …, look at the count, then COMMIT"),
    ("TRUNCATE", "ALTER TABLE … RENAME TO …_old, and drop it once it is not missed"),
    ("DROP", "RENAME it, and drop it once it is not missed"),
    ("rm", "mv it aside, and remove it once it is not missed"),
)
"""Safer forms by the first word of what decided the effect that fits."""


def loses_data(page: Page) -> Iterator[Hit]:
    """Any statement that loses what no re-run restores, and that no rule of its own speaks of."""
    for said in page.said:
        if said.effect is Effect.DESTROY and said.statement.verdict and "hutch.effect" not in said.step.annotations:
            why = said.statement.verdict.why
            yield Hit(said.line, f"loses what no re-run restores: {why}; say what backup it rests on", _instead(why))


def _instead(why: str) -> str:
    words = why.replace(":", " ").split()
    return next((form for word, form in INSTEAD if word in words[:3]), "")
