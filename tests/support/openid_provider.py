"""An OpenID provider, by Authlib's own server: discovery, code flow with PKCE, signed ID tokens. On loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify, request
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "hutch", "a-client-secret-of-the-tests"


@dataclass
class Idp:
    """Who signs in there next, and what is wrong with its answers."""

    issuer: str = ""
    user: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}))
    signs_with: RSAKey | None = None
    issuer_in_token: str = ""
    audience: str = CLIENT
    nonce: str = ""
    codes: dict[str, Any] = field(default_factory=dict)


class Client(ClientMixin):
    client_id = CLIENT

    def __init__(self, back: str) -> None:
        self.back = back

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.back

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.back

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: dict[str, Any]
    nonce: str
    code_challenge: str
    code_challenge_method: str
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


def grants(idp: Idp, back: str) -> tuple[type, type]:
    """Authlib's grants, over what is kept here."""

    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            idp.codes[code] = Code(
                code, CLIENT, back, data["scope"], dict(idp.user), data["nonce"], data["code_challenge"],
                data["code_challenge_method"],
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return idp.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del idp.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return authorization_code.user

    class OpenID(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def get_authorization_code_claims(self, authorization_code: Code) -> dict[str, Any]:
            found = dict(super().get_authorization_code_claims(authorization_code))
            return {**found, "nonce": idp.nonce or authorization_code.nonce}

        def resolve_client_private_key(self, client: Any) -> RSAKey:
            return idp.signs_with or idp.key

        def get_client_algorithm(self, client: Any) -> str:
            return "RS256"

        def get_encode_header(self, client: Any) -> dict[str, Any]:
            return {"alg": "RS256", "kid": "one"}

        def get_client_claims(self, client: Any) -> dict[str, Any]:
            return {"iss": idp.issuer_in_token or idp.issuer, "aud": [idp.audience]}

        def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
            return UserInfo(user)

    return Grant, OpenID


def application(idp: Idp, back: str) -> Flask:
    code, openid = grants(idp, back)
    app = Flask("idp")
    server = AuthorizationServer(app, query_client=lambda _: Client(back), save_token=lambda *_: None)
    server.register_grant(code, [openid(require_nonce=True), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return jsonify({"issuer": idp.issuer, **{k: f"{idp.issuer}/{v}" for k, v in places.items()}})

    @app.get("/keys")
    def keys() -> Response:
        return jsonify({"keys": [idp.key.as_dict(private=False)]})

    @app.get("/authorize")
    def authorize() -> Any:
        assert request.args["client_id"] == CLIENT
        grant = server.get_consent_grant(end_user=idp.user)
        return server.create_authorization_response(grant_user=idp.user, grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    return app


@contextmanager
def openid_provider(back: str, port: int = 0) -> Iterator[Idp]:
    """A provider that leads back to that address."""
    idp = Idp()
    server = make_server("127.0.0.1", port, application(idp, back), threaded=True)
    idp.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="idp")
    thread.start()
    try:
        yield idp
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
