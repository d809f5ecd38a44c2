"""What one line of a block sets holds for the lines after it, as it does in the terminal that it was written for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli

CONFIG = """
mode: act
services:
  shop:
    shell: {}
    binds: {ls: as-is, touch: as-is, rm: as-is, bash: as-is, "make migrate": manual}
runbooks: [books]
"""

BOOK = """
# Clean up

## Diagnosis

```bash
cd HOME/data
ls
zone=eu
echo "zone is $zone"
```

```bash {"name":"count"}
WORDS=<words>
ls $WORDS
```

```bash {"name":"code"}
WORDS=<words>
bash -c "ls $WORDS"
```

## Mitigation

### Option 1: Old files

```bash
cd HOME/data
touch a || touch b
rm -f ./old
```

### Option 2: With a variable

```bash
export MARK=<mark>
touch HOME/$MARK-1
make migrate
```

### Option 3: For the other blocks

```bash
touch HOME/never
export MARK=1
```

### Option 4: By a script

```bash
source HOME/settings.sh
touch HOME/never
```

## Verification

```bash
echo fine
# Should return fine
```
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUTCH_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "400")
    for folder in ("books", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data/old").touch()
    (tmp_path / "books/clean.md").write_text(BOOK.replace("HOME", str(tmp_path)))
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    return tmp_path


def hutch(*words: str) -> str:
    done = CliRunner().invoke(cli, ["--no-input", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return " ".join(done.stdout.split())


def test_a_folder_and_a_variable_hold_for_the_lines_after_them(home: Path) -> None:
    said = hutch("run", "clean", "--dry-run")
    assert f"✓ cd {home}/data && ls exit 0 │ old" in said
    assert "│ zone is eu" in said


def test_an_option_acts_where_its_document_says(home: Path) -> None:
    said = hutch("run", "clean", "--approve", "1")
    assert "Option 1: Old files effect destroy, verified" in said
    assert (home / "data/a").exists() and not (home / "data/b").exists() and not (home / "data/old").exists()


def test_where_the_folder_is_not_there_nothing_else_is_done(home: Path) -> None:
    (home / "data").rename(home / "moved")
    said = hutch("run", "clean", "--approve", "1")
    assert "No such file or directory" in said
    assert [p.name for p in (home / "moved").iterdir()] == ["old"]


def test_a_placeholder_in_a_setting_goes_along(home: Path) -> None:
    said = hutch("run", "clean", "--dry-run", "--set", "mark=here")
    assert f'runs export MARK=here && touch {home}/"$MARK"-1' in said and "by hand make migrate" in said
    assert "Option 2: With a variable no value: [mark]" in hutch("run", "clean")


def test_a_value_in_a_setting_stays_a_value(home: Path) -> None:
    """In every line that uses its variable: one word, and no code of another program."""
    said = hutch("run", "clean", "--step", "count", "--set", "words=a -l; touch c")
    assert "cannot access 'a -l; touch c'" in said and not (home / "c").exists()
    with pytest.raises(AssertionError, match=r"\[words\] stands in code that another program reads"):
        hutch("run", "clean", "--step", "code", "--set", "words=a -l; touch c")


def test_what_cannot_be_carried_along_stops_its_option(home: Path) -> None:
    said = hutch("run", "clean", "--dry-run")
    assert "Option 3: For the other blocks sets only the shell of its own block, where no line follows it" in said
    assert "Option 4: By a script sets only its own shell, and each statement has one of its own" in said


ASKS = """
# Ask

## Diagnosis

```bash
read -p "Which folder? " FOLDER
ls HOME/$FOLDER
for x in 1 2; do
  sleep 0
  echo "seen $x"
done
```
"""


def test_what_asks_at_the_keyboard_says_how_the_value_is_given(home: Path) -> None:
    (home / "books/ask.md").write_text(ASKS.replace("HOME", str(home)))
    said = hutch("run", "ask", "--dry-run", "--set", "folder=data")
    assert "asks at the keyboard, which no step has: give FOLDER with --set NAME=VALUE" in said
    assert "│ old" in said and "│ seen 1 │ seen 2" in said
    assert "not bound" not in said


def test_a_shell_line_past_64_kb_is_refused_and_nothing_is_sought_in_it(home: Path) -> None:
    long = "ls " + "[a] $B https://x.example " * 40_000
    (home / "books/long.md").write_text(
        f"# Long\n\n## Long\n\n### Detection\n\n```bash\n{long}\n```\n\n```bash\nls\n```\n"
    )
    told = hutch("run", "long.md", "--dry-run")
    assert "is longer than 64 kB, which no shell is started with: put it into a file, and name that" in told
    assert "no value for" not in told
    assert "✓ ls" in told
    assert "x.example" not in hutch("doctor")
