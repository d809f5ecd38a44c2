"""The DNS probe: one question to a name server, over UDP, and over TCP where the answer does not fit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver

from hutch.model.finding import Object
from hutch.model.probe import Probed
from hutch.ports import Probe, ProbeTarget
from hutch.providers.probe.dial import Watch
from hutch.providers.probe.dial import told as reason
from hutch.providers.probe.judge import told
from hutch.providers.probe.settings import server, texts

PAYLOAD = 1232
"""Bytes of an answer over UDP that pass every network unfragmented (DNS flag day 2020)."""

LISTED = 10
"""Answers that are told one by one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of whom (empty: the system's name servers), and what the answer must be."""

    name: str
    kind: str
    servers: tuple[tuple[str, int], ...]
    answers: frozenset[str]


def opened(target: ProbeTarget) -> Probe:
    """The probe. Raises ``ValueError`` where no name server is known."""
    given = target.settings
    servers = (server(str(given["server"])),) if given["server"] else _systems()
    kind = str(given["type"]).upper()
    question = Question(target.target, kind, servers, frozenset(plain(a) for a in texts(given, "answers")))

    async def look() -> Probed:
        watch = Watch()
        try:
            async with asyncio.timeout(target.timeout):
                reply = await _asked(question, target.timeout)
        except TimeoutError:
            return _failed(question, watch, f"no answer from {_who(question)} within {target.timeout:g} s")
        except (dns.exception.DNSException, OSError, EOFError) as error:
            return _failed(question, watch, f"no answer of {_who(question)} can be read: {reason(error)}")
        watch.note("lookup")
        fault, found = judged(question, reply)
        if fault:
            return _failed(question, watch, fault, answered=True)
        return Probed(True, told((", ".join(sorted(found)[:LISTED]),)), watch.phases(), True)

    return look


def _systems() -> tuple[tuple[str, int], ...]:
    try:
        found = dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError) as error:
        raise ValueError(f"server: this system names none ({reason(error)}); write one") from error
    return tuple((str(place), found.port) for place in found.nameservers if not str(place).startswith("http"))


async def _asked(question: Question, within: float) -> dns.message.Message:
    """The answer of the first server that gives one; each but the last has its share of the time."""
    message = dns.message.make_query(question.name, question.kind, use_edns=0, payload=PAYLOAD)
    share = within / len(question.servers)
    for number, (place, port) in enumerate(question.servers, start=1):
        last = number == len(question.servers)
        try:
            reply, _ = await dns.asyncquery.udp_with_fallback(
                message, place, timeout=within + 1 if last else share, port=port, ignore_unexpected=True
            )
            return reply
        except (dns.exception.DNSException, OSError, EOFError):
            if last:
                raise
    raise dns.exception.Timeout


def judged(question: Question, reply: dns.message.Message) -> tuple[str, set[str]]:
    """What is wrong with an answer, empty where nothing is; and what it holds of the type that was asked for."""
    if reply.rcode() != dns.rcode.NOERROR:
        return f"{question.name} {question.kind}: the answer is {dns.rcode.to_text(reply.rcode())}", set()
    wanted = dns.rdatatype.from_text(question.kind)
    found = {plain(r.to_text()) for rrset in reply.answer if rrset.rdtype == wanted for r in rrset}
    if not found:
        return f"{question.name} has no {question.kind} record", found
    if question.answers and found != question.answers:
        said, expected = (", ".join(sorted(names)[:LISTED]) for names in (found, question.answers))
        return f"{question.name} {question.kind} is {said}; {expected} expected", found
    return "", found


def plain(text: str) -> str:
    """An answer in the form in which it is compared: small letters, no dot at its end, no quotes around a text.

    >>> plain('10 Mail.Shop.Example.')
    '10 mail.shop.example'
    """
    return text.strip().strip('"').rstrip(".").lower()


def _who(question: Question) -> str:
    return " and ".join(f"{place}:{port}" for place, port in question.servers)


def _failed(question: Question, watch: Watch, detail: str, *, answered: bool = False) -> Probed:
    return Probed(False, told((detail,)), watch.phases(), answered, "http.dns", Object("host", question.name))
