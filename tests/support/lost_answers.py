"""A remedy of the shop as a runbook, whose changing login goes by a wire that loses the answer to its COMMIT."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hutch.model.event import Event
from remedy_world import CASES, Shop
from wire import Wire, wired

CASE = next(case for case in CASES if case.name == "extend_sequence")
BOOK = """# Tickets

## Mitigation

**Option 1: Let the sequence go on**

```yaml {{"name":"extend","hutch.action":"postgres.{name}"}}
{args}```
"""


@contextmanager
def losing(world: Shop, folder: Path) -> Iterator[Wire]:
    """A hutch.yaml in ``folder`` whose changes go by the wire: the server commits, and nobody hears of it."""
    world.renew()
    (folder / "tickets.md").write_text(BOOK.format(name=CASE.name, args=yaml.safe_dump(dict(CASE.args))))
    with wired(world.postgres.port, b"COMMIT", forwarded=True) as (wire, port):
        owner = make_conninfo("", **{**conninfo_to_dict(world.url("shop_owner")), "host": "127.0.0.1", "port": port})
        settings = {**world.settings, "owner_url": owner}
        for name in ("url", "operator_url", "owner_url"):
            (folder / name).write_text(str(settings[name]))
            settings[name] = {"file": name}
        service = {"postgres": settings, "runbook": "tickets"}
        (folder / "hutch.yaml").write_text(
            json.dumps({"mode": "act", "runbooks": ["tickets.md"], "services": {"shop": service}})
        )
        yield wire


def looked_up(world: Shop, journal: Sequence[Event]) -> None:
    """The change was sent once, its outcome was unknown, and a look at the database told it."""
    kinds = [event.kind for event in journal]
    assert (kinds.count("change.intended"), kinds.count("change.unknown")) == (1, 1), kinds
    assert kinds.index("change.unknown") < kinds.index("verification.done")
    assert [e.data["verdict"] for e in journal if e.kind == "verification.done"] == ["passed"]
    assert [e.data["outcome"] for e in journal if e.kind == "run.finished"] == ["resolved"]
    assert (world.value(CASE.made), world.times(CASE)) == (True, 1)
