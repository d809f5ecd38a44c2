"""A stand-in for the ECS API of AWS, as far as one service needs it: JSON 1.1 over HTTP on the loopback address.

A rollout takes a few looks: each ``DescribeServices`` lets it go one step. Of releases in ``bad`` no task stays,
and the circuit breaker gives them up. ``faults`` make the next call of a verb end as AWS, or the net, ends it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STEPS = 2
WAITS = {"lost": 0.0, "never": 0.0, "slow": 1.0}
"""Seconds after which the connection is cut without an answer."""
ODD: dict[str, Any] = {
    "empty service": {"services": [{}]},
    "no list": {"services": "web", "serviceDeployments": "d1", "taskArns": 7},
    "empty rollout": {"services": [{"deployments": [{}]}]},
    "empty deployment": {"serviceDeployments": [{}]},
    "no times": {"serviceDeployments": [{"serviceDeploymentArn": "d1", "createdAt": "never"}]},
    "empty revision": {"serviceRevisions": [{}]},
    "empty task": {"tasks": [{}], "taskArns": ["arn"]},
}
"""Answers that are JSON, and not what was asked for."""
BODIES = {"garbled": b"<html>not what was asked for</html>"} | {n: json.dumps(v).encode() for n, v in ODD.items()}
ARN = "arn:aws:ecs:eu-central-1:123456789012:"
FAULTS: dict[str, tuple[int, str, str]] = {
    "throttled": (400, "ThrottlingException", "Rate exceeded"),
    "denied": (400, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized"),
    "expired": (400, "ExpiredTokenException", "The security token SECRET-TOKEN-IN-A-MESSAGE is expired"),
    "broken": (500, "ServerException", "Service Unavailable"),
}


class World:
    """The service ``web`` in the cluster ``shop``; ``calls`` are the verbs that were asked, in order."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: list[str] = []
        self.faults: list[tuple[str, str]] = []
        self.bad: set[str] = set()
        self.stopped: list[dict[str, Any]] = []
        self.active = {f"web:{n}" for n in range(40, 44)}
        self.page = 2
        self.wanted, self.step, self.steps = 2, STEPS, STEPS
        self.after_update: list[tuple[str, str]] = []
        self.history: list[dict[str, Any]] = []
        self.rollouts: list[dict[str, Any]] = []
        self.number = 0
        self.sizes = dict.fromkeys(self.active, ("256", "512"))
        self.containers: dict[str, Any] = {"dockerLabels": {"a": "b"}}
        self.registered: list[dict[str, Any]] = []
        for release in ("web:41", "web:42"):
            self.begin(release)
            self.finish("SUCCESSFUL")

    # -------------------------------------------------------------- what happens

    def begin(self, release: str) -> None:
        """A deployment begins."""
        self.number += 1
        self.step = 0
        for old in self.rollouts:
            old["status"] = "ACTIVE"
        row = {"id": f"ecs-svc/{self.number}", "status": "PRIMARY", "taskDefinition": f"{ARN}task-definition/{release}",
               "desiredCount": self.wanted, "runningCount": 0, "rolloutState": "IN_PROGRESS",
               "createdAt": time.time()}  # fmt: skip
        self.rollouts = [row, *self.rollouts[:1]]
        self.history.append({"n": self.number, "release": release, "at": time.time() + self.number / 1000,
                             "status": "IN_PROGRESS", "reason": ""})  # fmt: skip

    def finish(self, status: str, reason: str = "") -> None:
        """The deployment under way ends."""
        primary = self.rollouts[0]
        self.history[-1] |= {"status": status, "reason": reason}
        if status == "SUCCESSFUL":
            primary |= {"runningCount": self.wanted, "desiredCount": self.wanted, "rolloutState": "COMPLETED"}
            self.rollouts = [primary]
        else:
            primary |= {"rolloutState": "FAILED", "rolloutStateReason": reason}
        self.step = self.steps

    def tick(self) -> None:
        """One step of the deployment that goes on."""
        primary = self.rollouts[0]
        if primary["rolloutState"] == "COMPLETED":
            primary["desiredCount"] = self.wanted
            primary["runningCount"] += (self.wanted > primary["runningCount"]) - (self.wanted < primary["runningCount"])
        elif primary["rolloutState"] == "IN_PROGRESS":
            self.step += 1
            bad = _name(primary["taskDefinition"]) in self.bad
            if self.step >= self.steps:
                reason = "ECS deployment circuit breaker: tasks failed to start."
                self.finish("ROLLBACK_FAILED", reason) if bad else self.finish("SUCCESSFUL")
            elif not bad:
                primary["runningCount"] = 1

    # -------------------------------------------------------------- verbs

    def answer(self, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
        """What AWS answers; ``LookupError`` with its code and message where it refuses."""
        found: dict[str, Any] = getattr(self, f"on_{verb}")(asked)
        return found

    def on_DescribeServices(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["services"] != ["web"]:
            return {"services": [], "failures": [{"reason": "MISSING"}]}
        self.tick()
        running = sum(r["runningCount"] for r in self.rollouts[:1])
        return {"services": [{"serviceName": "web", "status": "ACTIVE", "desiredCount": self.wanted,
                              "runningCount": running, "deployments": self.rollouts}]}  # fmt: skip

    def on_ListTasks(self, asked: dict[str, Any]) -> dict[str, Any]:
        rows = self.stopped if asked["desiredStatus"] == "STOPPED" else self._running()
        return {"taskArns": [row["taskArn"] for row in rows]}

    def on_DescribeTasks(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"tasks": [row for row in (*self.stopped, *self._running()) if row["taskArn"] in asked["tasks"]]}

    def on_ListServiceDeployments(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Two a page, the newest first: so pages are followed."""
        rows, start, wide = self.history[::-1], int(asked.get("nextToken", "0")), self.page
        page = [
            {"serviceDeploymentArn": f"{ARN}service-deployment/shop/web/d{row['n']}", "createdAt": row["at"],
             "startedAt": row["at"], "finishedAt": row["at"] + 1, "status": row["status"],
             "statusReason": row["reason"], "targetServiceRevisionArn": f"{ARN}service-revision/{row['release']}"}
            for row in rows[start : start + wide]
        ]  # fmt: skip
        return {"serviceDeployments": page, **({"nextToken": str(start + wide)} if start + wide < len(rows) else {})}

    def on_DescribeServiceRevisions(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert len(asked["serviceRevisionArns"]) <= 20
        return {"serviceRevisions": [
            {"serviceRevisionArn": arn, "taskDefinition": f"{ARN}task-definition/{_name(arn)}"}
            for arn in asked["serviceRevisionArns"]
        ]}  # fmt: skip

    def on_DescribeTaskDefinition(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = _name(asked["taskDefinition"])
        if name not in self.sizes and name not in self.active:
            raise LookupError("ClientException", "Unable to describe task definition.")
        tags = [{"key": "team", "value": "shop"}] if "TAGS" in asked.get("include", []) else []
        return {"taskDefinition": self._definition(name), "tags": tags}

    def _definition(self, name: str) -> dict[str, Any]:
        sizes = dict(zip(("cpu", "memory"), self.sizes.get(name, ()), strict=False))
        return {"taskDefinitionArn": f"{ARN}task-definition/{name}", "family": "web", "revision": int(name[4:]),
                "status": "ACTIVE" if name in self.active else "INACTIVE", "compatibilities": ["EC2", "FARGATE"],
                "requiresCompatibilities": ["FARGATE"], "registeredBy": "arn:aws:iam::1:user/x", **sizes,
                "containerDefinitions": [{"name": "app", "image": f"web:v{name[4:]}", **self.containers}]}  # fmt: skip

    def on_RegisterTaskDefinition(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The newest revision and one more; what only AWS says of a revision is no argument (boto3 looks too)."""
        self.registered.append(asked)
        name = f"web:{max(int(known[4:]) for known in self.active) + 1}"
        self.active.add(name)
        self.sizes[name] = (asked["cpu"], asked["memory"])
        return {"taskDefinition": self._definition(name), "tags": asked.get("tags", [])}

    def on_UpdateService(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "desiredCount" in asked:
            self.wanted = asked["desiredCount"]
        if "taskDefinition" in asked or asked.get("forceNewDeployment"):
            self.begin(_name(asked.get("taskDefinition") or self.rollouts[0]["taskDefinition"]))
        self.faults += self.after_update
        self.after_update.clear()
        return {"service": {"serviceName": "web"}}

    def _running(self) -> list[dict[str, Any]]:
        return [
            {"taskArn": f"{ARN}task/shop/{r['id'][8:]}abc{n}", "taskDefinitionArn": r["taskDefinition"],
             "lastStatus": "RUNNING", "startedAt": r["createdAt"]}
            for r in self.rollouts for n in range(r["runningCount"])
        ]  # fmt: skip


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


@contextmanager
def serving(world: World) -> Iterator[str]:
    """The address at which it answers."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            verb = self.headers["X-Amz-Target"].partition(".")[2]
            with world.lock:
                world.calls.append(verb)
                fault = next((f for f in world.faults if f[0] == verb), None)
                if fault:
                    world.faults.remove(fault)
                status, said = self._judged(verb, json.loads(body), fault[1] if fault else "")
            if fault and fault[1] in WAITS:
                time.sleep(WAITS[fault[1]])
                self.close_connection = True
                self.connection.close()
                return
            self._send(status, said)

        def _judged(self, verb: str, asked: dict[str, Any], fault: str) -> tuple[int, bytes]:
            if fault in BODIES:
                return 200, BODIES[fault]
            if fault in FAULTS:
                status, code, message = FAULTS[fault]
                return status, json.dumps({"__type": code, "message": message}).encode()
            if fault == "never":
                return 0, b""
            try:
                return 200, json.dumps(world.answer(verb, asked)).encode()
            except LookupError as error:
                return 400, json.dumps({"__type": error.args[0], "message": error.args[1]}).encode()

        def _send(self, status: int, said: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
