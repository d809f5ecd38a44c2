"""The guides speak of what there is: every link leads somewhere, every command, option and configuration exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from hutch.bootstrap.config import GUARDS, SERVICE, TOP
from hutch.bootstrap.wire import find_providers, read_config
from hutch.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPOKEN = re.compile(r"`(hutch [a-z][^`…]*)`")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^(`{3,})[^`].*?^\1`*$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in LINK.findall(text):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), f"{_name(page)} links to {target}"


def test_every_page_is_in_the_index() -> None:
    index, rules = ROOT / "docs" / "README.md", ROOT / "docs/reference/lint.md"
    texts = {page: page.read_text("utf-8") for page in (index, rules)}
    linked = {(p.parent / t).resolve() for p, text in texts.items() for t in LINK.findall(text) if "://" not in t}
    pages = {p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "adr" and p != index}
    assert pages - linked == set()
    decisions = (ROOT / "docs/adr/README.md").read_text("utf-8")
    for page in (ROOT / "docs/adr").glob("0*.md"):
        assert page.name in decisions, f"{page.name} is not listed"


def _lines(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    blocks = [line.strip().removeprefix("$ ") for b in FENCED.findall(text) for line in b.splitlines()]
    return [line for line in (*blocks, *SPOKEN.findall(text)) if re.match(r"(\.venv/bin/)?hutch\b", line)]


@pytest.mark.parametrize("page", [p for p in PAGES if _lines(p)], ids=_name)
def test_commands_and_options_exist(page: Path) -> None:
    for line in _lines(page):
        words = shlex.split(line, comments=True)[1:]
        fault = _fault(words)
        assert not fault, f"{_name(page)}: {line!r}: {fault}"


def _fault(words: list[str]) -> str:
    """What is wrong with a command line, as far as names go."""
    command: click.Command = cli
    context = click.Context(cli, info_name="hutch")
    options = {o for p in cli.params for o in p.opts}
    expects_value = _valued(cli)
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            name = word.partition("=")[0]
            if name not in {*options, "--help", "--version", "-h"}:
                return f"no option {name}"
            if name in expects_value and "=" not in word and rest:
                rest.pop(0)
        elif isinstance(command, click.Group):
            if not re.fullmatch(r"[a-z-]+", word):
                return ""  # COMMAND, a placeholder
            found = command.get_command(context, word)
            if found is None:
                return f"no command {word}"
            command = found
            options |= {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
            expects_value |= {
                o for p in command.params if isinstance(p, click.Option) and not p.is_flag for o in p.opts
            }
    return ""


def _valued(command: click.Command) -> set[str]:
    return {o for p in command.params if isinstance(p, click.Option) and not p.is_flag for o in p.opts}


def test_the_fault_finder_finds_faults() -> None:
    assert _fault(["incident", "list"]) == ""
    assert _fault(["incidents"]) == "no command incidents"
    assert _fault(["run", "DOC#x", "--drum"]) == "no option --drum"
    assert _fault(["--config", "x.yaml", "diagnose"]) == ""


@pytest.mark.parametrize("page", [p for p in PAGES if "services:" in p.read_text("utf-8")], ids=_name)
def test_configurations_can_be_read(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    for number, block in enumerate(b for b in blocks if yaml.safe_load(b).get("services")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(block)
        read_config(path)


def test_everything_a_user_sees_has_its_line() -> None:
    commands = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    configuration = (ROOT / "docs/reference/configuration.md").read_text("utf-8")
    causes = (ROOT / "docs/reference/causes.md").read_text("utf-8")
    for name in COMMANDS:
        assert f"## `hutch {name}`" in commands
    for setting in (*TOP, *SERVICE, *GUARDS):
        assert f"`{setting.name}`" in configuration
    for provider in find_providers().values():
        assert provider.name in configuration
        for setting in provider.settings:
            assert f"`{setting.name}`" in configuration, f"{provider.name}.{setting.name}"
        for code in provider.codes:
            assert f"`{code}`" in causes
