"""Rules about bans of addresses: whom they hit, and for how long (DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said
from hutch.runbook.lint.sql import Sql

_TABLE = re.compile(r"^ insert into (?:\w+ \. )?\"?(?P<table>\w+)")
_BAN = re.compile(r"(?:^|_)(?:ip_?)?(?:block(?:ed|list)?|ban(?:ned|list)?|deny(?:list)?|blacklist)s?(?:_|$)")
_OF_ADDRESSES = re.compile(r"\bip|addr")
ENDS = ("until", "expire", "expires", "expiry", "ttl", "valid", "duration", "ends")

_QUOTED = re.compile(r"'(?P<address>[0-9a-f.:]{2,45})(?P<length>/\d{1,3})?'")
_ADDRESS = re.compile(r"(?P<address>[0-9a-fA-F.:]{2,45})(?P<length>/\d{1,3})?")
_DROPS = frozenset({"DROP", "REJECT"})


@dataclass(frozen=True, slots=True)
class Ban:
    """One ban: where it is kept, the addresses (with their prefix length or nothing) and whether it ends."""

    where: str
    addresses: tuple[tuple[str, str], ...]
    ends: bool


def bans(said: Said) -> Iterator[Ban]:
    """The bans that a statement makes, in a table or a firewall."""
    for sql in said.sql:
        found = _TABLE.match(sql.flat)
        if found and _BAN.search(found["table"]) and _OF_ADDRESSES.search(sql.flat):
            pairs = tuple((one["address"], one["length"] or "") for one in _QUOTED.finditer(sql.flat))
            yield Ban(found["table"], pairs, _table_ends(sql))
    for call in said.calls:
        if where := _firewall(call):
            words = " ".join(call.args).split()
            named = (one for word in words if (one := _ADDRESS.fullmatch(word)) and _address(one["address"]))
            ends = "timeout" in words or call.program == "fail2ban-client"
            yield Ban(where, tuple((one["address"], one["length"] or "") for one in named), ends)


def _table_ends(sql: Sql) -> bool:
    return any(word in sql.flat for word in ENDS)


def _firewall(call: Call) -> str:
    """The firewall that a call bans in, or nothing."""
    words = call.args
    if (
        call.program in {"iptables", "ip6tables"}
        and {"-A", "-I", "--append", "--insert"} & set(words)
        and _DROPS & set(words)
    ):
        return call.program if "-s" in words or "--source" in words else ""
    if call.program == "ufw" and {"deny", "reject"} & set(words) and "from" in words:
        return "ufw"
    if call.program == "nft" and "add" in words and ("drop" in words or "element" in words) and _nft_source(words):
        return "nft"
    if call.program == "ipset" and words[:1] == ("add",):
        return "ipset"
    if call.program == "fail2ban-client" and "banip" in words:
        return "fail2ban"
    return "the WAF's address set" if call.is_("aws wafv2 update-ip-set") else ""


def _nft_source(words: tuple[str, ...]) -> bool:
    return "saddr" in words or "element" in words


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def private_address(page: Page) -> Iterator[Hit]:
    """A ban of an address that is our own: a proxy's, or the example's."""
    for said in page.said:
        for ban in bans(said):
            ours = next((text for text, _ in ban.addresses if _is_private(text)), "")
            if ours:
                yield Hit(
                    said.line,
                    f"{ours} is a private address, a proxy's of ours and no attacker's: ban what the"
                    " trusted proxy was told",
                    "VALUES ('[attacker-address]', …)",
                )


_DOCUMENTATION = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")


def _is_private(text: str) -> bool:
    found = _address(text)
    return found is not None and found.is_private and not text.startswith(_DOCUMENTATION)


def ban_without_end(page: Page) -> Iterator[Hit]:
    """A ban that stays when the address has long gone to somebody else."""
    for said in page.said:
        for ban in bans(said):
            if not ban.ends:
                yield Hit(
                    said.line,
                    f"a ban in {ban.where} without an end hits whoever has the address next",
                    "…, now() + interval '24 hours'), or an ipset with timeout 86400",
                )


def single_ipv6(page: Page) -> Iterator[Hit]:
    """A ban of one IPv6 address, of which every customer line has 2⁶⁴."""
    for said in page.said:
        for ban in bans(said):
            for text, length in ban.addresses:
                if isinstance(_address(text), IPv6Address) and length in {"", "/128"}:
                    yield Hit(
                        said.line,
                        f"{text} is one address of a line that has a whole /64, and the next is free: ban the /64",
                        _prefix(text),
                    )


def _prefix(text: str) -> str:
    groups = IPv6Address(text).exploded.split(":")[:4]
    return f"{IPv6Address(':'.join([*groups, '0', '0', '0', '0']))}/64"


_LOOKS = re.compile(r"success|logged[ _-]?in|login_ok|nat\b|shared address|customers?\b|allow ?list", re.IGNORECASE)


def ban_unlooked(page: Page) -> Iterator[Hit]:
    """A runbook that bans addresses without a look whether real users come from there too: once a runbook."""
    for runbook, said in page.by_runbook():
        banned = next((one for one in said if any(bans(one))), None)
        if not banned:
            continue
        looked = any(_LOOKS.search(one.statement.text[:65536]) for one in said if one.line <= banned.line)
        lines = (line for _, line in page.between(runbook.line, banned.line - 1))
        if not looked and not any(_LOOKS.search(line) for line in lines if len(line) < 1000):
            yield Hit(
                banned.line,
                "nothing looked whether people log in from that address with success: behind NAT it is customers'",
                "HAVING count(*) FILTER (WHERE event_type = 'LOGIN_SUCCESS') = 0",
            )


_LEFT = re.compile(
    r" (?:split_part \( [^()]{0,200}forwarded[^()]{0,200}, ',\s?' , 1 \)"
    r"|\( ?(?:string_to_array|regexp_split_to_array) \( [^()]{0,200}forwarded[^()]{0,200}\) ?\) \[ 1 \])"
)
_FORWARDED = re.compile(r"forwarded", re.IGNORECASE)


def forwarded_from_left(page: Page) -> Iterator[Hit]:
    """X-Forwarded-For read from the left, where the client writes what it likes."""
    for said in page.said:
        if not _FORWARDED.search(said.statement.text[:65536]):
            continue
        if any(_LEFT.search(sql.flat) for sql in said.sql) or any(map(_first_field, said.calls)):
            yield Hit(
                said.line,
                "the left of X-Forwarded-For is what the client wrote: read from the right, past trusted proxies only",
                "split_part(x_forwarded_for, ',', -1), with one proxy of ours in front",
            )


def _first_field(call: Call) -> bool:
    if call.program == "cut":
        fields = {a.lstrip("-f") for a in call.args if a.startswith("-f")} | set(call.values("-f"))
        return "1" in fields and any(a in {"-d,", ","} for a in call.args)
    return call.program in {"awk", "gawk"} and "-F," in call.args and any("$1" in a for a in call.args)
