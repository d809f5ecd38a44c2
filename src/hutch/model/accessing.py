"""How people come in, as configured: ``access`` of ``hutch.yaml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from hutch.model.access import AccessRole, Grants, highest


@dataclass(frozen=True, slots=True)
class OpenID:
    """A provider that people sign in with. ``secret`` is a reference. ``groups`` says which role a group of the claim
    ``group_claim`` gives; ``services`` which role it gives for single services. Who is in none may not come in."""

    issuer: str
    client: str
    secret: str
    name: str = "single sign-on"
    name_claim: str = "preferred_username"
    group_claim: str = "groups"
    groups: Mapping[str, AccessRole] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, AccessRole]] = field(default_factory=dict)
    scopes: str = "openid profile email"


def granted(openid: OpenID, groups: Sequence[str]) -> tuple[AccessRole | None, Grants]:
    """The role everywhere and those for single services that somebody in these groups has: of several the highest."""
    everywhere = highest(openid.groups[g] for g in groups if g in openid.groups)
    services = {s: highest(given[g] for g in groups if g in given) for s, given in openid.services.items()}
    return everywhere, {service: role for service, role in services.items() if role}


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """``url`` is where people reach the server, when not on loopback; ``proxies`` are the addresses that forward to it.

    A session ends when it is not used for ``idle``, and in any case after ``whole``.
    """

    required: bool = False
    url: str = ""
    proxies: tuple[str, ...] = ()
    idle: timedelta = timedelta(hours=12)
    whole: timedelta = timedelta(days=7)
    sign_in_rate: str = "10/minute"
    api_rate: str = "600/minute"
    openid: OpenID | None = None

    @property
    def beyond(self) -> bool:
        """Whether it is reached from elsewhere than this machine."""
        return bool(self.url) and not is_loopback(urlsplit(self.url).hostname or "")

    @property
    def always(self) -> bool:
        """Whether people have to sign in even while there is no account."""
        return self.required or self.beyond or self.openid is not None


def refusal(host: str, config: AccessConfig) -> str:
    """Why a server may not listen on ``host``, and what to do; empty where it may. Beyond loopback people sign in, and
    do so over https."""
    if is_loopback(host) or config.beyond:
        return ""
    return (
        f"refuses to listen on {host}: beyond loopback everybody has to sign in, over https. Write the address that "
        "people use into hutch.yaml, as access: {url: https://hutch.example.com}, with a proxy in front that speaks "
        "TLS; then `hutch serve` prints a one-time link for the first admin, or make one by `hutch user add`"
    )


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
