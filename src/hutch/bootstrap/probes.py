"""Reads ``probes`` of ``hutch.yaml``, and opens what it names: the kinds are found through entry points."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import entry_points
from urllib.parse import urljoin

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import ConfigError, Node
from hutch.commands.errors import CommandError
from hutch.effect import classify
from hutch.model.alert import Rule
from hutch.model.config import CustomSignal, ServiceConfig
from hutch.model.effect import Effect
from hutch.model.probe import ProbeConfig
from hutch.ports import Probe, ProbeKind, ProbeTarget, Secrets, Setting

LOCAL = "local"
"""What the place of `hutch serve` is called where the configuration gives it no name."""

PROBE: tuple[Setting, ...] = (
    Setting("name", "text", "what it is called; one name only once", required=True),
    Setting("service", "text", "the service that it looks at; needed where several are configured", default=""),
    Setting("kind", "text", "http, tcp, dns, postgres or redis", required=True),
    Setting("target", "text", "what it looks at; its form is the kind's"),
    Setting("interval", "duration", "time between two looks", default=timedelta(seconds=30)),
    Setting("timeout", "duration", "how long one look may take", default=timedelta(seconds=10)),
    Setting("locations", "list", "where it runs: `location` of this file, and names that workers are started with; "
            "none: `location` alone", default=()),
)  # fmt: skip
"""The keys of every entry of ``probes``; each kind has more."""

SHORTEST = timedelta(seconds=1)
"""An interval below it is a load test."""

_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_NAME_MOST = 100


@cache
def find_kinds() -> Mapping[str, ProbeKind]:
    """Every installed kind by name, through the entry-point group ``hutch.probes``."""
    return {point.name: point.load() for point in entry_points(group="hutch.probes")}


def read_probes(node: Node, services: Mapping[str, ServiceConfig], location: str) -> tuple[ProbeConfig, ...]:
    """The list. Raises ``ConfigError`` for the first thing that is wrong."""
    found: dict[str, ProbeConfig] = {}
    for item in node.items():
        probe = _probe(item, services, location)
        if probe.name in found:
            raise item.child("name").fail(f"{probe.name!r} was used in line {found[probe.name].line} already")
        found[probe.name] = probe
    return tuple(found.values())


def place(node: Node, name: str) -> str:
    """The name of a location. Raises ``ConfigError``."""
    if not _PLACE.fullmatch(name):
        raise node.fail(f"expected letters, digits, - _ and . as the name of a place, found {name!r}")
    return name


def _probe(node: Node, services: Mapping[str, ServiceConfig], location: str) -> ProbeConfig:
    common, own = _parts(node)
    name = str(common["name"])
    if not name.isprintable() or len(name) > _NAME_MOST:
        raise node.child("name").fail(f"expected one line of at most {_NAME_MOST} characters")
    kind, service = find_kinds()[str(common["kind"])], _service(node, str(common["service"]), services)
    settings = values.settings(own, kind.settings)
    target = _target(node, kind, service)
    try:
        kind.check(target, settings)
    except ValueError as error:
        key, _, said = str(error).partition(": ")
        raise node.child(key).fail(said or str(error)) from error
    _check_query(node, kind, settings)
    every, timeout = _times(node, common["interval"], common["timeout"])
    places = tuple(place(n, values.text(n)) for n in node.child("locations").items()) or (location,)
    if len(set(places)) < len(places):
        raise node.child("locations").fail("names a place twice")
    return ProbeConfig(name, service.name, kind.name, target, settings, every, timeout, places, node.line)


def _parts(node: Node) -> tuple[dict[str, object], Node]:
    """The keys that every probe has, and those of its kind."""
    kinds, given = find_kinds(), node.mapping()
    kind = values.text(given["kind"]) if "kind" in given else ""
    if kind not in kinds:
        if "kind" not in given:
            raise node.fail(f"kind is missing: one of {', '.join(kinds)}")
        raise given["kind"].fail(f"expected one of {', '.join(kinds)}, found {kind!r}")
    shared = {s.name for s in PROBE}
    node.only([*shared, *(s.name for s in kinds[kind].settings)])
    common = {k: n for k, n in given.items() if k in shared - {"target", "locations"}}
    own = {k: n for k, n in given.items() if k not in shared}
    read = [s for s in PROBE if s.name not in ("target", "locations")]
    found = values.settings(Node(node.path, node.where, node.line, common), read)
    return found, Node(node.path, node.where, node.line, own)


def _service(node: Node, name: str, services: Mapping[str, ServiceConfig]) -> ServiceConfig:
    if not name and len(services) == 1:
        return next(iter(services.values()))
    if name not in services:
        known = ", ".join(services)
        raise node.child("service").fail(
            f"unknown service {name!r}; configured: {known}" if name else f"name the service, one of: {known}"
        )
    return services[name]


def _target(node: Node, kind: ProbeKind, service: ServiceConfig) -> str:
    """What it looks at, a secret as its reference; that of the service's own block where the entry has none."""
    given = node.mapping().get("target")
    base = str(service.targets.get(kind.name, {}).get("url") or "")
    if given is not None and kind.target.kind == "secret":
        text = given.value if isinstance(given.value, str) else ""
        if text.startswith("/") and base:
            return f"plain:{urljoin(base, text)}"
        return values.secret(given)
    if given is not None:
        return values.text(given)
    if kind.target.kind == "secret" and base:
        return base if base.startswith(("env:", "file:", "plain:")) else f"plain:{base}"
    raise node.fail(f"target is missing: {kind.target.doc}")


