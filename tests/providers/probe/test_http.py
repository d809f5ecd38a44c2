"""The HTTP probe against small real servers: what is well, what is wrong, and what must not hurt."""

from __future__ import annotations

import asyncio
import struct
import time
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from hutch.model.finding import Object
from hutch.providers.probe import http
from hutch.providers.probe.exchange import BODY, HEAD
from probe_world import Authority, Serve, answer, look, look_http, saying


async def test_a_good_answer_has_its_phases(serve: Serve) -> None:
    port = await serve(saying(answer(b"ok"), pause=0.05))
    seen = await look(http, f"http://localhost:{port}/", contains=["ok"])
    assert (seen.success, seen.detail, seen.cause, seen.answered) == (True, "200 OK", "", True)
    assert list(seen.phases) == ["lookup", "connect", "first_byte", "total"]
    assert list(seen.phases.values()) == sorted(seen.phases.values())
    assert 0 < seen.phases["lookup"] < seen.phases["connect"] < seen.phases["first_byte"]


async def test_what_is_asked_is_what_is_configured(serve: Serve) -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head + await reader.readexactly(2))
        writer.write(answer())
        await writer.drain()

    port = await serve(talk)
    given = {"Accept": "text/x", "X-One": "1"}
    seen = await look_http(
        port, "/a%20b?c=d", method="post", body="{}", headers=given, secret_headers={"Authorization": "Bearer t0ken\n"}
    )
    assert seen.success
    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "POST /a%20b?c=d HTTP/1.1"
    assert {"Accept: text/x", "X-One: 1", "Authorization: Bearer t0ken", "Content-Length: 2"} <= set(lines)
    assert f"Host: 127.0.0.1:{port}" in lines and "Connection: close" in lines
    assert lines[-1] == "{}"


@pytest.mark.parametrize(
    ("said", "settings", "detail", "code"),
    [
        (answer(status="503 Service Unavailable"), {}, "503 Service Unavailable, 2xx expected", "http.error_rate"),
        (answer(status="404 Not Found"), {"status": ["200", "301-302"]}, "404 Not Found, 200, 301-302 expected", None),
        (answer(b"all fine"), {"contains": ["all * well"]}, "200 OK; it does not hold 'all * well'", None),
        (answer(b"an error: 7"), {"lacks": ["error*7"]}, "200 OK; it holds 'error*7'", None),
        (answer(b'{"a": [{"up": 1}]}'), {"json": {"a.0.up": True}}, "200 OK; a.0.up is 1, true expected", None),
        (answer(b'{"a": []}'), {"json": {"a.0.up": True}}, "200 OK; its JSON has no a.0.up", None),
        (answer(b"[" * 100_000), {"json": {"a": 1}}, "200 OK; it is no JSON", None),
        (answer(b"", "301 Moved", "Location: https://other/?token=x"), {},
         "301 Moved, 2xx expected; it leads to https://other/; follow: true goes there", None),
    ],
)  # fmt: skip
async def test_a_wrong_answer(
    serve: Serve, said: bytes, settings: dict[str, object], detail: str, code: str | None
) -> None:
    port = await serve(saying(said))
    seen = await look_http(port, **settings)
    assert (seen.success, seen.answered, seen.detail) == (False, True, detail)
    assert (seen.cause, seen.object) == (code or "http.unexpected", Object("host", f"127.0.0.1:{port}"))
    assert "total" in seen.phases


async def test_json_that_is_as_it_should_be(serve: Serve) -> None:
    port = await serve(saying(answer(b'{"status": "ok", "checks": [{"up": true, "n": 3}]}')))
    wanted = {"status": "ok", "checks.0.up": True, "checks.0.n": 3}
    assert (await look_http(port, json=wanted)).success


# ------------------------------------------------------------------ no answer


