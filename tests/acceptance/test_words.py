"""The story of an update and a page by the command line alone, over a real mail server and a real receiver."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from sinks import hook, mailbox

HUTCH = str(Path(sys.executable).with_name("hutch"))

CONFIG = """
services: {{shop: {{http: {{url: "http://127.0.0.1:9"}}}}}}
people: {{anna: {{channels: [anna-phone]}}}}
oncall:
  primary: {{zone: Europe/Berlin, rotations: [{{people: [anna], starts: 2026-01-05 09:00}}]}}
escalation:
  SEV-1: [{{page: [primary]}}]
notify:
  channels:
    anna-phone: {{kind: webhook, url: "{hook}", networks: [127.0.0.0/8]}}
    customers: {{kind: mail, audience: customers, server: "127.0.0.1:{port}", security: none, sender: h@example.com,
                 to: [news@example.com]}}
"""


async def hutch(folder: Path, *words: str, code: int = 0) -> str:
    env = {**os.environ, "HUTCH_ACTOR": "olivia", "HUTCH_NO_INPUT": "1"}
    process = await asyncio.create_subprocess_exec(
        HUTCH, "--config", str(folder / "hutch.yaml"), *words, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == code, (words, out.decode(), err.decode())
    return out.decode() if not code else err.decode()


async def asked(folder: Path, *words: str) -> Any:
    return json.loads(await hutch(folder, *words, "--json"))


async def test_an_update_leaves_by_mail_when_a_person_sends_it(tmp_path: Path) -> None:
    async with mailbox() as box, hook() as phone:
        (tmp_path / "hutch.yaml").write_text(CONFIG.format(port=box.port, hook=phone.url))
        assert (await asked(tmp_path, "oncall", "show"))[0]["who"] == "anna"
        assert (await asked(tmp_path, "notify", "test", "anna-phone"))["delivered"] is True
        incident = (await asked(tmp_path, "incident", "declare", "Checkout is down", "--severity", "SEV-1"))["id"]
        update = ("incident", "update", incident, "--audience", "customers", "--template", "investigating")
        said = await hutch(tmp_path, *update, "--send", code=3)
        assert "left to be filled in" in said
        given = ("--set", "affected=All users", "--set", "ending=More in 30 minutes.")
        said = await hutch(
            tmp_path, *update, *given, "--set", "affected=All, as bob@example.com says", "--send", code=3
        )
        assert "a mail address (bo…om)" in said
        seen = await asked(tmp_path, *update, *given)
        assert (seen["found"], seen["slots"], seen["channels"]) == ([], [], ["customers"])
        sent = await asked(tmp_path, *update, *given, "--send", "--digest", seen["digest"])
        assert sent["sent"] is True
        words = [HUTCH, "--config", str(tmp_path / "hutch.yaml"), "worker"]
        worker = await asyncio.create_subprocess_exec(*words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            async with asyncio.timeout(30):
                while not box.mails or len(phone.got) < 2:
                    await asyncio.sleep(0.05)
        finally:
            worker.terminate()
            await worker.wait()
        (mail,) = box.mails
        assert str(mail["Subject"]).startswith("[INVESTIGATING] Service Outage")
        assert "Affected: All users" in mail.get_content()
        assert [g.body["title"] for g in phone.got][1] == f"[SEV-1] Checkout is down ({incident})"
        told = [e["text"] for e in await asked(tmp_path, "incident", "timeline", incident)]
        assert "Update posted for customers: INVESTIGATING" in told
        assert "Message delivered by customers" in told
