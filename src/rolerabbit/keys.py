"""The service's key rings: the first key of a ring signs or seals, every key of it verifies or opens."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ALGORITHM: Final = "HS256"
MOST_KEYS: Final = 8
LONGEST_TOKEN: Final = 1000
_ID: Final = re.compile(r"[a-z0-9-]{1,40}")


class RingError(ValueError):
    """A ring can't be read. The text says what is wrong and holds nothing of a key."""


class Unreadable(Exception):
    """What was sealed can't be opened: its key is not in the ring, or it was tampered with."""


@dataclass(frozen=True)
class Ring:
    """Keys by their ids, the one that signs first. Their values stay out of the representation."""

    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def first(self) -> str:
        """The id of the key that signs or seals."""
        return next(iter(self.keys))

    @classmethod
    def fresh(cls) -> Ring:
        """One new key."""
        return cls({new_id(): secrets.token_bytes(KEY_BYTES)})

    @classmethod
    def parse(cls, text: str) -> Ring:
        """`ID:BASE64,ID:BASE64`, as the environment has it. Raises `RingError`."""
        parts = [part.strip() for part in text.split(",") if part.strip()]
        found = dict(_key(part, number) for number, part in enumerate(parts, 1))
        if not parts or len(found) != len(parts) or len(parts) > MOST_KEYS:
            raise RingError(f"expected 1 to {MOST_KEYS} keys with different ids")
        return cls(found)

    def text(self) -> str:
        """The inverse of `parse`."""
        return ",".join(f"{id}:{base64.b64encode(key).decode()}" for id, key in self.keys.items())


def new_id() -> str:
    """An id for a new key; it tells nothing of the key."""
    return f"k-{secrets.token_hex(4)}"


def _key(part: str, number: int) -> tuple[str, bytes]:
    id, colon, value = part.partition(":")
    if not colon or not _ID.fullmatch(id):
        raise RingError(f"key {number} has no id of a-z, 0-9 and dashes before its colon")
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RingError(f"key {number} ({id}) is no base64") from error
    if len(key) != KEY_BYTES:
        raise RingError(f"key {number} ({id}) has {len(key)} bytes; {KEY_BYTES} are needed")
    return id, key


@dataclass(frozen=True)
class Tokens:
    """Bearer tokens: JSON Web Tokens, signed by the ring. Whether a session stands is the database's word."""

    ring: Ring

    def sign(self, subject: str) -> str:
        """A new token for a user; no two are alike."""
        claims = {"sub": subject, "jti": secrets.token_urlsafe(32)}
        return jwt.encode({"alg": ALGORITHM, "kid": self.ring.first}, claims, self._set)

    def good(self, token: str) -> bool:
        """Whether a key of the ring signed it."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return False
        try:
            jwt.decode(token, self._set, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return False
        return True

    @cached_property
    def _set(self) -> KeySet:
        keys = self.ring.keys.items()
        return KeySet([OctKey.import_key(key, {"kid": id, "use": "sig", "alg": ALGORITHM}) for id, key in keys])


@dataclass(frozen=True)
class Vault:
    """Fields sealed by AES-256-GCM. What they belong to is sealed in: moved to another row they don't open."""

    ring: Ring

    def seal(self, text: str, owner: str) -> tuple[str, bytes]:
        """The id of the key, and what is stored."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self.ring.keys[self.ring.first]).encrypt(nonce, text.encode(), owner.encode())
        return self.ring.first, nonce + sealed

    def open(self, key_id: str, sealed: bytes, owner: str) -> str:
        """The text. Raises `Unreadable`."""
        key = self.ring.keys.get(key_id)
        if key is None:
            raise Unreadable(f"the key {key_id} is not in the ring")
        try:
            return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unreadable(f"sealed with {key_id}, and not what it was") from error
