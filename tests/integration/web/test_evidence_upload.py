"""Evidence over HTTP: what is attached is what is given out; what is too large or hostile leaves nothing behind."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.model.incident import Incident
from hutch.model.severity import Severity
from hutch.web.guard import Refused
from hutch.web.uploads import AT_ONCE, Part, Reader

RAW = {"Content-Type": "application/octet-stream"}
BROWSER = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
HOSTILE = '../../etc/"passwd"\r\nX-Evil: 1\u202e<script>alert(1)</script>.html'
PAGE = b"<html><script>alert(1)</script></html>"


async def declared(site: Any) -> tuple[Incident, str, str]:
    state = await incidents.declare(
        site.context, title="It is slow", service="shop", severity=Severity.SEV3, actor="olivia", respond=False
    )
    return state, f"/incidents/{state.id}", f"{site.address}/api/v1/incidents/{state.id}/evidence"


def kept(site: Any) -> list[Path]:
    """Every file below the folder of evidence, half-written ones too."""
    return [p for p in site.context.evidence.folder.rglob("*") if p.is_file()]


async def attached(site: Any, place: str, **fields: Any) -> str:
    """Send the room's form as a browser does; what is said then."""
    form = (await site.page(place)).form("/evidence")
    data = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in {**form.fields, **fields}.items():
        if isinstance(value, bytes):
            data.add_field(name, value, filename="a log.bin", content_type="text/html")
        else:
            data.add_field(name, value)
    async with site.client.post(site.address + form.action, data=data, headers=BROWSER) as answer:
        text = await answer.text()
        return " ".join(text.partition('<div id="notice">')[2].partition("</div>")[0].split())


async def test_a_file_goes_in_by_the_room_and_comes_out_byte_for_byte(site: Any) -> None:
    state, place, _ = await declared(site)
    data = b"\r\n--x\r\n" + os.urandom(300_000) + b"\r\n\r\n--"
    assert "Attached." in await attached(site, place, file=data, note="what a user saw")
    (file,) = (await incidents.load(site.context, state.id)).record.files
    assert (file.name, file.size, file.note) == ("a log.bin", len(data), "what a user saw")
    page = await site.page(place)
    assert f'href="{place}/evidence/{file.seq}"' in page.html and "what a user saw" in page.said
    async with site.client.get(f"{site.address}{place}/evidence/{file.seq}") as answer:
        assert await answer.read() == data


async def test_a_text_is_pasted_and_one_of_the_two_is_asked_for(site: Any) -> None:
    state, place, _ = await declared(site)
    assert "one of the two" in await attached(site, place)
    assert "one of the two" in await attached(site, place, pasted="both", file=b"both")
    assert "Attached." in await attached(site, place, pasted="the pool is full", name="said.txt")
    (file,) = (await incidents.load(site.context, state.id)).record.files
    assert (file.name, file.kind, file.size) == ("said.txt", "text/plain", 16)


async def test_what_is_hostile_is_handed_out_as_a_file_and_never_shown(site: Any) -> None:
    state, place, api = await declared(site)
    async with site.client.post(api, params={"name": HOSTILE, "actor": "maya"}, data=PAGE, headers=RAW) as answer:
        assert answer.status == 201
    (file,) = (await incidents.load(site.context, state.id)).record.files
    assert file.by == "maya" and "<script>alert" not in (await site.page(place)).html
    for url in (f"{api}/{file.seq}", f"{site.address}{place}/evidence/{file.seq}"):
        async with site.client.get(url) as answer:
            assert (answer.status, await answer.read()) == (200, PAGE)
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
            assert "X-Evil" not in answer.headers and "/" not in answer.headers["Content-Disposition"]
    async with site.client.get(f"{api}/1") as answer:
        assert answer.status == 404 and "attached nothing" in (await answer.json())["error"]


async def test_a_hundred_megabytes_are_refused_and_leave_nothing(site: Any) -> None:
    state, place, api = await declared(site)
    before, piece = (await incidents.load(site.context, state.id)).seq, bytes(1 << 20)

    async def endless() -> AsyncIterator[bytes]:  # chunked: its length is not said before
        for _ in range(100):
            yield piece

    for body in (io.BytesIO(piece * 100), endless()):
        async with site.client.post(api, params={"name": "dump"}, data=body, headers=RAW) as answer:
            assert answer.status == 413
            assert "evidence_kept" in (await answer.json())["error"]
    form = (await site.page(place)).form("/evidence")
    data = aiohttp.FormData({**form.fields})
    data.add_field("file", io.BytesIO(piece * 100), filename="dump")
    async with site.client.post(site.address + form.action, data=data, headers=BROWSER) as answer:
        assert answer.status == 413 and "evidence_kept" in await answer.text()
    assert (await incidents.load(site.context, state.id)).seq == before and not kept(site)


