"""Reads ``archive`` of ``hutch.yaml``, and opens the place of archives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from hutch.bootstrap import values
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.yamlnodes import Node
from hutch.commands.context import CommandError
from hutch.model.retention import ArchiveConfig
from hutch.places import Where, open_place
from hutch.places.seal import ring
from hutch.ports import Archives, Setting
from hutch.store.archives import SealedArchives

USUAL = ArchiveConfig()

ARCHIVE: tuple[Setting, ...] = (
    Setting("after", "duration", "an incident is archived by itself so long after its resolution; 0s: never",
            default=USUAL.after),
    Setting("breaches_after", "duration", "one with a breach stays for so long at least, whoever asks",
            default=USUAL.breaches_after),
    Setting("to", "text", "where archives go: a folder, relative to this file, or s3://BUCKET/PREFIX; empty: `archive` "
            "in the store's folder", default=""),
    Setting("key", "secret", "32 bytes in base64 or hex that archives are sealed with; without it they are not",
            default=""),
    Setting("old_keys", "secrets", "earlier keys by any name, for reading what was sealed with them"),
    Setting("region", "text", "AWS region of the bucket", default=""),
    Setting("endpoint", "text", "another address of S3: MinIO, a VPC endpoint", default=""),
    Setting("access_key_id", "secret", "AWS key; without it the machine's own", default=""),
    Setting("secret_access_key", "secret", "the secret of that key", default=""),
)  # fmt: skip
"""The keys of ``archive``."""


TEXTS = ("key", "region", "endpoint", "access_key_id", "secret_access_key")


def archive_config(node: Node) -> ArchiveConfig:
    """The block. Raises ``ConfigError``."""
    found = values.settings(node, ARCHIVE)
    after, breaches, old = found["after"], found["breaches_after"], found["old_keys"]
    assert isinstance(after, timedelta) and isinstance(breaches, timedelta)
    texts = {name: str(found[name] or "") for name in TEXTS}
    if bool(texts["access_key_id"]) != bool(texts["secret_access_key"]):
        raise node.fail("access_key_id and secret_access_key go together")
    to = str(found["to"])
    if "://" in to and not to.startswith("s3://"):
        raise node.child("to").fail(f"expected a folder or s3://BUCKET/PREFIX, found {to!r}")
    if to and not to.startswith("s3://"):
        to = str((Path(node.path).parent / to).resolve())
    keys = {str(name): str(reference) for name, reference in old.items()} if isinstance(old, Mapping) else {}
    return ArchiveConfig(after, breaches, to, old_keys=keys, **texts)


def open_archives(config: ArchiveConfig, home: Path, secrets: EnvironmentSecrets) -> Archives:
    """Where archives lie. Raises :class:`CommandError` for a secret that is not there or a key that is none."""
    try:
        old = [secrets.resolve(reference) for reference in config.old_keys.values()]
        keys = ring(secrets.resolve(config.key) if config.key else "", old)
        own = [secrets.resolve(one) if one else "" for one in (config.access_key_id, config.secret_access_key)]
    except LookupError as error:
        raise CommandError(f"archive: {error.args[0]}", 2) from error
    except ValueError as error:
        raise CommandError(f"archive: {str(error).removeprefix('backup: ')}", 2) from error
    to = config.to or str((home / "archive").resolve())
    return SealedArchives(open_place(Where(to, config.region, config.endpoint, *own)), keys)