def _times(node: Node, every: object, timeout: object) -> tuple[timedelta, timedelta]:
    assert isinstance(every, timedelta)
    assert isinstance(timeout, timedelta)
    if every < SHORTEST:
        raise node.child("interval").fail("expected 1s or more")
    if not timedelta(0) < timeout <= timedelta(minutes=1):
        raise node.child("timeout").fail("expected more than zero and at most 60s")
    return every, timeout


def _check_query(node: Node, kind: ProbeKind, settings: Mapping[str, object]) -> None:
    """A statement of one's own is judged as in documents: a probe only reads."""
    if kind.name != "postgres":
        return
    verdict = classify("sql", str(settings["query"]), [])
    if verdict.effect is not Effect.READ or verdict.sensitive:
        word = "shows what is personal or secret" if verdict.effect is Effect.READ else f"is {verdict.effect.word}"
        raise node.child("query").fail(f"a probe only reads, and this {word}: {verdict.why}")


def check_quorums(
    path: str, rules: Sequence[Rule], probes: Sequence[ProbeConfig], signals: Sequence[CustomSignal]
) -> None:
    """Raises ``ConfigError`` for a rule that asks for more places to agree than its probes have."""
    asked = {s.name: s.query for s in signals if s.kind == "probe"}
    for rule in (r for r in rules if r.quorum):
        only = asked.get(rule.condition.signal, "")
        mine = [p for p in probes if rule.meant_for(p.service) and only in ("", p.name)]
        few = next((p for p in mine if len(p.locations) < rule.quorum), None)
        other = next((p for p in mine if rule.places and len(p.locations) != rule.places), None)
        wrong = few or other
        if wrong or not mine:
            has = f"probe {wrong.name!r} has {len(wrong.locations)}" if wrong else "there is no probe for it"
            of = f" of {rule.places}" if rule.places else ""
            said = f"quorum asks for {rule.quorum}{of} places, and {has}; see locations"
            raise ConfigError(path, rule.line, f"alerts: rule {rule.name!r}: {said}")


def opener(secrets: Secrets, now: Callable[[], datetime]) -> Callable[[ProbeConfig], Probe]:
    """What opens a probe: its secrets are resolved only there, since each place has its own."""

    def opened(config: ProbeConfig) -> Probe:
        kind = find_kinds()[config.kind]
        try:
            target = _resolved(kind.target.kind, config.target, secrets)
            settings = {s.name: _setting(s, config.settings[s.name], secrets) for s in kind.settings}
            return kind.open(ProbeTarget(target, settings, config.timeout.total_seconds(), now))
        except (LookupError, ValueError) as error:
            raise CommandError(f"probe {config.name!r}: {error.args[0]}", 2) from error

    return opened


def _resolved(kind: str, value: str, secrets: Secrets) -> str:
    return secrets.resolve(value) if kind == "secret" else value


def _setting(setting: Setting, value: object, secrets: Secrets) -> object:
    if setting.kind == "secrets" and isinstance(value, Mapping):
        return {name: secrets.resolve(str(reference)) for name, reference in value.items()}
    return value


def codes(probes: Sequence[ProbeConfig]) -> frozenset[str]:
    """The cause codes that these can give."""
    return frozenset(code for probe in probes for code in find_kinds()[probe.kind].codes)