async def test_one_that_is_broken_off_leaves_nothing(site: Any) -> None:
    state, _, api = await declared(site)
    before, url = (await incidents.load(site.context, state.id)).seq, urlsplit(api)
    head = f"POST {url.path}?name=x HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/octet-stream\r\n"
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(head.encode() + b"Content-Length: 1000000\r\n\r\n" + bytes(200_000))
    await writer.drain()
    writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    writer.close()
    async with site.client.get(api.removesuffix("/evidence")) as answer:  # it goes on answering
        assert answer.status == 200
    assert (await incidents.load(site.context, state.id)).seq == before and not kept(site)


async def test_whoever_asks_for_a_file_and_never_reads_it_holds_little(site: Any) -> None:
    state, _, api = await declared(site)
    data, url = os.urandom(8 << 20), urlsplit(api)
    async with site.client.post(api, params={"name": "dump"}, data=io.BytesIO(data), headers=RAW) as answer:
        assert answer.status == 201
    (file,) = (await incidents.load(site.context, state.id)).record.files
    tracemalloc.start()
    try:
        clients = [await asyncio.open_connection(url.hostname, url.port, limit=1024) for _ in range(6)]
        for reader, writer in clients:
            writer.write(f"GET {url.path}/{file.seq} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
            assert b" 200 " in await reader.readline()
        assert tracemalloc.get_traced_memory()[0] < 16 << 20, "six times 8 MB are under way"
    finally:
        tracemalloc.stop()
    for _, writer in clients:
        writer.transport.abort()
    async with site.client.get(f"{api}/{file.seq}") as answer:
        assert await answer.read() == data and answer.headers["Content-Length"] == str(len(data))


async def test_another_sites_page_sends_none(site: Any) -> None:
    state, place, api = await declared(site)
    for headers, status in (({"Content-Type": "text/plain"}, 415), ({"Content-Type": "multipart/form-data"}, 415)):
        async with site.client.post(api, params={"name": "x"}, data=b"x", headers=headers) as answer:
            assert answer.status == status
    data = aiohttp.FormData({"token": "none", "pasted": "x"}, default_to_multipart=True)
    async with site.client.post(f"{site.address}{place}/evidence", data=data, headers=BROWSER) as answer:
        assert answer.status == 403
    async with site.client.post(f"{api}?name=x", data=b"", headers=RAW) as answer:
        assert answer.status == 422 and "empty" in (await answer.json())["error"]
    assert not (await incidents.load(site.context, state.id)).record.files and not kept(site)


async def test_the_bound_is_the_configured_one(tmp_path: Path, served: Any) -> None:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\nevidence_kept: 1000\n")
    site = await served(open_context(tmp_path / "hutch.yaml"))
    _, place, api = await declared(site)
    for size, status in ((1000, 201), (1001, 413)):
        async with site.client.post(api, params={"name": "x"}, data=bytes(size), headers=RAW) as answer:
            assert answer.status == status
    assert "Attached." in await attached(site, place, file=b"y" * 1000)
    assert "Attached." not in await attached(site, place, file=b"z" * 1001)
    assert len(kept(site)) == 2


def parts_of(kind: str, body: bytes, folder: Path, step: int = 1 << 16) -> dict[str, Part]:
    """A form that comes so many bytes at a time."""
    reader = Reader(kind, folder)
    try:
        for start in range(0, len(body), step):
            reader.feed(body[start : start + step])
        return reader.end()
    except Refused:
        reader.close()
        raise


FIELD = b'Content-Disposition: form-data; name="note"\r\n\r\nx'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--",
        b"--b\r\n" + FIELD,  # never closed
        b"lead\r\n--b\r\n" + FIELD + b"\r\n--b--",
        b"--b\r\nno head at all\r\n--b--",
        b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--",
        b"--b\r\n" + FIELD + b"\r\n--b\r\n" + FIELD + b"\r\n--b--",  # one field twice
        b"--b\r\nX: " + b"y" * 5000 + b"\r\n" + FIELD + b"\r\n--b--",
        b"--b\r\n\xff" + FIELD + b"\r\n--b--",
        (b"--b\r\n" + FIELD + b"\r\n") * 1000 + b"--b--",
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_a_form_that_no_browser_sends_is_refused(body: bytes, step: int, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        parts_of("multipart/form-data; boundary=b", body, tmp_path, step)


FILE = b'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: x/y\r\n\r\n'


@pytest.mark.parametrize("step", [1, 2, 3, 11, 64, 1 << 16])
def test_however_a_form_is_cut_it_is_the_same(step: int, tmp_path: Path) -> None:
    data = b"\r\n--\r\n--x\r\n\r\n--" + bytes(range(256)) * 3
    body = b"--b\r\n" + FIELD + b"\r\n--b\r\n" + FILE + data + b"\r\n--b--\r\n"
    found = parts_of("multipart/form-data; boundary=b", body, tmp_path, step)
    file = found["file"].file
    assert file and (found["note"].text, found["file"].name, found["file"].size) == ("x", "a.bin", len(data))
    file.seek(0)
    assert file.read() == data and list(tmp_path.iterdir()) == []  # it has no name
    file.close()


def test_a_file_is_on_the_disk_and_a_field_has_its_bound(tmp_path: Path) -> None:
    piece, kind = bytes(1 << 16), "multipart/form-data; boundary=b"
    reader = Reader(kind, tmp_path)
    reader.feed(b"--b\r\n" + FILE)
    tracemalloc.start()
    try:
        for _ in range(512):
            reader.feed(piece)
        assert tracemalloc.get_traced_memory()[1] < 4 * (1 << 20), "32 MB came"
    finally:
        tracemalloc.stop()
        reader.close()
    with pytest.raises(Refused, match="64 kB in a field"):
        parts_of(kind, b"--b\r\n" + FIELD + piece + b"\r\n--b--", tmp_path)


async def begun(api: str, length: int = 1_000_000) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An upload of which the head and some bytes came, and then nothing."""
    url = urlsplit(api)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"POST {url.path}?name=x HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/octet-stream\r\n"
    writer.write(head.encode() + f"Content-Length: {length}\r\n\r\n".encode() + bytes(1000))
    await writer.drain()
    return reader, writer


async def test_one_that_does_not_go_on_is_let_go_and_few_come_in_at_once(site: Any, monkeypatch: Any) -> None:
    _, _, api = await declared(site)
    monkeypatch.setattr("hutch.web.guard.PATIENCE", 6.0)
    slow = [await begun(api) for _ in range(AT_ONCE)]
    status = 0
    try:
        async with asyncio.timeout(60):
            while status != 503:
                async with site.client.post(api, params={"name": "x"}, data=b"x", headers=RAW) as answer:
                    status = answer.status
                if status == 201:  # it may have had the place of one that was looked at later, and was refused
                    slow.append(await begun(api))
            answers = await asyncio.gather(*(reader.readline() for reader, _ in slow))
    finally:
        for _, writer in slow:
            writer.close()
    ends = [line.split()[1] for line in answers]
    assert ends.count(b"408") == AT_ONCE and set(ends) <= {b"408", b"503"}
    async with site.client.post(api, params={"name": "x"}, data=b"x", headers=RAW) as answer:
        assert answer.status == 201


async def test_a_form_that_does_not_go_on_is_let_go_too(site: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("hutch.web.guard.PATIENCE", 0.5)
    url = urlsplit(site.address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"POST /report HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    writer.write(head.encode() + b"Content-Length: 1000\r\n\r\ntext=")
    async with asyncio.timeout(20):
        assert b" 408 " in await reader.readline()
    writer.close()


async def test_the_body_of_an_operation_has_its_bound(site: Any) -> None:
    state, _, _ = await declared(site)
    piece = b" " * (1 << 18)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield piece

    for path in ("/api/v1/incidents", f"/api/v1/incidents/{state.id}/notes", f"/api/v1/incidents/{state.id}/affected",
                 f"/api/v1/incidents/{state.id}/roles"):  # fmt: skip
        for body in (io.BytesIO(piece * 5), endless()):
            kind = {"Content-Type": "application/json"}
            async with site.client.post(site.address + path, data=body, headers=kind) as answer:
                assert answer.status == 413 and "longer than 1024 kB" in (await answer.json())["error"], path


def test_a_form_without_a_boundary_is_refused(tmp_path: Path) -> None:
    for kind in (
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=b",
    ):
        with pytest.raises(Refused, match="multipart/form-data"):
            parts_of(kind, b"--b--", tmp_path)
