"""``hutch runbook new``: a runbook to fill in, or a copy of one for a team to own. Both pass the linter."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from hutch.commands.context import CommandError
from hutch.commands.documents import bundled

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
"""What a document may be called here: it stands in commands and in ``hutch.yaml``."""

SKELETON = """\
# {title}

When should somebody open this? Say it in one sentence.

## Symptoms

- What do users notice first? Write it here, in their words.

## Detection

Is it so? What only reads runs by itself, at once.

```bash {{"name":"answers"}}
# Does the service answer, and does it call itself well?
curl -s [service-url]/api/health
```

## Diagnosis

Why? One question, one command, and how to read the answer.

```bash {{"name":"first-byte"}}
# Where does the time of a request go?
curl -w "@curl-format.txt" -o /dev/null -s [service-url]/
```

## Resolution

Each way out is an option, the safest first. It waits until somebody approves it.

### Option 1: Stop what makes it worse

```bash {{"name":"stop-the-job","hutch.undo":"systemctl start [job]","hutch.on_failure":"next"}}
# [job] is the unit that adds to the load, as `systemctl list-timers` names it
systemctl stop [job]
```

### Option 2: Roll back the deployment

A typed action knows its preview, its verification and its own way back; what is left open, the diagnosis fills in.

```yaml {{"name":"rollback","hutch.action":"deploy.rollback"}}
to:
```

## Verification

What must be seen when it is over? Without this nobody can tell whether an option has worked.

```bash {{"name":"well-again","hutch.retries":"3"}}
curl -s [service-url]/api/health
# Should return {{ "status": "ok" }}
```

## Communication

Who must know, and what do you tell them? What they notice, since when, and when you will write again.

## About this runbook

- Maintained by: who looks after it
- Review schedule: Quarterly
- Last reviewed: {today}
"""

_LINK = re.compile(r"\[(?P<text>[^\[\]\n]+)\]\((?P<target>[^\s()#:]+\.md)(?:#[^\s()]*)?\)")
_SCHEDULE = re.compile(r"^- Review schedule: .*$", re.MULTILINE)
_TITLE = re.compile(r"\A# .*$", re.MULTILINE)


def skeleton(name: str, today: date) -> str:
    """A runbook with every part, each with an example that runs."""
    return SKELETON.format(title=titled(name), today=today)


def copied(source: str, name: str, today: date, beside: Collection[str]) -> str:
    """The library's document ``source`` for a team to own, called ``name``.

    It counts as reviewed ``today``. ``beside`` are the file names in its new folder: a link to any other document of
    the library becomes that one's name. Raises :class:`CommandError` for an unknown ``source``, naming the nearest.
    """
    text = shipped(source).read_text(encoding="utf-8")
    if name != source:
        text = _TITLE.sub(lambda _: f"# {titled(name)}", text, count=1)
    text = _SCHEDULE.sub(lambda found: f"{found[0]}\n- Last reviewed: {today}", text, count=1)
    return _LINK.sub(lambda found: found[0] if unquote(found["target"]) in beside else _named(found), text)


def _named(found: re.Match[str]) -> str:
    return f"{found['text']} (`{found['target'].removesuffix('.md')}` of the library)"


def shipped(name: str) -> Path:
    """Where the library's document of that name is. Raises :class:`CommandError`."""
    known = bundled()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    raise CommandError(f"the library has no runbook {name!r}; {hint}", 2)


def titled(name: str) -> str:
    """A name as a title.

    >>> titled("checkout-slow")
    'Checkout slow'
    """
    words = re.sub(r"[-_]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def checked(name: str) -> str:
    """The name without ``.md``. Raises :class:`CommandError` for one that no document may have."""
    bare = name.removesuffix(".md")
    if not NAME.fullmatch(bare):
        raise CommandError(f"{name!r}: use letters, digits, - and _ for a runbook's name; --dir says where it goes", 2)
    return bare


def write_new(path: Path, text: str) -> None:
    """Write a file that must not be there yet. Raises :class:`CommandError`."""
    if path.exists():
        raise _is_there(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{path.parent}: no folder can be made there: {error.strerror}") from error
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise _is_there(path) from None
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from error


def _is_there(path: Path) -> CommandError:
    return CommandError(f"{path} exists and is left alone: edit it, or choose another name")
