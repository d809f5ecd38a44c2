"""What a document says, as HTML: nothing of it acts, whatever it is."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutch.commands.documents import classified
from hutch.runbook.parse import parse
from hutch.web.present import leaves, prose, volume

DATA = Path(__file__).parents[2] / "data"
HOSTILE = DATA / "web" / "hostile.md"
HREF = ("/runbooks/", "#doc-", "https://", "http://", "mailto:")


class Seen(HTMLParser):
    """Every element and attribute of a piece of HTML, and whether the elements close in the order that they open."""

    VOID = frozenset({"br", "hr", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def safe(html: str) -> Seen:
    """What is allowed on a page is said here once more, in other words than in the code."""
    seen = Seen(html)
    assert seen.open == []
    assert seen.tags <= prose.INLINE | prose.BLOCK
    assert not seen.tags & {
        "script",
        "style",
        "img",
        "svg",
        "iframe",
        "form",
        "input",
        "base",
        "meta",
        "link",
        "object",
    }
    for tag, name, value in seen.attributes:
        assert name in {"href", "id", "title", "start", "class", "rel", "tabindex"}, (tag, name)
        if name == "href":
            assert value.lower().startswith(HREF), value
        if name == "id":
            assert value.startswith("doc-")
        if name == "class":
            assert value in {"role", "right", "center"}
    assert not any(c in html for c in "\u202e\u202c\u200b\x00\x01")
    return seen


def nowhere(_url: str) -> str:
    return ""


def rendered(text: str) -> str:
    return "".join(p.text for p in prose.render(prose.Slice(text), nowhere) if isinstance(p, prose.Html))


def shelved(path: Path, **others: Path) -> volume.Volume:
    content = path.read_bytes()
    document = classified(parse(content, str(path)))
    lines = leaves.body(content.decode(), document)
    return volume.Volume("hostile", path, document, lines, prose.references("\n".join(lines)), None, len(content))


def test_hostile_markdown_is_words_and_allowed_elements() -> None:
    made = shelved(HOSTILE)
    known = {"hostile": HOSTILE, "other": HOSTILE.with_name("other.md")}
    drawn = volume.draw(made, made.document.runbooks[0], known, None, 1)
    places = [p for p in drawn.pieces if isinstance(p, prose.Place)]
    assert [p.line for p in places] == sorted(drawn.cards)
    assert len(places) == 2  # both blocks run: neither an open attribute nor an open element swallowed one
    html = "".join(p.text if isinstance(p, prose.Html) else "<hr>" for p in drawn.pieces)
    seen = safe(html)
    hrefs = {value for tag, name, value in seen.attributes if name == "href"}
    assert not any("evil" in h for h in hrefs if not h.startswith(("https://evil.example", "mailto:")))
    assert {h for h in hrefs if h.startswith("/")} == {"/runbooks/other"}
    assert all(("a", "rel", "noopener noreferrer") in seen.attributes for h in hrefs)
    assert any(v.startswith("title\nwith a line") for _, name, v in seen.attributes if name == "title")
    assert "{#live}" not in seen.words
    assert "[picture: alt]" in seen.words and "\\u202e" in seen.words
    assert '" onmouseover="window.hurt=1" x="' in [v for _, name, v in seen.attributes if name == "title"]


def test_the_seed_and_the_library_come_whole() -> None:
    for path in [*sorted((DATA / "runbooks" / "corpus").glob("*.md"))]:
        made = shelved(path)
        for runbook in made.document.runbooks:
            drawn = volume.draw(made, runbook, {}, None, 1)
            safe("".join(p.text for p in drawn.pieces if isinstance(p, prose.Html)))
            assert [p.line for p in drawn.pieces if isinstance(p, prose.Place)] == sorted(drawn.cards), path.name


PIECES = (
    "<", ">", '"', "'", "/", "=", "&", ";", " ", "\n", "`", "```\n", "[", "](", ")", "!", "|", "\n\n", "<!--", "-->",
    "<script>", "</script>", "<a href=", "javascript:", "&#106;", "&colon;", "<svg>", "</svg>", "<style>", "</style>",
    "<math>", "<mglyph>", "<textarea>", "</textarea>", "<title>", "<table>", "<td>", "</table>", "<p title=", "id=live",
    "onerror=x", "<details>", "<b>", "</b>", "<![CDATA[", "]]>", "<?", "<template>", "<noscript>", "\x00", "\u202e",
    "x", "<https://a.b>", "[r]: data:x\n", "[r]", "- ", "> ", "# ", "\\", "<select>", "<plaintext>", "<xmp>",
    "<frameset>",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_mix_of_markup_gets_through(text: str) -> None:
    safe(rendered(text))


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_text_gets_through(text: str) -> None:
    safe(rendered(text))


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 50_000,
        "<b>" * 50_000,
        "> " * 20_000 + "x",
        "[" * 20_000,
        "*a **b " * 20_000,
        "![" * 10_000,
        "|" * 60_000 + "\n" + "|-" * 30_000 + "\n",
        ("| a " * 50 + "|\n" + "|---" * 50 + "|\n") + ("| b " * 50 + "|\n") * 400,
        "`" * 50_000 + "a",
        "<a href='" * 20_000,
        "&" * 100_000,
    ],
    ids=["divs", "bs", "quotes", "brackets", "stars", "images", "pipes", "table", "ticks", "attributes", "entities"],
)
def test_it_takes_no_quadratic_time(text: str) -> None:
    """Half of it takes a quarter of what takes quadratic time, on whatever machine."""

    def took(part: str) -> float:
        began = time.process_time()
        safe(rendered(part))
        return time.process_time() - began

    assert took(text) < 3 * took(text[: len(text) // 2]) + 0.5


def test_a_second_look_refuses_addresses_that_we_did_not_give() -> None:
    assert "href" not in rendered('<a href="/runbooks/x">x</a> [y](/runs/R-1) [z](?said=x)')
    assert 'href="/runbooks/x"' in prose.render(prose.Slice("[a](x.md)"), lambda _: "/runbooks/x")[0].text  # type: ignore[union-attr]
