"""Stands in for ``curl``: the reading requests that runbooks make, without a program or a shell."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from hutch.model.action import Command, Outcome, Result
from hutch.providers.http.fetch import Answer, Unanswered, fetch
from hutch.providers.http.flags import Request, Usage, parse

MAX_OUTPUT = 256 * 1024
"""Bytes of a body that are shown."""

MAX_REDIRECTS = 10

EXIT_CODES = {"lookup": 6, "refused": 7, "timeout": 28, "tls": 35, "broken": 56}
"""curl's own (man curl, EXIT CODES)."""

VARIABLE = re.compile(r"%\{(\w+)\}|%%|\\([nrt\\])")


@dataclass(frozen=True, slots=True)
class _Done:
    """The last answer, the address it came from, and how many redirects led there."""

    answer: Answer
    url: str
    redirects: int


class _Refused(Exception):
    """The answer leads where the command was not allowed to go."""


async def run(command: Command) -> Outcome:
    """Do the request of ``command.args["argv"]``; ``command.args["files"]`` holds what ``@NAME`` stands for.

    The output and the exit codes are curl's. A redirect is followed with ``-L`` only, and never to another host: the
    command was approved for its own.
    """
    started = time.monotonic()
    try:
        request = parse(_words(command.args.get("argv")))
        shape = _format(request.write_out, command.args.get("files"))
        done = await _follow(request, min(command.timeout, request.max_time or command.timeout))
        return _outcome(request, done, shape, time.monotonic() - started)
    except Usage as error:
        return Outcome(Result.FAILED, str(error), exit_code=2)
    except _Refused as error:
        return Outcome(Result.FAILED, str(error), exit_code=47, seconds=time.monotonic() - started)
    except Unanswered as error:
        said, code = f"curl: ({EXIT_CODES[error.kind]}) {error}", EXIT_CODES[error.kind]
        took = time.monotonic() - started
        return Outcome(Result.FAILED, str(error), said, code, took, recoverable=error.kind != "tls")


def _words(argv: object) -> list[str]:
    if not isinstance(argv, list | tuple) or not argv or not all(isinstance(word, str) for word in argv):
        raise Usage("this curl stand-in needs its words as args.argv")
    return [str(word) for word in argv]


async def _follow(request: Request, timeout: float) -> _Done:
    url, deadline = request.url, time.monotonic() + timeout
    for redirects in range(MAX_REDIRECTS + 1):
        left = max(deadline - time.monotonic(), 0.001)
        answer = await fetch(
            url, method=request.method, headers={"User-Agent": "curl", **request.headers}, timeout=left,
            max_body=MAX_OUTPUT,
        )  # fmt: skip
        location = answer.header("Location")
        if not request.location or not location or answer.status not in {301, 302, 303, 307, 308}:
            return _Done(answer, url, redirects)
        url = _next(url, urljoin(url, location))
    raise _Refused(f"more than {MAX_REDIRECTS} redirects; the last one to {url}")


def _next(url: str, target: str) -> str:
    here, there = urlsplit(url), urlsplit(target)
    if there.hostname != here.hostname or there.scheme not in {"http", "https"}:
        raise _Refused(f"{url} redirects to {target}: another host, which was not asked for")
    return target


def _outcome(request: Request, done: _Done, shape: str, seconds: float) -> Outcome:
    answer = done.answer
    failed = request.fail and answer.status >= 400
    summary = f"HTTP {answer.status} {answer.reason}".strip()
    note = f"\n[cut after {MAX_OUTPUT} bytes]" if answer.truncated else ""
    body = "" if failed or request.discard else _head(request, answer) + _body(request, answer) + note
    error = f"curl: (22) the server answered {answer.status}\n" if failed else ""
    output = body + error + _written(shape, done)
    return Outcome(Result.FAILED if failed else Result.DONE, summary, output, 22 if failed else 0, seconds)


def _head(request: Request, answer: Answer) -> str:
    if not (request.head or request.include):
        return ""
    lines = [f"HTTP/{answer.version} {answer.status} {answer.reason}".rstrip()]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return "\n".join(lines) + "\n\n"


def _body(request: Request, answer: Answer) -> str:
    return "" if request.head else answer.text


# ------------------------------------------------------------------ -w


def _format(text: str, files: object) -> str:
    """The text of ``-w``; ``@NAME`` is taken from the supplied files."""
    if not text.startswith("@"):
        shape = text
    elif isinstance(files, Mapping) and isinstance(files.get(text[1:]), str):
        shape = str(files[text[1:]])
    else:
        raise Usage(f"curl: the file {text[1:]} of -w was not supplied; bind it in the service's configuration")
    unknown = [name for name, _ in VARIABLE.findall(shape) if name and name not in VARIABLES]
    if unknown:
        raise Usage(f"this curl stand-in does not know %{{{unknown[0]}}}; it knows: {', '.join(sorted(VARIABLES))}")
    return shape


def _phase(name: str, done: _Done) -> str:
    return f"{done.answer.phases.get(name, 0.0):.6f}"


VARIABLES: Mapping[str, Callable[[_Done], str]] = {
    "http_code": lambda done: f"{done.answer.status:03d}",
    "response_code": lambda done: f"{done.answer.status:03d}",
    "http_version": lambda done: done.answer.version,
    "content_type": lambda done: done.answer.header("Content-Type"),
    "size_download": lambda done: str(len(done.answer.body)),
    "url_effective": lambda done: done.url,
    "num_redirects": lambda done: str(done.redirects),
    "time_namelookup": lambda done: _phase("lookup", done),
    "time_connect": lambda done: _phase("connect", done),
    "time_appconnect": lambda done: _phase("connect", done),
    "time_pretransfer": lambda done: _phase("connect", done),
    "time_starttransfer": lambda done: _phase("first_byte", done),
    "time_total": lambda done: _phase("total", done),
}
"""What ``-w`` can show (man curl, --write-out). Times are of the last request, in seconds since its start."""


def _written(shape: str, done: _Done) -> str:
    return VARIABLE.sub(lambda found: _one(found, done), shape)


def _one(found: re.Match[str], done: _Done) -> str:
    name, escape = found.group(1), found.group(2)
    if name:
        return VARIABLES[name](done)
    return {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[escape] if escape else "%"
