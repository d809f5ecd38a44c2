"""Reads ``archive`` and ``evidence`` of ``hutch.yaml``, and opens the places that they name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from hutch.bootstrap import values
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.stores import Place
from hutch.bootstrap.yamlnodes import Node
from hutch.commands.context import CommandError
from hutch.model.config import Config
from hutch.model.retention import ArchiveConfig, SharedPlace
from hutch.places import Place as Files
from hutch.places import Where, open_place
from hutch.places.seal import ring
from hutch.ports import Archives, Evidence, Setting
from hutch.store.archives import SealedArchives
from hutch.store.aside import in_database
from hutch.store.evidence import FileEvidence
from hutch.store.shared import SharedEvidence, TablePlace

USUAL = ArchiveConfig()

STORE = "store"
"""As a place: the database that the log is in."""

PLACE: tuple[Setting, ...] = (
    Setting("to", "text", "a folder, relative to this file, s3://BUCKET/PREFIX, or `store`: the Postgres database of "
            "the store; empty: the store's folder", default=""),
    Setting("key", "secret", "32 bytes in base64 or hex that files are sealed with there; without it they are not",
            default=""),
    Setting("old_keys", "secrets", "earlier keys by any name, for reading what was sealed with them"),
    Setting("region", "text", "AWS region of the bucket", default=""),
    Setting("endpoint", "text", "another address of S3: MinIO, a VPC endpoint", default=""),
    Setting("access_key_id", "secret", "AWS key; without it the machine's own", default=""),
    Setting("secret_access_key", "secret", "the secret of that key", default=""),
)  # fmt: skip
"""The keys of ``evidence``: where it is kept."""

ARCHIVE: tuple[Setting, ...] = (
    Setting("after", "duration", "an incident is archived by itself so long after its resolution; 0s: never",
            default=USUAL.after),
    Setting("breaches_after", "duration", "one with a breach stays for so long at least, whoever asks",
            default=USUAL.breaches_after),
    *PLACE,
)  # fmt: skip
"""The keys of ``archive``."""

TEXTS = ("key", "region", "endpoint", "access_key_id", "secret_access_key")


def archive_config(node: Node) -> ArchiveConfig:
    """The block. Raises ``ConfigError``."""
    found = values.settings(node, ARCHIVE)
    after, breaches = found["after"], found["breaches_after"]
    assert isinstance(after, timedelta) and isinstance(breaches, timedelta)
    return ArchiveConfig(after, breaches, _place(node, found))


def evidence_config(node: Node) -> SharedPlace:
    """The block. Raises ``ConfigError``."""
    return _place(node, values.settings(node, PLACE))


def _place(node: Node, found: Mapping[str, object]) -> SharedPlace:
    texts, old = {name: str(found[name] or "") for name in TEXTS}, found["old_keys"]
    if bool(texts["access_key_id"]) != bool(texts["secret_access_key"]):
        raise node.fail("access_key_id and secret_access_key go together")
    to = str(found["to"])
    if "://" in to and not to.startswith("s3://"):
        raise node.child("to").fail(f"expected a folder, s3://BUCKET/PREFIX or store, found {to!r}")
    if to and to != STORE and not to.startswith("s3://"):
        to = str((Path(node.path).parent / to).resolve())
    keys = {str(name): str(reference) for name, reference in old.items()} if isinstance(old, Mapping) else {}
    return SharedPlace(to, old_keys=keys, **texts)


def open_archives(config: ArchiveConfig, store: Place, secrets: EnvironmentSecrets) -> Archives:
    """Where archives lie. Raises :class:`CommandError` for a secret that is not there or a key that is none."""
    return _opened("archive", config.place, store, secrets)


def open_evidence(config: Config, store: Place, secrets: EnvironmentSecrets) -> Evidence:
    """Where evidence is kept: in the store's folder, or where all servers have it. Raises :class:`CommandError`."""
    own, shared = FileEvidence(store.home / "evidence", config.evidence_kept), config.evidence
    return SharedEvidence(_opened("evidence", shared, store, secrets), own.most, own) if shared.to else own


def _opened(block: str, config: SharedPlace, store: Place, secrets: EnvironmentSecrets) -> Archives:
    try:
        old = [secrets.resolve(reference) for reference in config.old_keys.values()]
        keys = ring(secrets.resolve(config.key) if config.key else "", old)
        own = [secrets.resolve(one) if one else "" for one in (config.access_key_id, config.secret_access_key)]
    except LookupError as error:
        raise CommandError(f"{block}: {error.args[0]}", 2) from error
    except ValueError as error:
        raise CommandError(f"{block}: {str(error).removeprefix('backup: ')}", 2) from error
    return SealedArchives(_files(block, config, store, own), keys)


def _files(block: str, config: SharedPlace, store: Place, own: list[str]) -> Files:
    if config.to == STORE and not store.url:
        raise CommandError(f"{block}.to: the store is a file of this machine, not Postgres: name a folder or s3://…", 2)
    if config.to == STORE:
        return TablePlace(in_database(store.url), store.name)
    to = config.to or str((store.home / block).resolve())
    return open_place(Where(to, config.region, config.endpoint, *own))
