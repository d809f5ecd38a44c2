"""Rules about commands that lose more than they say, or open a door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hutch.model.effect import Effect
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said

SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "python", "python3", "perl", "ruby", "node"})
FETCHERS = frozenset({"curl", "wget"})
REDIS = frozenset({"redis-cli", "valkey-cli"})

CLUSTER_KINDS = frozenset({
    "node", "nodes", "no", "namespace", "namespaces", "ns", "pv", "persistentvolume", "persistentvolumes", "crd",
    "crds",
    "customresourcedefinition", "clusterrole", "clusterroles", "clusterrolebinding", "clusterrolebindings",
    "storageclass", "storageclasses", "sc", "priorityclass", "validatingwebhookconfiguration",
    "mutatingwebhookconfiguration", "apiservice", "csr", "project", "projects", "machineconfig", "mc",
    "clusteroperator",
    "co", "clusterversion", "volumesnapshotcontent", "runtimeclass", "ingressclass", "csidriver", "csinode",
})  # fmt: skip
"""Kinds of Kubernetes objects that lie in no namespace."""

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_GIVEN = re.compile(r"(?:^|[\s;])([A-Za-z_]\w*)=[\"']?[\w/.~-]")
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


def rm_variable(page: Page) -> Iterator[Hit]:
    """An empty variable makes ``rm -rf "$DIR/"`` remove everything."""
    step, given = "", set[str]()
    for said in page.said:
        if said.step.id != step:
            step, given = said.step.id, set()
        for call in said.calls:
            removes = call.program == "rm" and call.has("-r", "-R", "--recursive")
            if removes and any(_reaches_up(arg, given) for arg in call.args):
                yield Hit(
                    said.line,
                    "removes something else when the variable is empty: make it fail instead",
                    'rm -r -- "${DIR:?}/cache"',
                )
        given |= set(_GIVEN.findall(said.statement.text))


def _reaches_up(arg: str, given: set[str]) -> bool:
    """Whether a path names something above what is meant, or all, once its variables are empty."""
    names = [(found[1] or found[2], found.start(), found.end()) for found in _VARIABLE.finditer(arg)]
    open_ = [one for one in names if one[0] not in given]
    return bool(open_) and (len(names) > 1 or open_[0][1] > 0 or open_[0][2] < len(arg))


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
    if call.program not in REDIS or [word.upper() for word in call.operands()[:1]] != ["KEYS"]:
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


_CHOSEN = re.compile(r"set-context\b.{0,200}--namespace|^oc project \S|^kubens \S|^oc new-project \S")


def delete_without_namespace(page: Page) -> Iterator[Hit]:
    """It hits whatever namespace happens to be chosen; where a runbook chooses one itself, that is known."""
    chosen: set[str] = set()
    for said in page.said:
        if _CHOSEN.search(said.statement.text[:1000]):
            chosen.add(said.runbook.id)
        for call in said.calls:
            if said.runbook.id not in chosen and _deletes_anywhere(call):
                yield Hit(
                    said.line,
                    "deletes in whatever namespace is chosen at the moment: name it",
                    f"{call.program} delete … --namespace NAME",
                )


def _deletes_anywhere(call: Call) -> bool:
    words = call.operands()
    if call.program not in {"kubectl", "oc"} or words[:1] != ["delete"] or call.has("-f", "--filename", "-k"):
        return False
    attached = any(a.startswith("-n") and len(a) > 2 for a in call.args)
    if attached or call.has("-n", "--namespace", "-A", "--all-namespaces"):
        return False
    return not (words[1:2] and words[1].partition("/")[0].partition(".")[0].lower() in CLUSTER_KINDS)


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


RESTS_ON = re.compile(
    r"\b(?:back(?:ed)?[ -]?ups?|snapshots?|dump(?:ed)?|archive[ds]?|cop(?:y|ied)|restor\w+|regenerat\w+|recreat\w+"
    r"|rebuil\w+|shipped|rotated|expendable|scratch|throw-?away|no longer needed|not needed)\b",
    re.IGNORECASE,
)
"""Words that say what makes a loss bearable."""

REBUILT = frozenset({
    "pod", "pods", "po", "deployment", "deployments", "deploy", "daemonset", "daemonsets", "ds", "replicaset",
    "replicasets", "rs", "statefulset", "statefulsets", "sts", "job", "jobs", "lease", "leases", "event", "events",
    "endpoints", "service", "services", "svc", "ingress", "hpa", "pdb", "volumeattachment", "volumeattachments",
    "rolebinding", "clusterrolebinding", "networkpolicy",
})  # fmt: skip
"""Kinds of Kubernetes objects that come back by themselves, or from their manifests: no data is in them."""

_IMAGES = frozenset({"rmi", "image"})
_DEFINITIONS = (
    "drop trigger",
    "drop policy",
    "drop rule",
    "drop function",
    "drop procedure",
    "drop view",
    "drop index",
)

_KEEPS = frozenset({"pg_dump", "pg_dumpall", "pg_basebackup", "mysqldump", "tar", "cp", "rsync", "velero", "restic"})
_CACHES = ("/tmp/", "/var/tmp/", "/var/cache/", "/dev/shm/")  # noqa: S108 - names


def loses_data(page: Page) -> Iterator[Hit]:
    """A statement that loses what no re-run restores, with no word on what it rests, and no rule of its own."""
    kept: set[str] = set()
    for said in page.said:
        if said.effect is Effect.DESTROY and said.statement.verdict and not _is_bearable(said, kept):
            yield Hit(
                said.line,
                f"loses what no re-run restores: {said.statement.verdict.why.partition(';')[0]};"
                " take a backup in a step before, or say in a comment what it rests on",
                _instead(said.statement.verdict.why),
            )
        if any(c.program in _KEEPS or "snapshot" in " ".join(c.args[:3]) for c in said.calls):
            kept.add(said.runbook.id)


def _is_bearable(said: Said, kept: set[str]) -> bool:
    told = " ".join((*said.statement.comments, said.step.name))
    if "hutch.effect" in said.step.annotations or said.runbook.id in kept or RESTS_ON.search(told) or _is_rebuilt(said):
        return True
    paths = [word for call in said.calls for word in call.operands() if word.startswith("/")]
    return bool(paths) and all(path.startswith(_CACHES) for path in paths)


def _is_rebuilt(said: Said) -> bool:
    """Whether all that decided the effect is made again from what is kept elsewhere: manifests, images, definitions."""
    if said.sql:
        return all(sql.starts(*_DEFINITIONS) for sql in said.sql if sql.starts("drop", "delete", "truncate", "update"))
    program = said.statement.verdict.why.split()[0] if said.statement.verdict else ""
    decided = [call for call in said.calls if call.program == program]
    return bool(decided) and all(_comes_back(call) for call in decided)


def _comes_back(call: Call) -> bool:
    words = [word.partition("/")[0].partition(".")[0].lower() for word in call.operands()]
    if call.program in {"kubectl", "oc"}:
        kind = words[1] if words[1:] else ""
        return words[:1] == ["drain"] or not kind or kind[0] in "[<$" or kind in REBUILT
    return call.program in {"docker", "podman", "crictl"} and bool(_IMAGES & set(words[:1]))


def _instead(why: str) -> str:
    first = why.removeprefix("psql:").split()[0]
    return next((form for word, form in INSTEAD if word == first), "")
