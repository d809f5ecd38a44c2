"""``hutch doctor`` names the right that is missing, whatever the service is configured with; nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from click.testing import CliRunner

from hutch.cli.main import cli

SECRET = "denied-secret-0451"
DENIED = (
    b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>of denied-secret-0451</Message></Error></ErrorResponse>"
)
S3 = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


class Shut(BaseHTTPRequestHandler):
    """Answers whoever asks, in the form that he understands, that he may not."""

    asked: ClassVar[list[str]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(f"{self.command} {self.path} {body!r}")
        status, kind, said = self._judged(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_HEAD = _answer

    def _judged(self, body: bytes) -> tuple[int, str, bytes]:
        if "graphql" in self.path:
            return 200, "application/json", json.dumps({"errors": [{"message": "Not Authorized"}]}).encode()
        if self.path.startswith(("/v6", "/v9", "/v7", "/api/", "/rest/")):
            return 403, "application/json", b'{"error": {"code": "forbidden", "message": "no"}}'
        if "X-Amz-Target" in self.headers:
            return 400, "application/x-amz-json-1.1", b'{"__type": "AccessDeniedException", "message": "no"}'
        if "shop-backups" in self.path:
            return 403, "application/xml", S3
        return 403, "text/xml", DENIED


@pytest.fixture
def shut() -> Iterator[str]:
    Shut.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Quiet", (Shut,), {"log_message": lambda *_: None}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def configured(address: str, folder: Path) -> dict[str, Any]:
    secret = {"env": "DENIED"}
    amazon = {"region": "eu-central-1", "endpoint": address, "access_key_id": secret, "secret_access_key": secret}
    return {
        "ecs": {**amazon, "cluster": "shop", "service": "web"},
        "aws": {**amazon, "database": "web", "bucket": "shop-backups"},
        "cloudwatch": {**amazon, "metrics": {"db_cpu": "AWS/RDS CPUUtilization Average DBInstanceIdentifier=web"}},
        "railway": {
            "project": "p",
            "environment": "e",
            "service": "s",
            "token": secret,
            "url": f"{address}/graphql/v2",
        },
        "vercel": {"project": "p", "token": secret, "url": address, "logs_url": address},
        "supabase": {"project": "p", "key": secret, "url": address},
        "prometheus": {"url": address, "token": secret},
        "files": {"paths": [str(folder / "none-*.log")]},
        "git": {"repository": str(folder / "clone")},
    }


NAMED = {
    "ecs.tasks": "ecs:DescribeServices: the key has not the right to it (AccessDeniedException)",
    "ecs deploy.list": "ecs:ListServiceDeployments: the key has not the right to it",
    "ecs logs.search": "ecs:DescribeServices: the key has not the right to it",
    "aws.database": "rds:DescribeDBInstances: the key has not the right to it (AccessDenied)",
    "aws.bucket": "s3:ListBucket: the key has not the right to it (AccessDenied)",
    "aws.bucket_versioning": "s3:GetBucketVersioning: the key has not the right to it (AccessDenied)",
    "cloudwatch.reachable": "cloudwatch:GetMetricData: the key has not the right to it",
    "railway.deployment": "cannot list the deployments: the token has not the right to it, or has expired",
    "railway logs.search": "cannot list the deployments: the token has not the right to it, or has expired",
    "vercel deploy.list": "the token has not the right to it",
    "supabase.rest": "the key is wrong, was revoked, or has not the right to /rest/v1/",
    "prometheus.reachable": "the token is wrong, has expired, or has not the right to query",
    "files.readable": "no file is there",
    "git.repository": "dubious ownership",
}
GUIDES = {"cloudwatch": "alerts", "prometheus": "alerts", "files": "platforms", "git": "platforms"}


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_the_missing_right_of_every_provider_is_named(
    shut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "clone")], check=True)
    for path in (tmp_path / "clone", tmp_path / "clone/.git"):
        os.chown(path, 65534, 65534)
    (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"services": {"web": configured(shut, tmp_path)}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DENIED", SECRET)
    monkeypatch.setattr("hutch.remote.FIRST_WAIT", 0.01)
    done = CliRunner().invoke(cli, ["doctor", "--json"])
    assert done.exit_code == 3 and SECRET not in done.output
    points = {row["what"]: row for row in json.loads(done.stdout) if row["area"] == "web"}
    for what, said in NAMED.items():
        provider = what.replace(".", " ").split()[0]
        assert said in points[what]["said"], points[what]
        assert f"docs/guide/{GUIDES.get(provider, provider)}.md" in points[what]["todo"], points[what]
    changing = ("UpdateService", "ModifyDB", "PUT ", "DELETE ", "mutation", "/rollback/", "/promote")
    assert not [line for line in Shut.asked if any(word in line for word in changing)]
