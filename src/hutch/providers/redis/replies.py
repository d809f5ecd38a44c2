"""Answers as ``redis-cli`` shows them on a terminal."""

from __future__ import annotations

from redis.exceptions import ResponseError

OUTPUT_LIMIT = 64 * 1024
"""Characters of output that are kept."""
_STATUS = (b"OK", b"PONG", b"QUEUED", b"Background saving started", b"RESET")
_STATUS_COMMANDS = frozenset({"type", "rename", "select", "script"})
"""Commands whose text answer is a status and so is shown without quotation marks."""
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\a": "\\a", "\b": "\\b"}


def reply(answer: object, command: str = "") -> str:
    """One answer.

    >>> reply(1), reply(b"PONG"), reply(None), reply(b'say "x"')
    ('(integer) 1', 'PONG', '(nil)', '"say \\\\"x\\\\""')
    >>> print(reply([b"a", [1, b"b"]]))
    1) "a"
    2) 1) (integer) 1
       2) "b"
    """
    if isinstance(answer, bytes) and (answer in _STATUS or command.lower() in _STATUS_COMMANDS):
        return _text(answer)
    if isinstance(answer, ResponseError):
        return f"(error) {_error(answer)}"
    if isinstance(answer, list):
        return _listed(answer)
    if isinstance(answer, bytes):
        return quoted(answer)
    return "(nil)" if answer is None else f"(integer) {answer}"


def _listed(answers: list[object]) -> str:
    if not answers:
        return "(empty array)"
    width = len(str(len(answers)))
    return "\n".join(_item(number, width, answer) for number, answer in enumerate(answers, 1))


def _item(number: int, width: int, answer: object) -> str:
    head = f"{number:>{width}}) "
    return head + reply(answer).replace("\n", "\n" + " " * len(head))


def plain(answer: object) -> str:
    """One answer as ``--raw`` shows it.

    >>> print(plain([b"a", [1, None]]))
    a
    1
    <BLANKLINE>
    """
    if isinstance(answer, list):
        return "\n".join(map(plain, answer))
    if isinstance(answer, ResponseError):
        return _error(answer)
    if isinstance(answer, bytes):
        return _text(answer).rstrip("\r\n").replace("\r\n", "\n")
    return "" if answer is None else str(answer)


def quoted(value: bytes) -> str:
    """A value in quotation marks, with what can't be shown escaped.

    >>> quoted(b"a\\x00b")
    '"a\\\\x00b"'
    """
    return '"' + "".join(_shown(c) for c in value.decode("utf-8", errors="surrogateescape")) + '"'


def _shown(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", errors="surrogateescape"))


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="backslashreplace")


def _error(error: ResponseError) -> str:
    text, code = " ".join(str(error).split()), error.status_code
    return text if not code or text.startswith(code) else f"{code} {text}"
