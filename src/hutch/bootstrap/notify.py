"""Reads ``notify`` of ``hutch.yaml``, and opens its channels: the kinds are found through entry points."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import Node
from hutch.commands.errors import CommandError
from hutch.model.message import Audience, Channel, NotifyConfig
from hutch.ports import Notifier, NotifierKind, Secrets, Setting

NOTIFY: tuple[Setting, ...] = (
    Setting("channels", "map", "the ways out, by name"),
    Setting("address", "url", "where people reach the links of messages: the address of `hutch serve --ingest`, or of "
            "the proxy before it; without it messages carry no link", default=""),
    Setting("link_secret", "secret", "signs the links, where several machines serve or send them; else a key that is "
            "made beside the store"),
    Setting("words", "list", "words that never leave for stakeholders or customers: names of hosts, tables, people",
            default=()),
    Setting("templates", "text", "a folder of templates of your own, relative to this file; in its folder letters/ "
            "those of the letters to people whom a breach reached, by language: de.txt", default=""),
    Setting("language", "text", "the language of letters to people for whom there is none in their own",
            default="en"),
    Setting("reminders", "bool", "whether a promise that is due soon, or overdue, is told to the responders' channels",
            default=True),
    Setting("pagerduty_secret", "secret", "what PagerDuty signs its v3 webhooks with; without it they are refused"),
)  # fmt: skip
"""The keys of ``notify``."""

CHANNEL: tuple[Setting, ...] = (
    Setting("kind", "text", "apprise, mail, webhook or pagerduty", required=True),
    Setting("audience", "text", "who reads it: responders, stakeholders or customers", default="responders"),
    Setting("exercise", "bool", "gets what exercises send, and nothing else", default=False),
)
"""The keys of every channel; each kind has more."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@cache
def find_kinds() -> Mapping[str, NotifierKind]:
    """Every installed kind by name, through the entry-point group ``hutch.notifiers``."""
    return {point.name: point.load() for point in entry_points(group="hutch.notifiers")}


def notify_config(node: Node) -> NotifyConfig:
    """The block. Raises ``ConfigError`` for the first thing that is wrong."""
    if not node.mapping():
        return NotifyConfig()
    found = values.settings(node, NOTIFY)
    channels = {name: _channel(name, child) for name, child in node.child("channels").mapping().items()}
    words = found["words"]
    assert isinstance(words, list | tuple)
    return NotifyConfig(
        channels=channels,
        address=_address(node.child("address"), str(found["address"])),
        words=tuple(str(w) for w in words if str(w).strip()),
        templates=_folder(node.child("templates"), str(found["templates"])),
        language=str(found["language"]),
        link_secret=str(found["link_secret"] or ""),
        reminders=bool(found["reminders"]),
        pagerduty_secret=str(found["pagerduty_secret"] or ""),
    )


def _address(node: Node, url: str) -> str:
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise node.fail(f"expected an address such as https://hutch.example.com, found {url!r}")
    return url.rstrip("/")


def _folder(node: Node, name: str) -> str:
    path = Path(node.path).parent / name
    if name and not path.is_dir():
        raise node.fail(f"there is no folder {path}")
    return str(path) if name else ""


def _channel(name: str, node: Node) -> Channel:
    if not _NAME.fullmatch(name):
        raise node.fail(f"expected small letters, digits, - and _ as a channel's name, found {name!r}")
    common, own = _parts(node)
    kind = find_kinds()[str(common["kind"])]
    settings = values.settings(own, kind.settings)
    try:
        kind.check(settings)
    except ValueError as error:
        key, _, said = str(error).partition(": ")
        raise node.child(key).fail(said or str(error)) from error
    return Channel(
        name, kind.name, _audience(node, str(common["audience"])), settings, bool(common["exercise"]), kind.follows
    )


def _parts(node: Node) -> tuple[Mapping[str, object], Node]:
    """The common keys, read, and the kind's own, unread."""
    given = node.mapping()
    names = [s.name for s in CHANNEL]
    kind = str(node.child("kind").plain() or "")
    if "kind" in given and kind not in find_kinds():
        raise node.child("kind").fail(f"unknown kind {kind!r}; one of: {', '.join(sorted(find_kinds()))}")
    if "kind" in given:
        node.only([*names, *(s.name for s in find_kinds()[kind].settings)])
    common = Node(node.path, node.where, node.line, {k: n for k, n in given.items() if k in names})
    own = Node(node.path, node.where, node.line, {k: n for k, n in given.items() if k not in names})
    return values.settings(common, CHANNEL), own


def _audience(node: Node, name: str) -> Audience:
    if name not in list(Audience):
        raise node.child("audience").fail(f"unknown audience {name!r}; one of: {', '.join(Audience)}")
    return Audience(name)


def opener(secrets: Secrets) -> Callable[[Channel], Notifier]:
    """What opens a channel, its secrets resolved at that moment. It raises :class:`CommandError`."""

    def opened(channel: Channel) -> Notifier:
        kind = find_kinds()[channel.kind]
        try:
            return kind.open({s.name: _resolved(s, channel.settings.get(s.name), secrets) for s in kind.settings})
        except LookupError as error:
            raise CommandError(f"notify.channels.{channel.name}: {error.args[0]}", 2) from error
        except ValueError as error:
            raise CommandError(f"notify.channels.{channel.name}.{error}", 2) from error

    return opened


def _resolved(setting: Setting, value: object, secrets: Secrets) -> object:
    return secrets.resolve(value) if setting.kind == "secret" and isinstance(value, str) and value else value


def references(notify: NotifyConfig) -> Iterator[tuple[str, str]]:
    """Each secret that the block names: where in the file, and its reference."""
    for channel in notify.channels.values():
        for setting in find_kinds()[channel.kind].settings:
            value = channel.settings.get(setting.name)
            if setting.kind == "secret" and isinstance(value, str) and value:
                yield f"notify.channels.{channel.name}.{setting.name}", value
    for name in ("link_secret", "pagerduty_secret"):
        if value := str(getattr(notify, name)):
            yield f"notify.{name}", value
