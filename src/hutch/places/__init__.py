"""Places of named files, a folder or a bucket, and how what lies there is sealed. All verbs wait: use threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from hutch.places.folder import Folder


class Place(Protocol):
    """Files by name (``service/id/file``). Each verb raises :class:`hutch.places.errors.PlaceError`."""

    @property
    def name(self) -> str:
        """What people call it; without any secret."""

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders below ``prefix/``, also of those with nothing but a beginning in them."""

    def sizes(self, prefix: str) -> dict[str, int]:
        """The files below ``prefix/`` by their name after it, with their size in bytes; only whole ones."""

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """The file, whole and durable, or none."""

    def read(self, name: str) -> Iterator[bytes]:
        """Its bytes. ``FileNotFoundError`` when there is none, at the first."""

    def remove(self, prefix: str, first: str = "") -> None:
        """Everything below ``prefix/``, whole or begun; the file ``first`` before all others."""


@dataclass(frozen=True, slots=True)
class Where:
    """An absolute folder, or ``s3://BUCKET/PREFIX`` with how that is reached; without a key the machine's own."""

    to: str
    region: str = ""
    endpoint: str = ""
    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)


def open_place(where: Where) -> Place:
    """The place. boto3 takes its time to load: only for who uses it."""
    if not where.to.startswith("s3://"):
        return Folder(where.to)
    bucket: Place = import_module("hutch.places.s3").Bucket(where)
    return bucket
