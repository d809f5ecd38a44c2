"""Encrypting a stream in pieces, so that a cut, a swap or an altered byte is seen, and nothing needs to fit in memory.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) as Tink's AES-GCM-HKDF streaming has it: a key
for each file by HKDF-SHA-256 from the configured key, a random salt and the file's name; AES-256-GCM for each piece,
with a nonce of a random prefix, the piece's number, and whether it is the last. docs/adr says why.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hutch.places.errors import Damaged, WrongKey

MAGIC = b"HUTCH-SEAL-1\n"
PIECE = 1024 * 1024
"""Bytes of clear text in one piece."""
KEY, SALT, PREFIX, TAG = 32, 32, 7, 16
HEADER = len(MAGIC) + SALT + PREFIX


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its name: the name is derived from it and tells nothing else."""

    value: bytes = field(repr=False)
    id: str

    def derived(self, purpose: str, salt: bytes = b"") -> bytes:
        """Another key for one purpose."""
        made: bytes = HKDF(SHA256(), KEY, salt or None, f"hutch backup: {purpose}".encode()).derive(self.value)
        return made

    def mark(self, text: bytes) -> str:
        """What proves that whoever wrote ``text`` had the key (HMAC-SHA-256, hex)."""
        return hmac.new(self.derived("manifest"), text, hashlib.sha256).hexdigest()


def key_from(text: str) -> Key:
    """A key of 32 bytes in base64 or hex. ``ValueError`` says what it must be, and never what it is."""
    try:
        value = bytes.fromhex(text) if len(text) == 2 * KEY else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        value = b""
    if len(value) != KEY:
        raise ValueError("backup: a key must be 32 random bytes in base64 or hex, as `openssl rand -base64 32` gives")
    bare = Key(value, "")
    return Key(value, bare.derived("name").hex()[:16])


@dataclass(frozen=True, slots=True)
class Ring:
    """The key that new backups get, and those that old ones may have."""

    current: Key | None = None
    old: tuple[Key, ...] = ()

    def find(self, key_id: str) -> Key:
        """The key of that name. :class:`WrongKey` when it is not here."""
        keys: tuple[Key, ...] = (*((self.current,) if self.current else ()), *self.old)
        found = next((key for key in keys if key.id == key_id), None)
        if found is None:
            known = ", ".join(key.id for key in keys) or "none"
            raise WrongKey(
                f"it is encrypted with key {key_id}; configured: {known}. Put that key under key or old_keys"
            )
        return found


def ring(current: str, old: Iterable[str]) -> Ring:
    """The configured keys. ``ValueError`` for one that is none."""
    return Ring(key_from(current) if current else None, tuple(key_from(text) for text in old))


def sealed(clear: Iterable[bytes], key: Key, name: str) -> Iterator[bytes]:
    """``clear`` encrypted for the place ``name``."""
    salt, prefix = os.urandom(SALT), os.urandom(PREFIX)
    cipher = AESGCM(key.derived(name, salt))
    yield MAGIC + salt + prefix
    for number, (piece, last) in enumerate(_with_last(_pieces(clear, PIECE))):
        yield cipher.encrypt(_nonce(prefix, number, last), piece, None)


def opened(stored: Iterable[bytes], key: Key, name: str) -> Iterator[bytes]:
    """What was sealed for ``name``. :class:`Damaged` where it is cut short, altered or another file; only pieces that
    are whole are given out."""
    source = _Source(stored)
    header = source.take(HEADER)
    if len(header) < HEADER or not header.startswith(MAGIC):
        raise Damaged(f"{name} is no encrypted file of a backup, or is cut short")
    cipher = AESGCM(key.derived(name, header[len(MAGIC) : len(MAGIC) + SALT]))
    pieces = iter(lambda: source.take(PIECE + TAG), b"")
    number = -1
    for number, (piece, last) in enumerate(_with_last(pieces)):
        try:
            yield cipher.decrypt(_nonce(header[-PREFIX:], number, last), piece, None)
        except InvalidTag:
            raise Damaged(f"{name} is altered or cut short (piece {number + 1})") from None
    if number < 0:
        raise Damaged(f"{name} is cut short")


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _with_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    ahead = iter(pieces)
    piece = next(ahead, None)
    while piece is not None:
        following = next(ahead, None)
        yield piece, following is None
        piece = following


def _pieces(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of ``size``; one empty piece for nothing at all."""
    source = _Source(chunks)
    piece = source.take(size)
    yield piece
    while len(piece) == size:
        piece = source.take(size)
        if piece:
            yield piece


class _Source:
    """Gives out chunks of any size in the sizes that are asked for."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = bytearray()

    def take(self, size: int) -> bytes:
        while len(self._left) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._left += chunk
        piece, self._left = bytes(self._left[:size]), self._left[size:]
        return piece
