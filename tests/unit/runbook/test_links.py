"""Sub-runbooks: which links are steps, where they lead, and circles among them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.model.runbook import Link
from hutch.runbook.errors import RunbookError
from hutch.runbook.links import cycles, edges, resolve
from hutch.runbook.parse import parse

TEXT = """# Alert

[In front](front.md)

## Mitigation

1. Follow the [restart runbook](restart.md#restart)
2. [Scale out](#scale).
3. [Here again](#mitigation)
4. [Elsewhere](https://x.example/a.md)
5. See [this](other.md) before you go on

```sh
ls
```

Then [clean up](../ops/clean.md).

## Related

- [other](other.md)

# Scale

## Steps

```sh
id
```
"""


def test_links_in_what_is_carried_out_are_steps() -> None:
    found = parse(TEXT, "alert.md")
    steps = [s for r in found.runbooks for _, s in r.steps()]
    assert [(s.line, s.name, s.link) for s in steps] == [
        (7, "restart runbook", Link("restart.md", "restart")),
        (8, "Scale out", Link("", "scale")),
        (13, "Mitigation", None),
        (17, "clean up", Link("../ops/clean.md", "")),
        (27, "Steps", None),
    ]
    assert not steps[0].runnable
    assert steps[0].id.startswith("alert/mitigation/link-1-")
    assert "[restart runbook](restart.md#restart)" in found.runbooks[0].sections[1].text


def test_edges_of_a_document() -> None:
    assert list(edges(parse(TEXT, "alert.md"), "on-call/alert.md")) == [
        ("on-call/alert.md#alert", "on-call/restart.md#restart"),
        ("on-call/alert.md#alert", "on-call/alert.md#scale"),
        ("on-call/alert.md#alert", "ops/clean.md#"),
    ]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/etc/x.md", "is no relative path; link within the folder"),
        ("..\\x.md", "is no relative path; link within the folder"),
        ("%2Fetc/x.md", "is no relative path; link within the folder"),
        ("javascript:x.md", "is no relative path; link within the folder"),
        ("a%00.md", "is no relative path; link within the folder"),
        ("~root/x.md", "is no relative path; link within the folder"),
        ("../../x.md", "leads out of the runbook folder; keep within"),
        ("a/../../../x.md", "leads out of the runbook folder; keep within"),
        ("%2e%2e/%2e%2e/x.md", "leads out of the runbook folder; keep within"),
    ],
)
def test_addresses_that_lead_elsewhere(address: str, message: str) -> None:
    with pytest.raises(RunbookError) as error:
        resolve(Link(address, ""), "on-call/alert.md", 3)
    assert str(error.value) == f"3: the link to {address!r} {message}"


@given(st.text(alphabet="a./%2eE\\:~# ", max_size=20))
def test_no_address_leads_out_of_the_folder(address: str) -> None:
    try:
        found = resolve(Link(address, "x"), "on-call/alert.md")
    except RunbookError:
        return
    assert not found.startswith("/")
    assert ".." not in found.rpartition("#")[0].split("/")


def test_circles() -> None:
    assert cycles({"a": ["b", "c"], "b": ["c"], "c": ["d"]}) == ()
    assert cycles({"a": ["a"]}) == (("a", "a"),)
    assert cycles({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a", "d"]}) == (("a", "b", "c", "a"),)


@given(st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4)))
def test_a_circle_is_found_where_one_is_and_is_one(numbers: dict[int, list[int]]) -> None:
    graph = {str(k): [str(v) for v in found] for k, found in numbers.items()}
    found = cycles(graph)
    for one in found:
        assert one[0] == one[-1]
        assert all(after in graph.get(before, ()) for before, after in pairwise(one))
    reached = {node: _reached(node, graph) for node in graph}
    assert bool(found) == any(node in reached[node] for node in graph)


def _reached(node: str, graph: dict[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [*graph[node]]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += graph.get(one, [])
    return seen


def test_a_long_chain_takes_no_stack_and_no_more_than_its_length(calls: Callable[[Callable[[], object]], int]) -> None:
    def chain(length: int) -> dict[str, list[str]]:
        return {str(n): [str(n + 1)] for n in range(length)}

    assert cycles(chain(20_000)) == ()
    assert calls(lambda: cycles(chain(5000))) < 12 * calls(lambda: cycles(chain(500)))
