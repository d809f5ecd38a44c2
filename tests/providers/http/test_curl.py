"""The curl stand-in against a real server on loopback; what it does not know it refuses by name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.providers.http import curl

FORMAT = "time_total:  %{time_total}s\\ntime_connect: %{time_connect}s\n%{http_code} 100%%"


async def page(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.headers.get('X-Name', 'nobody')}", headers={"X-Seen": request.method})


async def health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def broken(_request: web.Request) -> web.Response:
    return web.Response(status=503, text="no database")


async def moved(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/")


async def away(_request: web.Request) -> web.Response:
    raise web.HTTPFound("http://elsewhere.invalid/")


async def around(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/around")


async def endless(_request: web.Request) -> web.Response:
    return web.Response(body=b"x" * (curl.MAX_OUTPUT * 2))


async def sleepy(_request: web.Request) -> web.Response:
    await asyncio.sleep(5)
    return web.Response()


@pytest.fixture
async def base() -> AsyncIterator[str]:
    app = web.Application()
    routes = (page, health, broken, moved, away, around, endless, sleepy)
    app.router.add_get("/", page)
    for handler in routes:
        app.router.add_get(f"/{handler.__name__}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


async def ran(*words: str, files: dict[str, str] | None = None, timeout: float = 5.0) -> Outcome:
    args = {"argv": ["curl", *words], "files": files or {}}
    return await curl.run(Command("sh", " ".join(["curl", *words]), "web", Effect.READ, args=args, timeout=timeout))


async def test_the_head_of_an_answer(base: str) -> None:
    outcome = await ran("-I", base)
    assert (outcome.result, outcome.exit_code, outcome.summary) == (Result.DONE, 0, "HTTP 200 OK")
    lines = outcome.output.splitlines()
    assert lines[0] == "HTTP/1.1 200 OK"
    assert "X-Seen: HEAD" in lines
    assert "hello" not in outcome.output


async def test_the_body_of_an_answer(base: str) -> None:
    outcome = await ran(f"{base}/health")
    assert outcome.output == '{"status": "ok"}'


async def test_an_error_status_is_an_answer_unless_told_to_fail(base: str) -> None:
    assert (await ran(f"{base}/broken")).exit_code == 0
    failed = await ran("-sSf", f"{base}/broken")
    assert (failed.result, failed.exit_code) == (Result.FAILED, 22)
    assert "no database" not in failed.output


async def test_the_documents_timing_command_with_its_supplied_file(base: str) -> None:
    outcome = await ran("-w", "@curl-format.txt", "-o", "/dev/null", "-s", base, files={"curl-format.txt": FORMAT})
    total, connect, code = outcome.output.splitlines()
    assert float(connect.removeprefix("time_connect: ").removesuffix("s")) > 0
    assert float(connect[14:-1]) <= float(total.removeprefix("time_total:  ").removesuffix("s"))
    assert code == "200 100%"


async def test_headers_and_attached_values(base: str) -> None:
    assert (await ran("-HX-Name: rabbit", "-X", "GET", base)).output == "hello rabbit"
    assert "X-Seen: GET" in (await ran("--include", "--silent", "--url", base)).output


async def test_an_address_without_a_scheme_is_http(base: str) -> None:
    assert (await ran(base.removeprefix("http://"))).output == "hello nobody"


async def test_redirects_are_followed_when_asked_and_only_on_the_same_host(base: str) -> None:
    assert (await ran("-s", "-w", "%{http_code}", "-o/dev/null", f"{base}/moved")).output == "302"
    followed = await ran("-L", "-w", " %{num_redirects} %{url_effective}", f"{base}/moved")
    assert followed.output == f"hello nobody 1 {base}/"
    refused = await ran("-L", f"{base}/away")
    assert (refused.result, refused.exit_code) == (Result.FAILED, 47)
    assert "elsewhere.invalid/: another host" in refused.summary
    assert "more than 10 redirects" in (await ran("-L", f"{base}/around")).summary


async def test_a_long_body_is_cut(base: str) -> None:
    outcome = await ran(f"{base}/endless")
    assert len(outcome.output) < curl.MAX_OUTPUT + 100
    assert outcome.output.endswith(f"[cut after {curl.MAX_OUTPUT} bytes]")


@pytest.mark.parametrize("words", [("-m", "0.1"), ()])
async def test_the_time_is_limited(base: str, words: tuple[str, ...]) -> None:
    outcome = await ran(*words, f"{base}/sleepy", timeout=1.0 if words else 0.1)
    assert (outcome.exit_code, outcome.recoverable) == (28, True)
    assert outcome.seconds < 0.9


async def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        outcome = await ran(f"http://127.0.0.1:{held.getsockname()[1]}/")
    assert (outcome.result, outcome.exit_code, outcome.recoverable) == (Result.FAILED, 7, True)


async def test_an_unknown_name() -> None:
    assert (await ran("http://nowhere.invalid/")).exit_code == 6


URL = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-k", URL], "this curl stand-in does not know -k"),
        (["-sSk", URL], "this curl stand-in does not know -k"),
        (["--data", "a=b", URL], "this curl stand-in does not know --data"),
        (["-d", "a=b", URL], "this curl stand-in does not know -d"),
        (["-X", "DELETE", URL], "this curl stand-in does not know -X DELETE: it only reads, with GET and HEAD"),
        (["-o", "/etc/passwd", URL], "this curl stand-in does not know -o /etc/passwd"),
        (["-H", "@file", URL], "this curl stand-in does not know the header '@file'"),
        (["-H", "A: b\r\nC: d", URL], "this curl stand-in does not know the header 'A'"),
        (["-w", "@here", URL], "the file here of -w was not supplied"),
        (["-w", "%{ssl_verify_result}", URL], "does not know %{ssl_verify_result}; it knows: content_type"),
        (["-m", "soon", URL], "-m needs a number of seconds above 0, not soon"),
        (["file:///etc/passwd"], "speaks http and https only, not file:///etc/passwd"),
        (["http://127.0.0.1/[1-9]"], "does not know ranges"),
        ([URL, URL], "takes one address"),
        ([URL, "-o"], "curl: -o needs a value"),
        (["-s"], "needs an address"),
    ],
)
async def test_what_it_does_not_know_is_refused(words: list[str], said: str) -> None:
    outcome = await ran(*words)
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, 2)
    assert said in outcome.summary


async def test_without_words_it_refuses() -> None:
    outcome = await curl.run(Command("sh", "curl x", "web", Effect.READ))
    assert outcome.summary == "this curl stand-in needs its words as args.argv"
