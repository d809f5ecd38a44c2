"""Reads ``access`` of ``hutch.yaml``: who may come in, and how."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import urlsplit

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import Node
from hutch.model.access import AccessRole
from hutch.model.accessing import AccessConfig, OpenID, is_loopback
from hutch.ports import Setting

ACCESS: tuple[Setting, ...] = (
    Setting(
        "required",
        "bool",
        "people have to sign in; without it only once there is an account, a provider, or an address beyond loopback",
        default=False,
    ),
    Setting("url", "text", "where people reach the server, as `https://hutch.example.com`", default=""),
    Setting("proxies", "list", "addresses or networks of the proxies in front, whose `X-Forwarded-For` counts"),
    Setting("idle", "duration", "a session ends when it is not used for so long", default=timedelta(hours=12)),
    Setting("session", "duration", "a session ends so long after signing in", default=timedelta(days=7)),
    Setting("sign_in_rate", "text", "tries to sign in from one address", default="10/minute"),
    Setting("api_rate", "text", "requests to the API of one token or address", default="600/minute"),
    Setting("openid", "map", "an OpenID provider to sign in with"),
)
"""The keys of ``access``."""

OPENID: tuple[Setting, ...] = (
    Setting("issuer", "text", "the provider's address, as in its discovery document", required=True),
    Setting("client", "text", "what it calls this Hutch", required=True),
    Setting("secret", "secret", "the client's secret", required=True),
    Setting("name", "text", "what the button of the sign-in page says", default="single sign-on"),
    Setting("name_claim", "text", "the claim with somebody's name", default="preferred_username"),
    Setting("group_claim", "text", "the claim with their groups", default="groups"),
    Setting("groups", "map", "which role a group gives, as `sre: commander`"),
    Setting("services", "map", "which role a group gives for one service, as `shop: {shop-team: responder}`"),
    Setting("scopes", "text", "what the provider is asked for", default="openid profile email"),
)
"""The keys of ``access.openid``."""


RATE = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour|day)")


def access_config(node: Node) -> AccessConfig:
    """The block, or all defaults."""
    node.only([s.name for s in ACCESS])
    plain = [s for s in ACCESS if s.name != "openid"]
    own = Node(node.path, node.where, node.line, {k: n for k, n in node.mapping().items() if k != "openid"})
    found = values.settings(own, plain)
    openid = _openid(node.child("openid")) if "openid" in node.mapping() else None
    if openid and not found["url"]:
        raise node.child("openid").fail("needs access.url: where the provider leads back to")
    idle, whole = found["idle"], found["session"]
    assert isinstance(idle, timedelta) and isinstance(whole, timedelta)
    if not timedelta(0) < idle <= whole:
        raise node.child("idle").fail("expected a time above 0 and no longer than session")
    return AccessConfig(
        required=bool(found["required"]),
        url=_address(node.child("url"), str(found["url"])),
        proxies=tuple(_network(n) for n in node.child("proxies").items()),
        idle=idle,
        whole=whole,
        sign_in_rate=_rate(node.child("sign_in_rate"), str(found["sign_in_rate"])),
        api_rate=_rate(node.child("api_rate"), str(found["api_rate"])),
        openid=openid,
    )


def _address(node: Node, text: str) -> str:
    """An origin. Beyond loopback only https: a session's cookie is sent over nothing else."""
    if not text:
        return ""
    parts = urlsplit(text)
    host = parts.hostname or ""
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise node.fail(f"expected an address as https://hutch.example.com, found {text!r}")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise node.fail("beyond loopback it has to be https: a proxy in front of Hutch can speak it")
    return f"{parts.scheme}://{parts.netloc}"


def _network(node: Node) -> str:
    text = values.text(node)
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        raise node.fail(f"expected an address or a network as 10.0.0.0/8, found {text!r}") from error


def _rate(node: Node, text: str) -> str:
    if not RATE.fullmatch(text):
        raise node.fail(f"expected a rate as 10/minute, found {text!r}")
    return text


def _openid(node: Node) -> OpenID:
    found = values.settings(node, OPENID)
    issuer = str(found["issuer"])
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise node.child("issuer").fail(f"expected an https address, found {issuer!r}")
    services = {
        service: {group: _role(n) for group, n in child.mapping().items()}
        for service, child in node.child("services").mapping().items()
    }
    groups = {group: _role(n) for group, n in node.child("groups").mapping().items()}
    if not groups and not services:
        raise node.child("groups").fail("names no group: nobody could come in")
    return OpenID(
        issuer, str(found["client"]), str(found["secret"]), str(found["name"]), str(found["name_claim"]),
        str(found["group_claim"]), groups, services, str(found["scopes"]),
    )  # fmt: skip


def _role(node: Node) -> AccessRole:
    text = values.text(node)
    if text not in list(AccessRole):
        raise node.fail(f"expected one of {', '.join(AccessRole)}, found {text!r}")
    return AccessRole(text)
