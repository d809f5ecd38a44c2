"""The page of a service shows its probes from every place; what a stranger said is words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hutch.bootstrap.wire import open_context
from hutch.model.probe import Probed, Sighting
from hutch.web.app import build

CONFIG = """
services: {shop: {http: {url: "http://127.0.0.1:9"}}}
probes:
  - {name: front, kind: http, locations: [local, fra]}
"""


async def got(app: Any, path: str) -> str:
    """What the application answers to one GET."""
    sent: list[bytes] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(sent).decode()


async def test_the_page_of_a_service_shows_its_probes(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    context = open_context(tmp_path / "hutch.yaml")
    try:
        hostile = Probed(False, "<script>alert(1)</script>", {"total": 0.012}, True, "http.unexpected")
        assert context.sightings
        await context.sightings.keep([Sighting("front", "shop", "fra", context.clock.now(), hostile)])
        page = await got(build(context), "/services/shop/signals")
    finally:
        await context.close()
    assert '<strong>front <span class="fine">from fra</span></strong>' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; · 12 ms · " in page and "<script>alert" not in page
    assert '<span class="chip rule firing">failing</span>' in page
    local = page[page.index("from local") :]
    assert "nothing was seen yet" in local and '<span class="chip rule no-data">no data</span>' in local
    assert page.index("from fra") < page.index("from local")  # what fails comes first
