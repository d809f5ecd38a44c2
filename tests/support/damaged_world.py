"""Real damage: bytes of pages that are turned over in the files of a stopped server."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import psycopg

from rolerabbit.embedded.postgres import Postgres
from rolerabbit.embedded.wheel import Account

PAGE = 8192
TABLES = """
create extension amcheck;
create table orders (id int primary key, customer text not null, note text);
create index orders_customer on orders (customer);
insert into orders select n, 'customer ' || n, repeat('x', 100) from generate_series(1, 5000) n;
create table people (id int primary key, name text);
insert into people select n, 'name ' || n from generate_series(1, 1000) n;
create table files (id int primary key, name text, content text);
alter table files alter column content set storage external;
insert into files select n, 'file ' || n, repeat('content ' || n || ' ', 600) from generate_series(1, 20) n;
vacuum (freeze, analyze);
checkpoint;
"""


class Damaged:
    """A server with these tables, on whose files damage is done while it is stopped."""

    def __init__(self, postgres: Postgres, checksums: bool = True) -> None:
        self.postgres = postgres
        if not checksums:
            self.stopped([str(postgres.bin_dir / "pg_checksums"), "--disable", "-D", str(postgres.data_dir)])
        for statement in TABLES.split(";\n"):
            self.run(statement)

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str) -> Any:
        [row] = self.run(statement)
        return row[0]

    def stopped(self, command: list[str]) -> None:
        """Run a program on the folder of the server while that is stopped."""
        self.postgres.stop()
        options: dict[str, Any] = Account.current().popen_options()
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        assert done.returncode == 0, done.stderr
        self.postgres.start()

    def harm(self, relation: str, page: int, offset: int, content: bytes) -> None:
        """Write ``content`` over what stands at ``offset`` of a page."""
        path = self.postgres.data_dir / str(self.one(f"select pg_relation_filepath('{relation}')"))
        self.postgres.stop()
        with Path(path).open("r+b") as file:
            file.seek(page * PAGE + offset)
            before = file.read(len(content))
            assert before != content
            file.seek(page * PAGE + offset)
            file.write(content)
        self.postgres.start()
