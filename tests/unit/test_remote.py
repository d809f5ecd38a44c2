"""What other systems say is read whole, whatever they say."""

from __future__ import annotations

import pytest

from hutch.model.logpattern import fields_of
from hutch.remote import json_of

NESTED = '{"a":' * 100_000


@pytest.mark.parametrize("text", ["", "no JSON", '{"cut', "[1]", "{]", NESTED, "[" * 100_000])
def test_what_is_no_object_has_no_fields(text: str) -> None:
    assert fields_of(text) == {}


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"cut', NESTED.encode(), b"[" * 100_000])
def test_an_answer_that_is_no_json_is_none(content: bytes) -> None:
    assert json_of(content) is None


def test_what_is_json_is_read() -> None:
    assert fields_of('{"level": "error"}') == {"level": "error"}
    assert json_of(b'[{"id": 1}]') == [{"id": 1}]
