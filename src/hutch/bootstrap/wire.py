"""Makes a :class:`~hutch.commands.context.Context` from a configuration: the only place that knows every part."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

from hutch.bootstrap import config as config_file
from hutch.bootstrap import notify
from hutch.bootstrap.archiving import open_archives, open_evidence
from hutch.bootstrap.probes import codes, opener
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.stores import (
    Place,
    open_accounts,
    open_duties,
    open_register,
    open_samples,
    open_sightings,
    open_store,
    open_watches,
    place_of,
)
from hutch.bootstrap.yamlnodes import ConfigError
from hutch.commands.advisories import telling
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.crossing import guarded
from hutch.commands.platform_reads import with_reads
from hutch.commands.seen import SeenStore
from hutch.model.config import Config, ServiceConfig
from hutch.model.journal import fold
from hutch.ports import Connection, Provider, Secrets, Store, TargetConfig, Wallclock
from hutch.runbook.values import Source
from hutch.store.clock import SystemClock
from hutch.store.outputs import FileOutputs
from hutch.testing import MemoryQueue, MemoryStore

log = logging.getLogger("hutch.bootstrap")

ALWAYS = ("shell",)
"""Providers that every service has without being asked."""


BROKEN: dict[str, str] = {}
"""Installed providers that could not be loaded, with the reason: one that is broken costs only itself."""


def find_providers() -> dict[str, Provider]:
    """Every installed provider by name, through the entry-point group ``hutch.providers``."""
    found = {}
    for point in entry_points(group="hutch.providers"):
        try:
            found[point.name] = point.load()
        except (ImportError, AttributeError, SyntaxError) as error:
            BROKEN[point.name] = f"{type(error).__name__}: {error}"
            log.warning("provider %s cannot be loaded and is left out: %s", point.name, error)
    return found


def read_config(path: Path) -> tuple[Config, dict[str, Provider]]:
    """The checked configuration and the providers it was checked against. Raises :class:`CommandError`."""
    providers = find_providers()
    if not path.exists():
        raise CommandError(
            f"no configuration at {path}: `hutch init` writes one; or name it with --config",
            2,
        )
    try:
        return config_file.load(path, providers), providers
    except ConfigError as error:
        broken = "".join(f"\nprovider {name} cannot be loaded: {why}" for name, why in BROKEN.items())
        raise CommandError(f"{error}{broken}", 2) from error


def open_context(path: Path, clock: Wallclock | None = None, *, apart: bool = False) -> Context:
    """Everything wired to the configuration at ``path``; close it when done. Nothing connects before its first use.

    ``apart``: the store is the file beside it, whatever the environment names: for demonstrations and drills.
    """
    config, providers = read_config(path)
    return wire(config, providers, path.resolve().parent, clock or SystemClock(), apart=apart)


def wire(
    config: Config, providers: Mapping[str, Provider], base: Path, clock: Wallclock, *, apart: bool = False
) -> Context:
    """A context over the store that ``config`` names, relative to ``base``."""
    place, secrets = Place(base / config.store) if apart else place_of(config, base), EnvironmentSecrets(base)
    services = {n: open_service(s, providers, secrets, clock) for n, s in config.services.items()}
    store, queue = open_store(place, clock, secrets)
    outputs = FileOutputs(place.home / "output", secrets.mask, config.output_kept, config.output_total, _over(store))
    samples = open_samples(place, config.time_scale)
    return Context(
        config, place.home, SeenStore(store), queue, clock, secrets, services, providers, outputs, samples,
        sightings=open_sightings(place), open_probe=opener(secrets, clock.now), probe_codes=codes(config.probes),
        open_notifier=notify.opener(secrets), evidence=open_evidence(config, place, secrets),
        duties=open_duties(place), watches=open_watches(place), register=open_register(place),
        accounts=open_accounts(place), archives=lambda: open_archives(config.archive, place, secrets),
    )  # fmt: skip


def _over(store: Store) -> Callable[[str], Awaitable[bool]]:
    async def over(run_id: str) -> bool:
        """Whether a run has ended; one without a journal has."""
        run = fold(await store.read(f"run:{run_id}"))
        return run is None or run.finished

    return over


def open_service(
    config: ServiceConfig, providers: Mapping[str, Provider], secrets: Secrets, clock: Wallclock
) -> Service:
    """A service with a connection for each of its targets."""
    wanted = {name: config.targets.get(name) for name in (*config.targets, *ALWAYS) if name in providers}
    connections = {
        name: _open(config.name, providers[name], settings or _defaults(providers[name]), secrets, clock)
        for name, settings in wanted.items()
    }
    return Service(config, guarded(telling(connections, clock.now)), tuple(_known(config, providers)))


def _known(config: ServiceConfig, providers: Mapping[str, Provider]) -> Iterator[Source]:
    """The placeholders of documents that the settings of the targets fill in; never with a secret."""
    for name, given in config.targets.items():
        for setting in providers[name].settings:
            value = given.get(setting.name)
            if value and setting.kind in ("text", "url"):
                yield Source(f"services.{config.name}.{name}.{setting.name}", dict.fromkeys(setting.fills, str(value)))


def _open(
    service: str, provider: Provider, settings: Mapping[str, object], secrets: Secrets, clock: Wallclock
) -> Connection:
    kinds = {s.name: s.kind for s in provider.settings}
    try:
        resolved = {k: _resolved(kinds[k], v, secrets) for k, v in settings.items()}
    except LookupError as error:
        raise CommandError(f"services.{service}.{provider.name}: {error.args[0]}", 2) from error
    try:
        return with_reads(provider.open(TargetConfig(service, resolved, clock.now)), clock.now)
    except ValueError as error:
        raise CommandError(f"services.{service}.{provider.name}: {error}", 2) from error


def _resolved(kind: str, value: object, secrets: Secrets) -> object:
    if kind == "secret" and isinstance(value, str):
        return secrets.resolve(value)
    if kind == "secrets" and isinstance(value, Mapping):
        return {name: secrets.resolve(str(reference)) for name, reference in value.items()}
    return value


def _defaults(provider: Provider) -> dict[str, object]:
    return {s.name: s.default for s in provider.settings}


def bare_context(databases: Sequence[str], urls: Sequence[str], caches: Sequence[str] = ()) -> Context:
    """A context without any configuration: one service, "adhoc", over databases, base URLs and Redis servers.

    Nothing is stored.
    """
    providers = find_providers()
    secrets, clock = EnvironmentSecrets(Path.cwd()), SystemClock()
    connections: dict[str, Connection] = {}
    for kind, values in (("postgres", databases), ("http", urls), ("redis", caches)):
        for number, value in enumerate(values):
            secrets.remember(value)
            name = kind if number == 0 else f"{kind}-{number + 1}"
            settings = {**_defaults(providers[kind]), "url": value}
            connections[name] = _bare_open(providers[kind], settings, clock)
            providers[name] = providers[kind] if number == 0 else _silent(providers[kind])
    service = Service(ServiceConfig("adhoc"), connections)
    config = Config(services={"adhoc": service.config})
    memory = MemoryStore(clock)
    return Context(config, Path.cwd(), memory, MemoryQueue(memory), clock, secrets, {"adhoc": service}, providers)


def _bare_open(provider: Provider, settings: Mapping[str, object], clock: Wallclock) -> Connection:
    try:
        return provider.open(TargetConfig("adhoc", settings, clock.now))
    except ValueError as error:
        raise CommandError(str(error), 2) from error


def _silent(provider: Provider) -> Provider:
    """The same provider again for a second target: its causes are explained once, from all findings."""
    return replace(provider, explain=lambda _: ())
