"""Reads ``status_page`` of ``hutch.yaml``: what the public page is called, and the components that it shows."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hutch.bootstrap import values
from hutch.bootstrap.notify import find_kinds
from hutch.bootstrap.yamlnodes import Node
from hutch.model.message import Audience, Channel, NotifyConfig
from hutch.model.statuspage import Component, StatusPageConfig
from hutch.ports import Setting

STATUS_PAGE: tuple[Setting, ...] = (
    Setting("title", "text", "what the page is called, as customers know you", required=True),
    Setting("about", "text", "a sentence below the title", default=""),
    Setting("address", "url", "where the public reaches it, for the links of its feed and its API", default=""),
    Setting("folder", "text", "where its files are kept up to date for a plain web server or a bucket, relative to "
            "this file; it is made when it is not there", default=""),
    Setting("mail", "text", "the mail channel of notify, for the audience customers, over which subscribers are told, "
            "each by a mail of their own; without it nobody can subscribe by mail", default=""),
    Setting("webhooks", "bool", "whether anybody may have updates posted to a webhook of theirs, signed and confirmed; "
            "needs `address`", default=False),
    Setting("webhook_networks", "list", "networks of your own, as `10.0.0.0/8`, that such a webhook may lie in; "
            "without them it is on the public internet", default=()),
    Setting("reports", "bool", "whether anybody may report a problem on the page", default=False),
    Setting("components", "list", "what it shows, in this order: name, service, group, about", required=True),
)  # fmt: skip
"""The keys of ``status_page``."""

HOOKS = "webhooks of the status page"
"""What their channel is called: no channel of ``notify`` can have such a name."""

COMPONENT: tuple[Setting, ...] = (
    Setting("name", "text", "what customers call it", required=True),
    Setting("service", "text", "the service behind it: an incident there is one of this component", default=""),
    Setting("group", "text", "a heading that it stands under, together with its neighbours of the same", default=""),
    Setting("about", "text", "a sentence about it", default=""),
)
"""The keys of an entry of ``status_page.components``."""


def status_page(node: Node, services: Container[str], notify: NotifyConfig) -> StatusPageConfig | None:
    """The block; None where there is none. Raises ``ConfigError`` for the first thing that is wrong."""
    if not node.mapping():
        return None
    node.only([s.name for s in STATUS_PAGE])
    texts = {key: child for key, child in node.mapping().items() if key != "components"}
    own = Node(node.path, node.where, node.line, texts)
    found = values.settings(own, [s for s in STATUS_PAGE if s.name != "components"])
    components = _components(node.child("components"), services)
    address = str(found["address"]).rstrip("/")
    if address and urlsplit(address).scheme not in ("http", "https"):
        raise node.child("address").fail(f"expected an address such as https://status.example.com, found {address!r}")
    folder = str(found["folder"])
    return StatusPageConfig(
        title=str(found["title"]),
        components=components,
        address=address,
        folder=str(Path(node.path).parent / folder) if folder else "",
        about=str(found["about"]),
        mail=_mail(node, str(found["mail"]), address, notify),
        hooks=_hooks(node, found, address) if found["webhooks"] else None,
        reports=bool(found["reports"]),
    )


def _mail(node: Node, name: str, address: str, notify: NotifyConfig) -> str:
    channel = notify.channels.get(name)
    if name and (channel is None or (channel.kind, channel.audience) != ("mail", Audience.CUSTOMERS)):
        raise node.child("mail").fail(
            f"expected a channel of notify with kind mail and audience customers, found {name!r}"
        )
    if name and not address:
        raise node.child("mail").fail("needs status_page.address: mails carry a link to it")
    return name


def _hooks(node: Node, found: Mapping[str, object], address: str) -> Channel:
    """The channel over which webhooks of subscribers are told: it has no address of its own, nor a name in the file."""
    if not address:
        raise node.child("webhooks").fail("needs status_page.address: messages carry a link to it")
    kind = find_kinds()["webhook"]
    settings = {s.name: s.default for s in kind.settings}
    settings |= {"url": "", "networks": found["webhook_networks"]}
    try:
        kind.check(settings)
    except ValueError as error:
        said = str(error).partition(": ")[2]
        raise node.child("webhook_networks").fail(said or str(error)) from error
    return Channel(HOOKS, kind.name, Audience.CUSTOMERS, settings)


def _components(node: Node, services: Container[str]) -> tuple[Component, ...]:
    found: dict[str, Component] = {}
    for row in node.items():
        given = values.settings(row, COMPONENT)
        one = Component(*(str(given[key]) for key in ("name", "service", "group", "about")))
        if one.service and one.service not in services:
            raise row.child("service").fail(f"unknown service {one.service!r}")
        if one.name in found:
            raise row.child("name").fail(f"{one.name!r} is there already")
        found[one.name] = one
    if not found:
        raise node.fail("names no component; add one, as {name: Website, service: shop}")
    return tuple(found.values())