async def test_nobody_listens(serve: Serve) -> None:
    port = await serve(saying(b""))
    seen = await look_http(1)
    assert (seen.success, seen.cause, seen.answered) == (False, "http.unreachable", False)
    assert seen.detail == "no connection to 127.0.0.1:1: Connection refused"
    closed = await look_http(port)
    assert (closed.success, closed.answered, closed.cause) == (False, False, "http.unreachable")
    assert "the answer is no HTTP" in closed.detail


async def test_a_name_without_an_address() -> None:
    seen = await look(http, "http://no-such-host.invalid/")
    assert (seen.cause, seen.object) == ("http.dns", Object("host", "no-such-host.invalid"))
    assert seen.detail.startswith("the name no-such-host.invalid has no address: ")
    assert "lookup" not in seen.phases


@pytest.mark.parametrize(
    ("pieces", "detail"),
    [
        ((), "no answer within 0.3 s"),
        ((b"HTTP/1.1 200 OK\r\n",), "no end of the answer within 0.3 s"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",), "no end of the answer within 0.3 s"),
        ((b"H", b"T", b"T", b"P") * 100, "no end of the answer within 0.3 s"),
    ],
    ids=["silent", "slow head", "slow body", "drop by drop"],
)
async def test_the_time_limit_always_holds(serve: Serve, pieces: tuple[bytes, ...], detail: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.05)
        await asyncio.sleep(30)

    port, began = await serve(talk), time.monotonic()
    seen = await look_http(port, timeout=0.3)
    assert 0.3 <= time.monotonic() - began < 1.0
    assert (seen.success, seen.detail, seen.cause) == (False, detail, "http.unreachable")
    assert {"lookup", "connect", "total"} <= set(seen.phases)


async def test_a_reset_in_the_middle(serve: Serve) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(1, 13, linger)  # SO_LINGER of 0: a reset instead of an end

    seen = await look_http(await serve(talk))
    assert not seen.success and seen.cause == "http.unreachable"
    assert "the connection broke" in seen.detail or "is no HTTP" in seen.detail


@pytest.mark.parametrize(
    "junk",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff" * 4000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 \x1b[31mred\r\nX: \x1b\r\n\r\n",
    ],
)
async def test_junk_is_said_and_moves_no_cursor(serve: Serve, junk: bytes) -> None:
    seen = await look_http(await serve(saying(junk)), status=["500"])
    assert not seen.success
    assert seen.detail.isprintable() and len(seen.detail) <= 500


# ------------------------------------------------------------------ bounded


