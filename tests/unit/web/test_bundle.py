"""Modules joined to one file: order, scopes, and what is refused."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from hutch.web.assets import FOLDER, SCRIPTS, files
from hutch.web.bundle import Unbundled, bundle


def test_each_module_stands_once_and_after_what_it_needs() -> None:
    made = bundle(
        "a.js",
        {
            "a.js": 'import { b, two } from "./b.js";\nimport { c } from "./c.js";\nb(c, two);\n',
            "b.js": 'import { c } from "./c.js";\nexport const two = 2;\nexport async function b() {}\n',
            "c.js": "const own = 3;\nexport function c() {}\n",
        },
    )
    assert [line for line in made.splitlines() if line.startswith("const $")] == [
        "const $c = (() => {",
        "const $b = (() => {",
    ]
    assert "return { two, b };" in made and "export" not in made and "import" not in made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('import { a } from "./a.js";', "a.js needs a.js"),
        ('import { b } from "./b.js";', "a.js needs b.js, which is not there"),
        ('import b from "./b.js";', "not a form"),
        ('import "./b.js";', "not a form"),
        ('const b = await import("./b.js");', "not a form"),
        ("export default 1;", "not a form"),
        ("export let a = 1;", "not a form"),
    ],
)
def test_what_it_does_not_know_is_refused(text: str, said: str) -> None:
    with pytest.raises(Unbundled, match=said):
        bundle("a.js", {"a.js": f"{text}\n"})


def test_what_is_served_holds_every_module_and_no_loose_one() -> None:
    served = files()
    needed = {p.name for p in FOLDER.glob("*.js")} - set(SCRIPTS) - {"status.js"}
    assert not needed & served.keys()
    joined = b"".join(served[name] for name in SCRIPTS).decode()
    assert [name for name in sorted(needed) if f"const ${name.removesuffix('.js')} = " not in joined] == []


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_served_is_a_program(name: str) -> None:
    words = ["node", "--input-type=module", "--check"]
    assert subprocess.run(words, input=files()[name], capture_output=True, timeout=30, check=False).returncode == 0
