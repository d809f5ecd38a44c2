"""Every name that a service's runbooks leave unbound, once, with every line; and lines that bind them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import yaml

from hutch.commands.context import Service
from hutch.commands.documents import classified
from hutch.commands.unbound import Name, names_of, snippet
from hutch.model.action import Command, Outcome, Result
from hutch.model.config import ServiceConfig
from hutch.model.runbook import Document
from hutch.ports import Connection
from hutch.runbook.parse import parse

TEXT = """# Trouble

## One

### Detection

```bash
curl https://a.example
curl https://a.example/x | no-such-program --cluster c
date
psql $DATABASE_URL -c "SELECT 1"
open https://status.example
```

### Resolution

```bash
npm run db:migrate
npm run db:reset
aws s3 ls s3://bucket-one
ls -l < in.txt > out.txt
ls [folder]
```

## Two

### Verification

```bash
no-such-program
curl -w "@curl-format.txt" https://a.example
```

```http
GET https://a.example/y
```
"""


async def nothing(command: Command) -> Outcome:
    return Outcome(Result.DONE, command.text)


def documents(text: str = TEXT) -> list[Document]:
    return [classified(parse(text, "/somewhere/trouble.md"))]


def service(binds: Mapping[str, str] | None = None, **connections: Connection) -> Service:
    http = Connection("shop", runs={"curl": nothing, "http": nothing})
    return Service(ServiceConfig("shop", binds=binds or {}), {"http": http, **connections})


def told(found: list[Name]) -> dict[str, tuple[str, ...]]:
    return {f"{n.kind} {n.name}": tuple(p.removeprefix("trouble.md:") for p in n.places) for n in found}


def test_each_once_with_every_line() -> None:
    assert told(names_of(documents(), service())) == {
        "host a.example": ("8", "9", "31", "35"),
        "host status.example": ("12",),
        "program no-such-program": ("9", "30"),
        "program ls": ("21", "22"),
        "program npm run db:migrate": ("18",),
        "program npm run db:reset": ("19",),
        "program psql": ("11",),
        "program curl": ("9",),
        "program aws": ("20",),
        "cluster c": ("9",),
        "bucket bucket-one": ("20",),
        "database $DATABASE_URL": ("11",),
        "file in.txt": ("21",),
    }


def test_what_is_bound_is_not_named_but_where_its_program_is_absent() -> None:
    binds = {
        "a.example": "as-is", "*.example": "manual", "no-such-program": "as-is", "ls": "as-is", "npm": "manual",
        "aws": "other", "c": "d", "curl": "as-is", "bucket-one": "as-is", "in.txt": "text:x",
    }  # fmt: skip
    found = names_of(documents(), service(binds, db=Connection("db", runs={"psql": nothing})))
    assert told(found) == {"program no-such-program": ("9", "30"), "program other": ("20",)}
    assert found[0].bound and not found[0].installed


def test_proposals_can_be_pasted_and_are_careful() -> None:
    migrations = Connection("db", runs={"migrate.status": nothing, "migrate.up": nothing})
    found = names_of(documents(), service(migrations=migrations))
    text = snippet({"shop": found})
    binds = yaml.safe_load(text)["services"]["shop"]["binds"]
    assert binds == {
        "a.example": "as-is",
        "status.example": "as-is",
        "no-such-program": "manual",
        "ls": "as-is",
        "curl": "as-is",
        "npm run db:migrate": "action:migrate.up",
        "npm run db:reset": "manual",
        "aws": binds["aws"],
        "c": "as-is",
        "bucket-one": "as-is",
        "in.txt": "file:in.txt",
    }
    assert "  # program, 2 statements, not installed here\n" in text
    left = told(names_of(documents(), service(binds, migrations=migrations)))
    assert set(left) - {"program aws", "program curl"} == {"program psql", "database $DATABASE_URL"}
    assert snippet({"shop": []}) == ""


@pytest.mark.parametrize("name", ["a: b", "#x", "'", '"', "- x", "{a}", "*", "yes", "12", "ü", "a # b"])
def test_every_name_is_yaml(name: str) -> None:
    text = snippet({name: [Name("cluster", name, ("x.md:1",), stands=name)]})
    assert yaml.safe_load(text) == {"services": {name: {"binds": {name: name}}}}
