"""Our ES modules as one file, so that a first visit asks once: each module keeps its own scope, and exports by name.

Not a general bundler: it knows the two forms in which our modules import and export, and refuses every other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+\.js)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?function (\w+)|const (\w+) )", re.M)
OTHER = re.compile(r"^\s*(?:import\b|export\b).*|.*\bimport[(.].*", re.M)
"""What is left of these words once the known forms are taken: another form."""


class Unbundled(ValueError):
    """A module is written in a way that this cannot join."""


def bundle(first: str, modules: Mapping[str, str]) -> str:
    """The module ``first`` and all that it needs, each once and after what it needs itself.

    >>> print(bundle("a.js", {"a.js": 'import { b } from "./b.js";\\nb();', "b.js": "export function b() {}"}), end="")
    const $b = (() => {
    function b() {}
    return { b };
    })();
    (() => {
    const { b } = $b;
    b();
    })();
    """
    order: list[str] = []
    _need(first, modules, order, ())
    return "".join(_closed(name, modules[name], name == first) for name in order)


def _need(name: str, modules: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise Unbundled(f"{' needs '.join((*above, name))}: modules that need one another cannot be one file")
    if name not in modules:
        raise Unbundled(f"{above[-1] if above else 'nothing'} needs {name}, which is not there")
    for _, needed in IMPORT.findall(modules[name]):
        _need(needed, modules, order, (*above, name))
    if name not in order:
        order.append(name)


def _closed(name: str, text: str, last: bool) -> str:
    exported = [function or const for function, const in EXPORT.findall(text)]
    body = EXPORT.sub("", IMPORT.sub(lambda m: f"const {{ {m[1]} }} = {_scope(m[2])};\n", text))
    if found := OTHER.search(body):
        raise Unbundled(f"{name}: {found[0].strip()!r} is not a form of import or export that is known here")
    begins = "" if last else f"const {_scope(name)} = "
    ends = "" if last else f"return {{ {', '.join(exported)} }};\n"
    return f"{begins}(() => {{\n{body.rstrip()}\n{ends}}})();\n"


def _scope(name: str) -> str:
    return f"${name.removesuffix('.js')}"
