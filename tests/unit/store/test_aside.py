"""Tables beside the log: made once, however many come for them first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect

from hutch.store.accounts import metadata
from hutch.store.aside import create_all, in_file


@pytest.mark.parametrize("turn", range(8))
def test_tables_that_several_make_at_once_are_made_once_and_nobody_fails(tmp_path: Path, turn: int) -> None:
    engines = [in_file(tmp_path / "access.db")() for _ in range(4)]
    begin, failed = threading.Barrier(len(engines)), []

    def make(number: int) -> None:
        begin.wait()
        try:
            create_all(engines[number], metadata)
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=make, args=[n]) for n in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert set(inspect(engines[0]).get_table_names()) == set(metadata.tables)
    for engine in engines:
        engine.dispose()