async def _endless(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while True:
        writer.write(piece)
        await writer.drain()


@pytest.mark.parametrize("part", ["body", "chunks", "headers", "informational"])
async def test_what_never_ends_takes_no_memory(serve: Serve, part: str) -> None:
    start, piece = {
        "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
        "headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: more\r\n" * 1000),
        "informational": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    }[part]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        await _endless(writer, piece)

    port = await serve(talk)
    tracemalloc.start()
    try:
        seen = await look_http(port, timeout=1.0, contains=["never there"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not seen.success
    assert peak < 8 * BODY + 8 * HEAD
    if part == "body":
        assert seen.detail == f"200 OK; it does not hold 'never there' in its first {BODY} bytes"


async def test_a_long_body_is_judged_by_what_was_read(serve: Serve) -> None:
    port = await serve(saying(answer(b"here" + b"x" * (2 * BODY))))
    assert (await look_http(port, contains=["here"])).success
    assert (await look_http(port, json={"a": 1})).detail == "200 OK; it is too long to be read as JSON"


# ------------------------------------------------------------------ redirects


async def test_redirects_are_followed_and_their_time_counts(serve: Serve) -> None:
    last = await serve(saying(answer(b"there")))
    onward = answer(b"", "302 Found", f"Location: http://127.0.0.1:{last}/x?y=z")
    first = await serve(saying(b"", onward, pause=0.05))
    seen = await look_http(first, follow=True, contains=["there"])
    assert (seen.success, seen.detail) == (True, "200 OK")
    assert seen.phases["first_byte"] >= 0.05


async def test_a_loop_of_redirects_ends(serve: Serve) -> None:
    port = await serve(saying(answer(b"", "302 Found", "Location: /again?secret=1")))
    seen = await look_http(port, follow=True)
    assert seen.detail == f"more than 5 redirects, the last to http://127.0.0.1:{port}/again"
    assert seen.cause == "http.unexpected"


@pytest.mark.parametrize("place", ["file:///etc/passwd", "gopher://x/", "http://[::1", "javascript:1"])
async def test_a_redirect_leads_to_http_or_nowhere(serve: Serve, place: str) -> None:
    seen = await look_http(await serve(saying(answer(b"", "302 Found", f"Location: {place}"))), follow=True)
    assert not seen.success
    assert seen.detail.startswith("it redirects to what is no address of HTTP")


async def test_secrets_stay_at_the_targets_own_origin(serve: Serve) -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer())
        await writer.drain()

    other = await serve(talk)
    first = await serve(saying(answer(b"", "302 Found", f"Location: http://127.0.0.1:{other}/")))
    url = f"http://watcher:pass-word-1@127.0.0.1:{first}/"
    seen = await look(http, url, follow=True, secret_headers={"X-Key": "s3cret-value"})
    assert seen.success and len(heard) == 1
    assert b"s3cret-value" not in heard[0] and b"uthorization" not in heard[0]
    assert "pass-word-1" not in repr(seen)


# ------------------------------------------------------------------ TLS


async def test_tls_has_a_phase_of_its_own(serve: Serve, authority: Authority) -> None:
    port = await serve(saying(answer()), authority.serving(timedelta(days=90)))
    seen = await look(http, f"https://localhost:{port}/", ca=str(authority.file))
    assert (seen.success, seen.cause) == (True, "")
    assert list(seen.phases) == ["lookup", "connect", "tls", "first_byte", "total"]
    assert seen.phases["connect"] < seen.phases["tls"] < seen.phases["first_byte"]


async def test_a_certificate_that_ends_soon_is_told(serve: Serve, authority: Authority) -> None:
    port = await serve(saying(answer()), authority.serving(timedelta(days=5, hours=1)))
    seen = await look(http, f"https://localhost:{port}/", ca=str(authority.file))
    assert (seen.success, seen.cause, seen.object) == (
        True, "http.tls_expiring", Object("host", f"localhost:{port}"),
    )  # fmt: skip
    assert seen.detail.startswith("200 OK; the certificate of localhost ends in 5 days, on 2")
    quiet = await look(http, f"https://localhost:{port}/", ca=str(authority.file), certificate_days=5)
    assert (quiet.success, quiet.cause) == (True, "")


async def test_a_certificate_that_has_ended(serve: Serve, authority: Authority) -> None:
    port = await serve(saying(answer()), authority.serving(timedelta(days=-1)))
    seen = await look(http, f"https://localhost:{port}/", ca=str(authority.file))
    assert (seen.success, seen.cause) == (False, "http.tls_expiring")
    assert seen.detail == "the certificate of localhost is not accepted: certificate has expired"
    assert list(seen.phases) == ["lookup", "connect", "total"]


async def test_a_stranger_is_not_trusted_and_plain_text_is_no_tls(serve: Serve, authority: Authority) -> None:
    stranger = await serve(saying(answer()), authority.serving(timedelta(days=90)))
    seen = await look(http, f"https://localhost:{stranger}/")
    assert seen.cause == "http.unreachable"
    assert "is not accepted: " in seen.detail
    plain = await serve(saying(answer()))
    seen = await look(http, f"https://localhost:{plain}/", timeout=1.0)
    assert seen.cause == "http.unreachable" and not seen.answered


async def test_a_file_without_certificates(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("none")
    with pytest.raises(ValueError, match=r"ca: .* holds no certificates in PEM form"):
        await look(http, "https://localhost:1/", ca=str(file))
