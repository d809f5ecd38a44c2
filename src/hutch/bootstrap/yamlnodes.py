"""YAML with the line of every value, so that an error can say where it is."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml


class ConfigError(Exception):
    """What is wrong, on which line of which file, and what to write instead."""

    def __init__(self, path: str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
        self.path = path
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML value with its place: ``where`` is the dotted path for people (``services.shop.http``)."""

    path: str
    where: str
    line: int
    value: object  # a scalar, dict[str, Node] or list[Node]

    def fail(self, message: str) -> ConfigError:
        """An error at this place."""
        return ConfigError(self.path, self.line, f"{self.where or 'the file'}: {message}")

    def mapping(self) -> dict[str, Node]:
        """The value as a mapping; an empty value is an empty one."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.fail(f"expected keys and values, found {_kind(self.value)}")
        return self.value

    def items(self) -> list[Node]:
        """The value as a list; an empty value is an empty one."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.fail(f"expected a list, found {_kind(self.value)}")
        return self.value

    def plain(self) -> object:
        """The value without places."""
        if isinstance(self.value, dict):
            return {k: n.plain() for k, n in self.value.items()}
        if isinstance(self.value, list):
            return [n.plain() for n in self.value]
        return self.value

    def child(self, key: str) -> Node:
        """The value under ``key``, or an empty node at this line."""
        return self.mapping().get(key) or Node(self.path, join(self.where, key), self.line, None)

    def only(self, known: list[str]) -> None:
        """Raise for a key that is not known, naming the nearest one."""
        for key, node in self.mapping().items():
            if key not in known:
                near = get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                place = f" under {self.where}" if self.where else ""
                raise ConfigError(self.path, node.line, f"unknown key {key!r}{place}; {hint}")


def join(where: str, key: str) -> str:
    """The dotted path of ``key`` inside ``where``."""
    return f"{where}.{key}" if where else key


def read(path: Path) -> Node:
    """The file as nodes. Raises :class:`ConfigError` for what is no YAML, or holds a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), 0, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), 0, "is not UTF-8 text") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(str(path), line, f"not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(str(path), 0, f"not valid YAML: {error}") from error
    return Node(str(path), "", 1, {}) if root is None else _node(str(path), "", root)


def _node(path: str, where: str, node: yaml.Node) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in found:
                raise ConfigError(path, key_node.start_mark.line + 1, f"{join(where, key)}: given twice")
            child = _node(path, join(where, key), value_node)
            found[key] = Node(path, child.where, key_node.start_mark.line + 1, child.value)
        return Node(path, where, line, found)
    if isinstance(node, yaml.SequenceNode):
        return Node(path, where, line, [_node(path, f"{where}[{i}]", n) for i, n in enumerate(node.value)])
    return Node(path, where, line, _scalar(path, where, node))


def _scalar(path: str, where: str, node: yaml.Node) -> object:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(path, node.start_mark.line + 1, f"{where}: not a readable value: {node.value!r}") from error
    finally:
        loader.dispose()


def _kind(value: object) -> str:
    names = {dict: "keys and values", list: "a list", str: "text", bool: "true or false", int: "a number"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
