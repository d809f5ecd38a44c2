"""What every provider has to pass."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from hutch.model.event import canonical
from hutch.model.finding import Finding
from hutch.ports import Connection, Provider, Setting, TargetConfig
from hutch.testing.reads import read_faults, reads_of

_KINDS = {
    "text", "url", "secret", "secrets", "int", "float", "bool", "duration", "list", "map", "time", "path", "folder",
}  # fmt: skip
_NAME, _DOTTED = re.compile(r"[a-z][a-z0-9_]*"), re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


async def check_provider(provider: Provider, settings: Mapping[str, object]) -> list[Finding]:
    """Open ``provider`` with ``settings``, run every check and each read of its platform, and return the findings.

    Give secrets of at least 8 characters, so that a leak is told from chance. The target may be unreachable: error
    texts are where secrets leak. Raises ``AssertionError`` that lists every breach of the contract.
    """
    faults = [*_manifest_faults(provider), *_setting_faults(provider, settings)]
    if faults:
        raise AssertionError("\n".join(faults))
    defaults = {setting.name: setting.default for setting in provider.settings}
    now = datetime.now(UTC)
    connection = provider.open(TargetConfig("contract", defaults | dict(settings), lambda: now))
    try:
        findings = list(await asyncio.gather(*(check() for check in connection.checks.values())))
        reads = await reads_of(connection.platform)
    finally:
        await connection.close()
    causes = provider.explain(findings)
    shown = repr((connection, findings, causes, reads))
    faults = [
        *_connection_faults(provider, connection),
        *(fault for name, finding in zip(connection.checks, findings, strict=True) for fault in _faults(name, finding)),
        *(fault for read in reads for fault in read_faults(read)),
        *(f"cause {cause.code} is not in codes" for cause in causes if cause.code not in provider.codes),
        *("a secret of the settings is shown" for secret in _secrets(provider, settings) if secret in shown),
    ]
    if faults:
        raise AssertionError("\n".join(faults))
    return findings


def _manifest_faults(provider: Provider) -> Iterator[str]:
    if not _NAME.fullmatch(provider.name):
        yield f"provider name {provider.name!r} is not lower_case"
    if not provider.summary.strip():
        yield "the provider has no summary"
    names = [setting.name for setting in provider.settings]
    yield from (f"setting {name} is there twice" for name in sorted({n for n in names if names.count(n) > 1}))
    for setting in provider.settings:
        yield from _setting_form_faults(setting)
    for code, doc in provider.codes.items():
        if not _DOTTED.fullmatch(code):
            yield f"cause code {code!r} is not area.cause"
        if not doc.strip():
            yield f"cause code {code} is not documented"
    if provider.explain(()):
        yield "explains causes without any finding"


def _setting_form_faults(setting: Setting) -> Iterator[str]:
    if not _NAME.fullmatch(setting.name):
        yield f"setting name {setting.name!r} is not lower_case"
    if setting.kind not in _KINDS:
        yield f"setting {setting.name} has the unknown kind {setting.kind!r}"
    if not setting.doc.strip():
        yield f"setting {setting.name} is not documented"
    if setting.required and setting.default is not None:
        yield f"setting {setting.name} is required and has a default"


def _setting_faults(provider: Provider, settings: Mapping[str, object]) -> Iterator[str]:
    known = {setting.name for setting in provider.settings}
    yield from (f"no setting is named {name}" for name in settings if name not in known)
    missing = [setting.name for setting in provider.settings if setting.required and setting.name not in settings]
    yield from (f"the required setting {name} was not given" for name in missing)
    if any(len(secret) < 8 for secret in _secrets(provider, settings)):
        yield "give secrets of at least 8 characters"


def _connection_faults(provider: Provider, connection: Connection) -> Iterator[str]:
    if not connection.target.strip():
        yield "the connection does not name its target"
    for name in connection.checks:
        if not (_DOTTED.fullmatch(name) and name.startswith(f"{provider.name}.")):
            yield f"check {name!r} is not {provider.name}.check"
    yield from (f"action {name!r} is not neutral.verb" for name in connection.actions if not _DOTTED.fullmatch(name))


def _faults(name: str, finding: Finding) -> Iterator[str]:
    if finding.check != name:
        yield f"check {name} reports as {finding.check}"
    if not finding.summary.strip():
        yield f"check {name} says nothing"
    if finding.at.tzinfo is None:
        yield f"check {name} gives a time without zone"
    try:
        canonical(dict(finding.data))
    except (TypeError, ValueError) as error:
        yield f"check {name} gives data that is no JSON: {error}"


def _secrets(provider: Provider, settings: Mapping[str, object]) -> list[str]:
    """The secret values, and the passwords inside those that are URLs."""
    values = [str(settings[s.name]) for s in provider.settings if s.kind == "secret" and settings.get(s.name)]
    passwords = [password for value in values if (password := urlsplit(value).password)]
    return [*values, *passwords, *map(unquote, passwords)]
