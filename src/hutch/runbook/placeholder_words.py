"""The tables by which placeholders are told from everything that looks like them."""

from __future__ import annotations

import re
from functools import lru_cache


def words_of(text: str) -> frozenset[str]:
    """A table of words, written as one text."""
    return frozenset(text.split())


PREFIXES = words_of("YOUR MY NEW OLD PREVIOUS CURRENT TARGET LAST REPLACE INSERT SOME DESIRED AFFECTED BAD GOOD")
"""First parts of an upper-case word that say "put yours here": ``PREVIOUS_VERSION``."""

NOUNS = words_of(
    "ID IDS NAME VERSION IP ARN REVISION NUMBER HERE PID TAG SHA COMMIT HOST URL SECRET TOKEN KEY PASSWORD VALUE"
    " USER PORT IMAGE ZONE REGION DATE TIME COUNT EMAIL DOMAIN RELEASE DEPLOYMENT ADDRESS BRANCH"
)
"""Last parts that may follow such a prefix."""

VERSIONS = words_of("OLD NEW PREVIOUS")
"""First parts that make a placeholder of any word that stands alone: ``OLD_WRITER``."""

NO_VERSIONS = words_of("NEW_TABLE OLD_TABLE NEW_ROW OLD_ROW PREVIOUS_SIBLING")
"""What SQL and others call so; ``NEW_RELIC_…`` is a product's variable."""

OPEN_NOUNS = words_of("ID IDS NAME VERSION IP ARN REVISION NUMBER HERE PID")
"""Last parts that make a placeholder with any first part (``INSTANCE_ID``); ``JWT_SECRET`` is a variable's name."""

WORDS = words_of("PID PIDS USERNAME PASSWORD VERSION NAMESPACE CHANGEME CHANGE_ME REPLACE_ME XXX XXXX")
"""Single words that stand for a value."""

SHELL_VARIABLES = words_of(
    "HOME PWD OLDPWD USER LOGNAME PATH SHELL HOSTNAME RANDOM SECONDS LINENO UID EUID PPID IFS TMPDIR LANG TERM"
    " BASH BASHPID BASH_SOURCE BASH_VERSION FUNCNAME PIPESTATUS REPLY OPTARG OPTIND EDITOR COLUMNS LINES"
)
"""What every shell sets by itself."""

PATTERN_PROGRAMS = words_of("grep egrep fgrep zgrep rg ag awk gawk sed jq yq perl find tr expr")
"""Programs whose arguments are patterns: brackets and upper-case words there mean themselves."""

NAMING_PROGRAMS = words_of(
    "printenv unset export env set declare local typeset readonly read mapfile readarray echo printf"
)
"""Programs that name variables or print words: upper-case words there mean themselves."""

TEMPLATE_WORDS = words_of("range end else if with define block template json join nil")
"""Words of Go templates: ``{{ range }}`` is no placeholder."""

HTML_TAGS = words_of("a b i p br hr ul ol li div span html tr td th pre h1 h2 h3")
"""What stands in angle brackets as markup."""

VALUE_MAY_FOLLOW = words_of(
    "select from where and or not in like ilike between limit offset values set table index into update join on by to"
    " analyze vacuum full verbose concurrently exists column role user database schema reindex drop interval"
)
"""SQL keywords after which brackets hold a placeholder and no subscript."""

LITERALS = re.compile(r"(?:true|false|null|none|nil)(?:\s*,\s*(?:true|false|null|none|nil|-?\d[\d.]*))*", re.IGNORECASE)
"""What stands in brackets as JSON."""

RANGES = re.compile(r"\w|(?:\w-\w)+[\W\d_]*|:\w+:")
"""Insides of brackets that are a character class."""

HEX = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?")
"""An IPv6 address in brackets."""


def may_ask(word: str) -> bool:
    """Whether an upper-case word can be a placeholder anywhere: most are keywords and names of variables."""
    return _known(word) if len(word) <= _REMEMBERED else is_named(word) or is_open(word)


_REMEMBERED = 40
"""Characters of a word that is kept in memory once it is told."""


@lru_cache(maxsize=4096)
def _known(word: str) -> bool:
    return is_named(word) or is_open(word)


def is_named(word: str) -> bool:
    """Whether an upper-case word asks for a value by its own form: ``YOUR_X``, ``PREVIOUS_VERSION``."""
    parts = re.split(r"[_-]", word)
    return len(parts) > 1 and (parts[0] == "YOUR" or (parts[0] in PREFIXES and parts[-1] in NOUNS))


def is_open(word: str) -> bool:
    """Whether it is one only where nothing else is meant: ``PID``, ``INSTANCE_ID``."""
    parts = word.split("_")
    if len(parts) > 1 and parts[0] in VERSIONS:
        return word not in NO_VERSIONS and parts[:2] != ["NEW", "RELIC"]
    return word in WORDS or (len(parts) > 1 and parts[-1] in OPEN_NOUNS)
