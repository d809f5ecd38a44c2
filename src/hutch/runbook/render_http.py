"""Values into requests and PromQL: encoded for the place they stand in, so that they stay within it.

In a URL percent-encoded, in its host only a host's name, in a header without line ends, in a body by its type: JSON,
form, XML or plain text.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from hutch.model.runbook import Placeholder, Rendered
from hutch.runbook.errors import RunbookError
from hutch.runbook.render_shell import HOST_VALUE, PLAIN_VALUE

Put = Callable[[str], str]

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_BASE = re.compile(r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?:/[A-Za-z0-9_.~-]+)*/?", re.ASCII)
_HEAD = re.compile(r"[^\n]*(?:\n[ \t]*[?&][^\n]*)*")
_METHOD = re.compile(r"[ \t]*(?:[A-Z]{3,10}[ \t]+)?")
_MORE = re.compile(r"[ \t]+(?!HTTP/)\S")
_BLANK = re.compile(r"\n[ \t]*(?=\n)|\n[ \t]*\Z")
_JSON_LITERAL = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?|true|false|null", re.ASCII)
_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`")
_RAW = re.compile(r"[^`\x00-\x1f\x7f]*")
_METRIC = re.compile(r"[A-Za-z_][\w:]*|\d+(?:\.\d+)?(?:ms|[smhdwy])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """A request's text and where its parts begin and end."""

    text: str
    url: int
    host: int  # where the host begins; -1 where the URL has none in the text
    path: int  # where path and query begin
    head: int
    body: int
    kind: str  # of the body: json, form, xml or text
    quotes: tuple[int, ...]  # where strings begin and end in the body

    def put(self, one: Placeholder) -> Put:
        """How a value is put in the place of a placeholder."""
        if one.start < self.head:
            return self._in_url(one)
        if one.start < self.body:
            return self._in_header(one)
        return _BODIES[self.kind](self, one)

    def _in_url(self, one: Placeholder) -> Put:
        verb = one.start == self.url and _MORE.match(self.text, one.end)
        if verb or one.start < self.url or (self.host >= 0 and one.start < self.host):
            raise _refused(one, "stands where the method or the scheme stands", "write that out")
        if self.host < 0 and one.start == self.url:
            return lambda value: _matching(one, value, _BASE, "an address as https://host:port/path")
        if one.start < self.path:
            return lambda value: _matching(one, value, HOST_VALUE, "a host name or a part of one")
        path = "?" not in self.text[self.path : one.start]
        return lambda value: _in_path(one, value) if path else quote(value, safe="", errors="replace")

    def _in_header(self, one: Placeholder) -> Put:
        line = self.text.rfind("\n", 0, one.start) + 1
        name, colon, _ = self.text[line : one.start].partition(":")
        if not colon:
            raise _refused(one, "stands in a header's name", "write the name out")
        if name.strip().lower() == "host":
            return lambda value: _matching(one, value, HOST_VALUE, "a host name or a part of one")
        return lambda value: _on_one_line(one, value)


def request(text: str) -> Request:
    """The parts of a request's text. Anything is one: what cannot be told is taken as the URL's path."""
    first = _METHOD.match(text)
    url = first.end() if first else 0
    found = _HEAD.match(text)
    head = found.end() if found else len(text)
    scheme = text.find("://", url, head)
    host = scheme + 3 if scheme >= 0 and re.fullmatch(r"[A-Za-z]+", text[url:scheme]) else -1
    begun = re.compile(r"[/?#\s]").search(text, host if host >= 0 else url, head)
    blank = _BLANK.search(text, head)
    body = blank.end() if blank else len(text)
    path = begun.start() if begun else head
    return Request(text, url, host, path, head, body, _kind(text[head:body], text[body:]), _quotes(text, body))


def _kind(headers: str, body: str) -> str:
    found = re.search(r"^content-type:[ \t]*([^\n;]{0,100})", headers, re.IGNORECASE | re.MULTILINE)
    said, first = (found[1].lower() if found else ""), body.lstrip()[:2]
    if "json" in said or (not said and first[:1] in {"{", "["} and first != "{{"):
        return "json"
    if "form-urlencoded" in said:
        return "form"
    return "xml" if "xml" in said or "html" in said or (not said and first[:1] == "<") else "text"


