"""The settings of an account that proves who gets into a service, each with its default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hutch.model.setting import above_zero, filled_text
from hutch.ports import Setting

SETTINGS = (
    Setting("url", "url", "address of the service", required=True),
    Setting("email", "text", "mail address of an account of ours that owns nothing", required=True),
    Setting("password", "secret", "its password", required=True),
    Setting(
        "token", "secret", "an API token of it, made when all was well: has to be refused afterwards", required=True
    ),
    Setting("session", "secret", "the token of an open session of it, if there is one: has to be refused as well"),
    Setting("login", "text", "path that takes email and password and answers with token", default="/api/auth/login"),
    Setting("check", "text", "path that answers 200 to a good token, 401 to any other", default="/api/auth/me"),
    Setting("logout", "text", "path that ends the session of the proof itself", default="/api/auth/logout"),
    Setting("timeout", "float", "seconds to wait for an answer", default=10.0),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. What opens the account never shows in a repr."""

    url: str
    email: str
    password: str = field(repr=False)
    tokens: Mapping[str, str] = field(repr=False)
    login: str
    check: str
    logout: str
    timeout: float


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never the value of a secret."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    url = str(values["url"] or "").rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError("access: url must be an address such as https://rolerabbit.com")
    for name in ("password", "token"):
        if not isinstance(values[name], str) or not values[name]:
            raise ValueError(f"access: {name} must be set, as {{env: NAME}}")
    tokens = {name: str(values[name]) for name in ("token", "session") if values[name]}
    if any(not token.isascii() or not token.isprintable() for token in tokens.values()):
        raise ValueError("access: a token must be printable ASCII, as it stands in a header")
    return Config(
        url=url,
        email=filled_text("access", values, "email"),
        password=str(values["password"]),
        tokens=tokens,
        login=filled_text("access", values, "login"),
        check=filled_text("access", values, "check"),
        logout=filled_text("access", values, "logout"),
        timeout=above_zero("access", values, "timeout"),
    )
