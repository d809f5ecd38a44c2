"""YAML of documents: the quick reading of usual texts is the same as the plain one, faults included."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hutch.runbook import yaml_text

VALUES = st.sampled_from(
    [
        "",
        "5m",
        "error_rate > 5%",
        '"High Error Rate"',
        '"open',
        "a: b",
        "- x",
        "x # note",
        "no",
        "2001-01-01",
        "[1]",
        "'x'",
    ]
)
LINES = st.builds(
    "{}{}{}:{}{}".format,
    st.sampled_from(["", "", "  ", "  ", "    ", "      "]),
    st.sampled_from(["", "", "- "]),
    st.sampled_from(["alerts", "name", "condition", "labels"]),
    st.sampled_from([" ", " ", ""]),
    VALUES,
)
TEXTS = st.lists(LINES | st.sampled_from(["", "# note: x", "#"]), max_size=8).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


def _shape(node: yaml.Node | None) -> object:
    """What a reader of the nodes takes from them: kinds, tags, values, and where each begins."""
    if node is None:
        return None
    at = (node.start_mark.line, node.start_mark.column)
    if isinstance(node, yaml.MappingNode):
        return node.tag, at, [(_shape(key), _shape(value)) for key, value in node.value]
    return node.tag, at, [_shape(item) for item in node.value] if isinstance(node.value, list) else node.value


def _read(text: str) -> object:
    try:
        return _shape(yaml_text.compose(text))
    except yaml_text.YamlError as error:
        return error.problem, error.line


@settings(max_examples=400)
@given(TEXTS)
def test_the_quick_reading_is_the_plain_one(text: str) -> None:
    quick = _read(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_text, "_QUICK", yaml_text._Plain)
        assert quick == _read(text)


def test_alert_rules_as_people_write_them_are_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    if not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(yaml_text, "_Plain", None)
    text = '# example\n\nalerts:\n  - name: "High Error Rate"\n    condition: error_rate > 5%\n    duration: 5m\n\n'
    assert yaml_text._USUAL.fullmatch(text)
    assert isinstance(yaml_text.compose(text), yaml.MappingNode)


@pytest.mark.parametrize(
    "text", ["a: &x b\n", "a: *x\n", "a: [b\n", "a: {b: c}\n", "\ta: b\n", "a: b\r\n", "a: é\n", "a: |\n", "%A b\n"]
)
def test_other_texts_are_read_plainly(text: str) -> None:
    assert not yaml_text._USUAL.fullmatch(text)
