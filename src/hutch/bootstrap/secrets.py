"""Resolves references to secrets at the last moment, and masks what must never be shown or stored."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote, urlsplit

MASK = "•••"
SHORTEST = 6
"""A shorter secret is not masked by its value: it would hide innocent words."""

LOOKS_SECRET: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("://", re.compile(r"(?<=://)([^\s:/@]+):([^\s@]+)(?=@)")),  # user:password@ in a URL
    ("bearer|basic", re.compile(r"(?i)\b(?:bearer|basic)\s+[a-z0-9._~+/=-]{12,}")),
    (
        "password|passwd|secret|token|api_key|apikey",
        re.compile(r"(?i)\b(password|passwd|secret|token|api_?key)(\s*[=:]\s*)[^\s,;\"']{4,}"),
    ),
    ("akia", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("eyj", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+")),  # a JSON web token
    (
        "ghp|gho|ghs|xox|sk_live|sk-",
        re.compile(r"\b(?:ghp|gho|ghs|xox[abps]|sk_live|sk-[a-z]+)[-_][A-Za-z0-9_-]{10,}"),
    ),
    (
        "private key-----",
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
            r"|\A(?:(?!-----BEGIN).)*?-----END [A-Z ]*PRIVATE KEY-----",  # one whose beginning is not here
            re.S,
        ),
    ),
)
"""What looks like a secret whoever it belongs to; each only looked for where one of its words is (in small letters)."""

_WORDS = tuple((tuple(words.split("|")), pattern) for words, pattern in LOOKS_SECRET)


class EnvironmentSecrets:
    """Secrets from the environment and from files. Every value that was resolved is masked from then on."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._known: tuple[str, ...] = ()  # the longest first

    def resolve(self, reference: str) -> str:
        """The value behind ``env:NAME``, ``file:PATH`` or ``plain:VALUE``; ``LookupError`` never shows it."""
        source, _, place = reference.partition(":")
        if source == "plain":
            return place
        value = self._from_env(place) if source == "env" else self._from_file(place)
        self.remember(value)
        return value

    def remember(self, value: str) -> None:
        """Mask ``value`` wherever it turns up, also in base64 or percent-encoded; of a URL the password inside it too,
        of several lines each."""
        password = urlsplit(value).password if "://" in value else None
        lines = [line.strip() for line in value.splitlines()]
        plain = {v for v in (value, password, *lines) if v and len(v) >= SHORTEST}
        new = plain | {code(v) for v in plain for code in (_base64, _percent)}
        self._known = tuple(sorted({*self._known, *new}, key=len, reverse=True))

    def mask(self, text: str) -> str:
        """``text`` with known secrets, and what looks like one, replaced."""
        for value in self._known:
            text = text.replace(value, MASK)
        small = text.lower()
        for words, pattern in _WORDS:
            for word in words:
                if word in small:
                    text = pattern.sub(_hidden, text)
                    break
        return text

    def _from_env(self, name: str) -> str:
        value = os.environ.get(name)
        if not value:
            raise LookupError(f"the environment variable {name} is not set")
        return value

    def _from_file(self, place: str) -> str:
        path = self._base / place
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise LookupError(f"the secret file {path} cannot be read: {error.strerror}") from error


def _base64(value: str) -> str:
    return b64encode(value.encode()).decode().rstrip("=")


def _percent(value: str) -> str:
    return quote(value, safe="")


def _hidden(match: re.Match[str]) -> str:
    """What a match is replaced by: a key's name and a URL's user stay readable."""
    groups = match.groups()
    if len(groups) == 2 and groups[1].strip() in {"=", ":"}:
        return f"{groups[0]}{groups[1]}{MASK}"
    return f"{groups[0]}:{MASK}" if len(groups) == 2 else MASK
