"""Rails' migrations by their words: what they declare, what can't be told, and what is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from hutch.providers.migrations.files import File
from hutch.providers.migrations.rails import script
from hutch.providers.migrations.rails_calls import key_name

PETS = Path(__file__).with_name("create_pets.rb.txt").read_text(encoding="utf-8")
DECLARED = Path(__file__).with_name("create_pets.expected.txt").read_text(encoding="utf-8")


def read(body: str, way: str = "change") -> File:
    return script("1", "x", f"class X < ActiveRecord::Migration[8.0]\n  def {way}\n{body}\n  end\nend\n")


def told(file: File) -> list[str]:
    """Each operation on a line; ``?`` where it may not have run."""
    marks = {True: " ?", False: ""}
    return [f"{op.verb} {op.key}{' to ' + op.to if op.to else ''}{marks[op.unsure]}" for _, op in file.operations]


def test_a_migration_with_everything_in_it() -> None:
    file = script("20260101000000", "create_pets", PETS)
    assert file.problem == ""
    assert not file.transactional
    said = [*told(file), "", *(s.text for s in file.steps if s.loses and not s.ops)]
    assert "\n".join(said) == DECLARED.strip()
    assert file.untold == "add_foreign_key :pets, :users"
    assert [s.text for s in file.steps_down] == []


def test_names_that_rails_makes() -> None:
    """As the schema of Active Storage has them everywhere."""
    assert key_name("active_storage_attachments", "blob_id") == "fk_rails_c3b3935057"
    assert key_name("active_storage_variant_records", "blob_id") == "fk_rails_993965df05"
    long = "x" * 60
    file = read(f"add_index :users, :{long}")
    assert (told(file), file.untold) == ([], f"add_index :users, :{long}")


@pytest.mark.parametrize(
    ("body", "declares"),
    [
        ("add_column(:t, 'c', :text)", ["make column t.c"]),
        ("add_column :t, :c, :text unless column_exists?(:t, :c)", ["make column t.c ?"]),
        ('add_column "app.Orders", :c, :text', ['make column app."Orders".c']),
        ("create_table :t, if_not_exists: true do |t|\n t.string :a\n end", ["make table t ?", "make column t.a ?"]),
        ("create_join_table :b, :a", ["make table a_b"]),
        ("remove_index :t, column: [:a, :b]", ["drop index index_t_on_a_and_b"]),
        ("remove_index :t, name: 'i'", ["drop index i"]),
        ("drop_table :a, :b", ["drop table a", "drop table b"]),
        ("add_timestamps :t", ["make column t.created_at", "make column t.updated_at"]),
        ("safety_assured do\n rename_column :t, :a, :b\n end", ["rename column t.a to b"]),
        ("execute <<-SQL\n CREATE TABLE x (a int);\n SQL", ["make table x", "make column x.a"]),
        ("execute <<~SQL.squish\n DROP TABLE x\n SQL", ["drop table x"]),
        ('execute "DROP TABLE #{name}"', []),
        ("add_column t, :c, :text", []),
        ("[:a, :b].each { |c| add_column :t, c, :text }", []),
        ("# add_column :t, :c, :text\n=begin\nadd_column :t, :c, :text\n=end", []),
        ('say "add_column :t, :c, :text"', []),
    ],
)
def test_one_call(body: str, declares: list[str]) -> None:
    file = read(body)
    assert (told(file), file.problem) == (declares, "")


def test_what_only_running_it_would_tell_is_said() -> None:
    assert read('execute "DROP TABLE #{name}"').untold == 'execute "DROP TABLE #{name}"'
    assert read("Owner.update_all(nick: nil)").untold == "Owner.update_all(nick: nil)"
    assert read("").untold == "it declares nothing"
    assert read("add_column :t, :c, :text").untold == ""


def test_the_ways_up_and_down() -> None:
    text = "class X < M\n def up\n  drop_table :a\n end\n def down\n  create_table :a\n end\n def helper\n x\n end\nend"
    file = script("1", "x", text)
    assert [s.loses for s in file.steps] == ["drops a table"]
    assert [str(op.key) for s in file.steps_down for op in s.ops] == ["table a"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class A\n def up\n add_column :a, 'b", "a quote is opened"),
        ("class A\n def up\n execute <<~SQL\n DROP", "the text up to SQL never ends"),
        ("class A\n def up\n", "a block is opened"),
        ("class A\nend\nend", "an `end` ends nothing"),
        ("class A\n def up\n add_column(:a,\n", "a bracket is opened"),
        ("x" * 300_000, "more than the 262144 that are read"),
    ],
)
def test_a_file_that_is_no_whole_migration(text: str, why: str) -> None:
    file = script("1", "x", text)
    assert why in file.trouble
    assert file.steps == ()


def test_a_cut_anywhere_never_raises() -> None:
    for cut in range(0, len(PETS), 7):
        file = script("1", "x", PETS[:cut])
        assert bool(file.problem) or cut < 60