def render(text: str, placeholders: Sequence[Placeholder], values: Mapping[str, str]) -> Rendered:
    """The request with ``values`` (by placeholder name). Raises :class:`RunbookError` for one that would be more."""
    return Rendered("".join(_pieces(text, placeholders, values, request(text).put)))


def render_promql(text: str, placeholders: Sequence[Placeholder], values: Mapping[str, str]) -> Rendered:
    """The expression with ``values``; in a string escaped, elsewhere only a name, a number or a duration."""
    strings = [(found.start(), found.end(), found[0][0]) for found in _STRING.finditer(text)]
    starts = [start for start, _, _ in strings]

    def put(one: Placeholder) -> Put:
        at = bisect_left(starts, one.start) - 1
        if at >= 0 and one.start < strings[at][1]:
            return lambda value: _in_string(one, value, strings[at][2])
        return lambda value: _matching(one, value, _METRIC, "a name, a number or a duration")

    return Rendered("".join(_pieces(text, placeholders, values, put)))


def _in_string(one: Placeholder, value: str, mark: str) -> str:
    """As Go unquotes it (PromQL, String literals): a string knows the escape of its own mark alone."""
    if mark == "`":
        return _matching(one, value, _RAW, "a value without backticks and line breaks")
    written = json.dumps(_on_one_line(one, value), ensure_ascii=False)[1:-1]
    return written if mark == '"' else written.replace('\\"', '"').replace("'", "\\'")


def _pieces(
    text: str, placeholders: Sequence[Placeholder], values: Mapping[str, str], put: Callable[[Placeholder], Put]
) -> Iterator[str]:
    at = 0
    for one in placeholders:
        if one.name in values:
            yield text[at : one.start]
            yield put(one)(values[one.name])
            at = one.end
    yield text[at:]


def _refused(one: Placeholder, what: str, instead: str) -> RunbookError:
    return RunbookError(f"[{one.name}] {what}; {instead}")


def _matching(one: Placeholder, value: str, pattern: re.Pattern[str], wanted: str) -> str:
    if not pattern.fullmatch(value):
        raise RunbookError(f"the value of [{one.name}] is not what can stand there; give {wanted}")
    return value


def _in_path(one: Placeholder, value: str) -> str:
    if not value.strip("."):
        raise RunbookError(f"the value of [{one.name}] is dots, which lead elsewhere in a path; give another")
    return quote(value, safe="", errors="replace")


def _on_one_line(one: Placeholder, value: str) -> str:
    if _CONTROL.search(value):
        raise RunbookError(f"the value of [{one.name}] holds a line break or control character; give it without")
    return value


def _in_json(whole: Request, one: Placeholder) -> Put:
    count = bisect_left(whole.quotes, one.start)
    if count % 2 == 0:
        return lambda value: value if _JSON_LITERAL.fullmatch(value) else json.dumps(value)
    if whole.text.find('\\"', whole.quotes[count - 1], one.start) >= 0:  # a query in a string
        return lambda value: _matching(one, value, PLAIN_VALUE, "letters, digits and _.:/@+=,%-")
    return lambda value: json.dumps(value)[1:-1]


def _quotes(text: str, start: int) -> tuple[int, ...]:
    """Where the double quotes from ``start`` on stand that are not escaped: each second one ends a string."""
    return tuple(found.start() for found in _QUOTE.finditer(text, start) if found.group() == '"')


def _in_form(_whole: Request, _one: Placeholder) -> Put:
    return lambda value: quote_plus(value, errors="replace")


def _in_xml(_whole: Request, one: Placeholder) -> Put:
    return lambda value: escape(_on_one_line(one, value), {'"': "&quot;", "'": "&apos;"})


def _in_text(whole: Request, one: Placeholder) -> Put:
    begins = not whole.text[whole.text.rfind("\n", 0, one.start) + 1 : one.start].strip()

    def put(value: str) -> str:
        if begins and value.lstrip().startswith(("<", "@", "#")):
            raise RunbookError(f"the value of [{one.name}] would read a file or begin a new request; give another")
        return _on_one_line(one, value)

    return put


_BODIES: Mapping[str, Callable[[Request, Placeholder], Put]] = {
    "json": _in_json,
    "form": _in_form,
    "xml": _in_xml,
    "text": _in_text,
}
"""How values go into each kind of body."""
