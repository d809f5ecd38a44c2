"""Reads and writes what is known of backups at their place: manifests, proofs, and what was begun and never ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from hutch.places import Place
from hutch.places.seal import Ring
from hutch.providers.backup.errors import BackupError, Damaged, WrongKey
from hutch.providers.backup.manifest import (
    ID,
    MANIFEST,
    PROOF,
    Backup,
    Catalogue,
    Manifest,
    Proof,
    dumped,
    manifest_from,
    proof_from,
)

T = TypeVar("T", Manifest, Proof)

LARGEST = 64 * 1024 * 1024
"""Bytes of a manifest beyond which it is none."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The backups of one service at a place. All verbs wait: they are called in threads."""

    place: Place
    service: str
    keys: Ring
    proved: dict[str, Backup] = field(
        default_factory=dict, repr=False, compare=False
    )  # read before; they rarely change

    def path(self, id_: str, name: str = "") -> str:
        """Where a backup's file lies."""
        return f"{self.service}/{id_}/{name}" if name else f"{self.service}/{id_}"

    def catalogue(self) -> Catalogue:
        """Everything there. What can't be read is said, and no reason not to list the others."""
        backups, unfinished, unreadable = [], [], {}
        for id_ in sorted((f for f in self.place.folders(self.service) if ID.fullmatch(f)), reverse=True):
            try:
                backups.append(self.backup(id_))
            except FileNotFoundError:
                unfinished.append(id_)
            except (Damaged, WrongKey) as error:
                unreadable[id_] = str(error)
        return Catalogue(
            tuple(sorted(backups, key=lambda b: b.manifest.at, reverse=True)), tuple(unfinished), unreadable
        )

    def backup(self, id_: str) -> Backup:
        """One backup. ``FileNotFoundError`` when it has no manifest."""
        if id_ in self.proved:
            return self.proved[id_]
        manifest = self._read(id_, MANIFEST, manifest_from)
        if manifest.id != id_ or manifest.service != self.service:
            raise Damaged(f"its manifest is that of {manifest.service}/{manifest.id}")
        try:
            self.proved[id_] = Backup(manifest, self._read(id_, PROOF, proof_from))
        except (FileNotFoundError, Damaged):
            return Backup(manifest)
        return self.proved[id_]

    def find(self, id_: str) -> Backup:
        """A backup by its name, without one the newest. :class:`BackupError` says what there is."""
        if id_:
            try:
                if ID.fullmatch(id_):
                    return self.backup(id_)
            except FileNotFoundError:
                pass
            raise BackupError(f"there is no complete backup {id_} in {self.place.name}; `hutch backup list` shows them")
        found = self.catalogue().find("")
        if found is None:
            raise BackupError(
                f"there is no backup of {self.service} in {self.place.name}: `hutch backup create` makes one"
            )
        return found

    def write(self, value: Manifest | Proof) -> None:
        """Store a manifest or a proof, with what proves that we had the key."""
        self.proved.pop(value.id, None)
        text = json.dumps(dumped(value), sort_keys=True, ensure_ascii=False)
        key = self.keys.current
        name = MANIFEST if isinstance(value, Manifest) else PROOF
        whole = {
            "what": json.loads(text),
            "key": key.id if key else "",
            "mark": _mark(self.keys, key.id if key else "", text),
        }
        self.place.write(self.path(value.id, name), [json.dumps(whole, indent=1, ensure_ascii=False).encode()])

    def lacking(self, manifest: Manifest) -> list[str]:
        """What of a backup's files is missing or has another size."""
        sizes = self.place.sizes(self.path(manifest.id))
        return [
            f"{f.name} is missing" if f.name not in sizes else f"{f.name} has {sizes[f.name]} bytes and not {f.size}"
            for f in manifest.files
            if sizes.get(f.name) != f.size
        ]

    def remove(self, id_: str) -> None:
        """Delete a backup, its manifest first: half deleted it is none."""
        self.proved.pop(id_, None)
        self.place.remove(self.path(id_), MANIFEST)

    def _read(self, id_: str, name: str, made: Callable[[str], T]) -> T:
        text = _whole(self.place.read(self.path(id_, name))).decode("utf-8", errors="replace")
        try:
            outer = json.loads(text)
            what, key, mark = outer["what"], str(outer["key"]), str(outer["mark"])
        except (ValueError, KeyError, TypeError):
            raise Damaged(f"{name} is cut short or altered") from None
        inner = json.dumps(what, sort_keys=True, ensure_ascii=False)
        if mark != _mark(self.keys, key, inner):
            raise Damaged(f"{name} is altered: it is not as it was written")
        return made(inner)


def _mark(keys: Ring, key_id: str, text: str) -> str:
    """What proves a text: by the key, or a plain checksum where nothing is encrypted."""
    return keys.find(key_id).mark(text.encode()) if key_id else hashlib.sha256(text.encode()).hexdigest()


def _whole(chunks: Iterator[bytes]) -> bytes:
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > LARGEST:
            raise Damaged("its manifest is larger than any is")
    return bytes(found)
