"""A rule's page: the words of ``pages/CODE.md`` under a heading from the catalogue."""

from __future__ import annotations

from hutch.runbook.lint.findings import Rule

SUPPRESS = """\
## Where it is meant so

Say it with the reason, on the line before the block or on the block itself:

```text
<!-- hutch-lint: ignore {code} the reason -->
{{"hutch.lint":"ignore {code} because of the reason"}}
```
"""


def explained(rule: Rule, words: str, *, linked: bool = False) -> str:
    """The page of ``rule`` whose own words are ``words``; ``linked`` adds the way back to all rules."""
    head = f"# {rule.code}: {rule.name}\n\n*{rule.level.value}*: {rule.summary}."
    back = " [All rules](../lint.md)" if linked else ""
    about = "" if rule.code in {"RB012", "RB013"} else "\n" + SUPPRESS.format(code=rule.code)
    return f"{head}{back}\n\n{words.strip()}\n{about}"
