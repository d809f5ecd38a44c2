"""What only its holder knows, and what is kept of it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

BYTES = 32
"""Of randomness: nobody guesses it, so a fast hash is enough for what is kept."""


def fresh() -> str:
    """A new secret."""
    return secrets.token_urlsafe(BYTES)


def digest(secret: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(secret: str) -> str:
    """What the forms of a session carry: it follows from the session's id, and leads not back to it."""
    return hmac.new(secret.encode(), b"hutch form", hashlib.sha256).hexdigest()
