"""Signing in by an OpenID provider: the code flow with PKCE, by Authlib. What the provider says is checked as OpenID
Connect Core 3.1.3.7 asks; only signatures with a public key count."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from hutch.commands.access import audit, people, signin
from hutch.commands.access.digests import fresh
from hutch.commands.context import CommandError, Context
from hutch.model.access import AccessRole, Grants
from hutch.model.accessing import OpenID, granted, is_loopback
from hutch.model.accounts import Account

SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""What an ID token may be signed with: nothing that needs a shared secret, and not nothing."""

TIMEOUT = 10
"""Seconds that the provider may take for an answer."""

GOOD_FOR = timedelta(minutes=10)
"""How long somebody may take at the provider."""

MOST = 1000
"""Sign-ins under way at a time."""

LEEWAY = 60
"""Seconds by which the provider's clock may be off."""


class ProviderAway(signin.NotIn):
    """The provider did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: where the browser goes, and what must come back."""

    address: str
    state: str
    nonce: str
    verifier: str
    place: str
    until: datetime


@dataclass(slots=True)
class Provider:
    """The configured provider. ``back`` is the address that it leads back to."""

    config: OpenID
    secret: str
    back: str
    _known: dict[str, Any] = field(default_factory=dict)

    def begin(self, place: str, now: datetime) -> Begun:
        """Where to send the browser. Blocks. Raises :class:`ProviderAway`."""
        verifier, nonce = secrets.token_urlsafe(48), fresh()
        with self._session() as session:
            where = self._discovered(session)["authorization_endpoint"]
            address, state = session.create_authorization_url(where, code_verifier=verifier, nonce=nonce)
        return Begun(address, state, nonce, verifier, place, now + GOOD_FOR)

    def finish(self, begun: Begun, query: str) -> Mapping[str, Any]:
        """Who came back, by the checked claims of the ID token. Blocks. Raises :class:`ProviderAway`."""
        try:
            with self._session(begun.state) as session:
                where = self._discovered(session)
                answer = session.fetch_token(
                    where["token_endpoint"],
                    authorization_response=f"{self.back}?{query}",
                    code_verifier=begun.verifier,
                    timeout=TIMEOUT,
                )
                keys = KeySet([JWKRegistry.import_key(key) for key in _answer(session, where["jwks_uri"])["keys"]])
            return self._checked(answer, keys, begun.nonce)
        except (OSError, AuthlibBaseError, JoseError, LookupError, ValueError) as error:
            raise ProviderAway(f"The provider's answer is no proof of who you are ({type(error).__name__}).") from error

    def _checked(self, answer: Mapping[str, Any], keys: KeySet, nonce: str) -> Mapping[str, Any]:
        token = jwt.decode(answer["id_token"], keys, algorithms=SIGNATURES)
        options = {
            "iss": {"essential": True, "value": self.config.issuer},
            "aud": {"essential": True, "value": self.config.client},
            "sub": {"essential": True},
        }
        params = {"nonce": nonce, "client_id": self.config.client, "access_token": answer.get("access_token")}
        claims = CodeIDToken(token.claims, token.header, options, params)
        claims.validate(leeway=LEEWAY)
        return dict(claims)

    def _session(self, state: str = "") -> OAuth2Session:
        return OAuth2Session(
            self.config.client, self.secret, scope=self.config.scopes, redirect_uri=self.back, state=state or None,
            code_challenge_method="S256",
        )  # fmt: skip

    def _discovered(self, session: OAuth2Session) -> dict[str, Any]:
        """The discovery document; its issuer must be the configured one, and its places https beyond loopback."""
        if not self._known:
            try:
                found = _answer(session, self.config.issuer.rstrip("/") + "/.well-known/openid-configuration")
                places = [found[k] for k in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
            except (OSError, LookupError, ValueError, TypeError) as error:
                raise ProviderAway(f"The provider cannot be asked ({type(error).__name__}): try again.") from error
            if found.get("issuer") != self.config.issuer or not all(map(_safe, places)):
                raise ProviderAway("The provider says that it is another one than configured.")
            self._known = found
        return self._known


def _answer(session: OAuth2Session, address: str) -> dict[str, Any]:
    answer = session.request("GET", address, withhold_token=True, timeout=TIMEOUT)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


class Pending:
    """Sign-ins under way in this process, each bound to the browser that began it."""

    def __init__(self) -> None:
        self._kept: dict[str, Begun] = {}

    def keep(self, begun: Begun, now: datetime) -> str:
        """What the browser keeps of it."""
        self._kept = {k: b for k, b in list(self._kept.items())[-MOST:] if b.until > now}
        key = fresh()
        self._kept[key] = begun
        return key

    def take(self, key: str, state: str, now: datetime) -> Begun | None:
        """The one that this browser began, once."""
        found = self._kept.pop(key, None)
        fits = found is not None and found.until > now and secrets.compare_digest(found.state, state)
        return found if fits else None


async def come(context: Context, claims: Mapping[str, Any], *, address: str, label: str) -> str:
    """The id of a session of whoever the claims are. Raises :class:`hutch.commands.access.signin.NotIn`."""
    openid = context.config.access.openid
    assert openid is not None
    name, groups = str(claims.get(openid.name_claim, "")).strip().lower(), claims.get(openid.group_claim, [])
    role, grants = granted(openid, [str(g) for g in groups] if isinstance(groups, list) else [])
    if role is None and not grants:
        await signin.refused(context, name[:64], "no group of theirs has a role", address)
        raise signin.NotIn("None of your groups has a role here: ask an admin.")
    account = await _account(context, f"{claims['iss']} {claims['sub']}", name, role, grants, address)
    if account.disabled:
        await signin.refused(context, account.name, "disabled", address)
        raise signin.NotIn(signin.WRONG)
    return await signin.begin(context, account, "openid", address=address, label=label)


async def _account(
    context: Context, subject: str, name: str, role: AccessRole | None, grants: Grants, address: str
) -> Account:
    """Theirs, with the roles that their groups give now; a new one where they have none."""
    accounts = audit.accounts(context)
    found = await accounts.of_subject(subject)
    if found is None and (named := await accounts.named(name)):
        if named.password or named.subject:
            await signin.refused(context, name, "the name belongs to another account", address)
            raise signin.NotIn("There is an account of your name that is not linked to you: ask an admin.")
        await audit.record(context, "account.linked", "openid", who=name)
        found = named
    if found is None:
        found = await people.add(context, name, None, "", "openid", subject)
    changed = replace(found, role=role, grants=grants, subject=subject)
    if changed != found:
        told = {"who": found.name, "role": role.value if role else "none", "services": sorted(grants)}
        await audit.record(context, "account.changed", "openid", **told)
        await accounts.put(changed)
        await accounts.end_sessions(found.name)
    return changed


def provider_of(context: Context) -> Provider | None:
    """The provider that is configured. Raises :class:`hutch.commands.context.CommandError` without its secret."""
    access = context.config.access
    if access.openid is None:
        return None
    try:
        secret = context.secrets.resolve(access.openid.secret)
    except LookupError as error:
        raise CommandError(f"access.openid.secret: {error.args[0]}", 2) from error
    return Provider(access.openid, secret, f"{access.url}/openid/back")


async def begin(provider: Provider, place: str, now: datetime) -> Begun:
    """See :meth:`Provider.begin`, in a thread."""
    return await asyncio.to_thread(provider.begin, place, now)


async def finish(provider: Provider, begun: Begun, query: str) -> Mapping[str, Any]:
    """See :meth:`Provider.finish`, in a thread."""
    return await asyncio.to_thread(provider.finish, begun, query)
