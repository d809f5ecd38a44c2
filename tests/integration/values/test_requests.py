"""Values into requests, sent to a real server on loopback: what arrives is the value, and only that.

By ``http`` blocks, and by curl's command line through its stand-in.
"""

from __future__ import annotations

import asyncio
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from hostile_values import VALUES, filled
from hutch.model.action import Command, Result
from hutch.model.effect import Effect
from hutch.model.runbook import Rendered
from hutch.providers.http import curl, request
from hutch.runbook.shell_argv import argument_list


@dataclass
class Arrived:
    """One request as the server read it from the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Handler(socketserver.StreamRequestHandler):
    """Reads requests byte for byte and answers each; what follows on the connection is a request too."""

    server: Server

    def handle(self) -> None:
        while first := self.rfile.readline():
            method, target, _ = first.decode("latin-1").split(" ", 2)
            headers = []
            while (line := self.rfile.readline().decode("utf-8", "surrogateescape").rstrip("\r\n")) != "":
                name, _, value = line.partition(": ")
                headers.append((name, value))
            length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
            self.server.seen.append(Arrived(method, target, headers, self.rfile.read(length)))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            return


class Server(socketserver.ThreadingTCPServer):
    """Notes every request that arrives."""

    allow_reuse_address = True
    daemon_threads = True
    seen: list[Arrived] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as found:
        found.seen = []
        thread = threading.Thread(target=found.serve_forever, args=(0.05,))
        thread.start()
        yield found
        found.shutdown()
        thread.join(5)


def arrived(server: Server, done: Rendered, *, by_curl: bool = False) -> Arrived:
    """Send it; exactly one request must arrive, at this server."""
    server.seen.clear()
    if by_curl:
        argv = argument_list(done.text)
        assert argv, done.text
        outcome = asyncio.run(curl.run(Command("curl", done.text, "", Effect.READ, args={"argv": argv}, timeout=5)))
    else:
        outcome = asyncio.run(request.run(Command("http", done.text, "", Effect.CHANGE, timeout=5)))
    assert outcome.result is Result.DONE, (done.text, outcome)
    [found] = server.seen
    assert found.header("Host") == [server.host]
    return found


def pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")


fast = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fast
@given(value=VALUES)
def test_in_path_and_query(server: Server, value: str) -> None:
    for by_curl, lang, text in (
        (False, "http", f"GET http://{server.host}/v1/{{{{ ref }}}}/end?q={{{{ ref }}}}&r=1"),
        (True, "bash", f"curl http://{server.host}/v1/[ref]/end?q=[ref]\\&r=1"),
        (True, "bash", f"curl 'http://{server.host}/v1/YOUR_REF/end?q=YOUR_REF&r=1'"),
        (True, "bash", f'curl "{server.host}/v1/[ref]/end?q=[ref]&r=1"'),
    ):
        done = filled(text, lang, value)
        if done is None:
            continue
        url = urlsplit(arrived(server, done, by_curl=by_curl).target)
        assert [unquote(part, errors="strict") for part in url.path.split("/")] == ["", "v1", value, "end"]
        assert pairs(url.query) == [("q", value), ("r", "1")]


@fast
@given(value=VALUES)
def test_in_a_header(server: Server, value: str) -> None:
    calm = {"Host", "User-Agent", "Accept", "Accept-Encoding", "X-One", "X-Two", "Content-Type"}
    for by_curl, lang, text in (
        (False, "http", f"GET http://{server.host}/\nX-One: {{{{ ref }}}}\nX-Two: calm"),
        (True, "bash", f"curl -H 'X-One: YOUR_REF' -H 'X-Two: calm' http://{server.host}/"),
        (True, "bash", f"curl -H \"X-One: [ref]\" -H 'X-Two: calm' http://{server.host}/"),
    ):
        done = filled(text, lang, value)
        if done is None:
            continue
        found = arrived(server, done, by_curl=by_curl)
        assert found.header("X-One") == [value.strip()] and found.header("X-Two") == ["calm"]
        assert {name for name, _ in found.headers} <= calm, found.headers


BODIES = {
    "json": '{"a": "{{ ref }}", "list": [1, "x {{ ref }} y"], "end": true}',
    "form": "a={{ ref }}&b={{ ref }}&end=1",
    "xml": '<r a="{{ ref }}"><v>{{ ref }}</v><end/></r>',
    "text": "say {{ ref }} end",
}
TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "text/xml",
    "text": "text/plain",
}


@fast
@given(value=VALUES)
def test_in_a_body_of_each_kind(server: Server, value: str) -> None:
    for kind, body in BODIES.items():
        done = filled(f"POST http://{server.host}/\nContent-Type: {TYPES[kind]}\n\n{body}", "http", value)
        if done is None:
            continue
        found = arrived(server, done)
        assert found.header("Content-Type") == [TYPES[kind]] and found.method == "POST"
        READ[kind](found.body.decode(), value)


def _json(body: str, value: str) -> None:
    assert json.loads(body) == {"a": value, "list": [1, f"x {value} y"], "end": True}


def _form(body: str, value: str) -> None:
    assert pairs(body) == [("a", value), ("b", value), ("end", "1")]


def _xml(body: str, value: str) -> None:
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        assert any(ord(c) < 32 or ord(c) in (0xFFFE, 0xFFFF) for c in value), "a character that XML has not"
        return
    assert root.attrib == {"a": value.replace("\t", " ")} and root.findtext("v") == value
    assert [child.tag for child in root] == ["v", "end"]


def _text(body: str, value: str) -> None:
    assert body == f"say {value} end"


READ = {"json": _json, "form": _form, "xml": _xml, "text": _text}


@pytest.mark.parametrize("value", ["evil.invalid", "evil.invalid/", "u@evil.invalid", "a b", "127.0.0.1:1#", "[::1]"])
def test_a_value_in_the_host_is_a_host_or_refused(server: Server, value: str) -> None:
    done = filled(f"GET http://{{{{ ref }}}}.{server.host}/", "http", value)
    assert done is None or done.text == f"GET http://{value}.{server.host}/"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("GET /x\nHost: a.example", "is no whole address"),
        ("GET ftp://a.example/", "is no whole address"),
        ("GET https://u:p@a.example/", "without a user"),
        ("", "is no request"),
        ("GET http://127.0.0.1:1/\nContent-Length: 5\n\nabc", "none says where the message ends"),
        ("GET http://127.0.0.1:1/\nno header", "Name: value"),
    ],
)
def test_what_is_no_request_is_not_sent(text: str, said: str) -> None:
    outcome = asyncio.run(request.run(Command("http", text, "", Effect.CHANGE, timeout=5)))
    assert outcome.result is Result.FAILED and said in outcome.summary


def test_a_read_only_reads(server: Server) -> None:
    for text in (f"POST http://{server.host}/", f"GET http://{server.host}/\n\nbody", f"PURGE http://{server.host}/"):
        server.seen.clear()
        outcome = asyncio.run(request.run(Command("http", text, "", Effect.READ, timeout=5)))
        assert outcome.result is Result.FAILED and "is no read" in outcome.summary and not server.seen


def test_an_answer_is_told_with_its_status(server: Server) -> None:
    text = f"# is it well?\nGET http://{server.host}/x\n  ?a=1\n  &b=2 \nAccept: text/plain"
    outcome = asyncio.run(request.run(Command("http", text, "", Effect.READ, timeout=5)))
    assert (outcome.result, outcome.summary, outcome.output) == (Result.DONE, "HTTP 200 OK", "HTTP/1.1 200 OK\nok")
    assert server.seen[-1].target == "/x?a=1&b=2"
    gone = asyncio.run(request.run(Command("http", "GET http://127.0.0.1:1/", "", Effect.READ, timeout=5)))
    assert (gone.result, gone.recoverable) == (Result.FAILED, True)
