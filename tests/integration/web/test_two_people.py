"""What loses data asks for two people who signed in, where the policy says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guarded import Guarded, guarded
from hutch.commands import runs
from hutch.commands.context import CommandError
from hutch.commands.respond import run_document
from hutch.model.access import AccessRole
from hutch.model.effect import Effect
from hutch.model.run import ChangeState, Run

DOCUMENT = """# Shop

## Trouble

### Detection

```bash
echo well
```

### Resolution

**Option 1: Take it away**

```bash {"hutch.effect":"destroy"}
mkdir gone
```
"""

POLICY = "approvals: [{effect: destroy, approvers: 2, signed_in: true}]\naccess: {required: true}\n"


async def offered(hutch: Guarded) -> tuple[Run, str]:
    run = await run_document(hutch.context, "trouble#trouble", "shop", actor="test", binds={"mkdir": "as-is"})
    for _ in range(400):
        run = await runs.load(hutch.context, run.id)
        if waiting := run.in_state(ChangeState.OFFERED):
            return run, waiting[0].option.id
        await asyncio.sleep(0.05)
    raise AssertionError(run)


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("on_store")
async def test_two_different_people_who_signed_in(tmp_path: Path) -> None:
    async with guarded(tmp_path, POLICY, document=DOCUMENT) as hutch:
        await hutch.account("ada", AccessRole.COMMANDER)
        await hutch.account("bob", AccessRole.COMMANDER)
        await hutch.account("rita", AccessRole.RESPONDER)
        run, option = await offered(hutch)
        chosen = run.option(option)
        assert chosen and chosen.option.effect is Effect.DESTROY and chosen.needed == 2 and chosen.signed_in
        body = {"option": option, "digest": chosen.digest}
        place = f"/api/v1/runs/{run.id}/approval"
        with pytest.raises(CommandError, match="counts only approvals of people who signed in"):
            await runs.approve(hutch.context, run.id, option, "ada")  # a name on the command line
        rita, ada, by_token, bob = (
            await hutch.client("rita"), await hutch.client("ada"), await hutch.token("ada"), await hutch.client("bob"),
        )  # fmt: skip
        assert (await rita.ask("POST", place, json=body)).status == 403  # a responder approves no loss of data
        assert (await ada.ask("POST", place, json={**body, "actor": "bob"})).status == 200
        again = await by_token.ask("POST", place, json=body)  # the same person by another way
        assert again.status == 409 and "ada approved" in again.text
        assert not (await runs.load(hutch.context, run.id)).in_state(ChangeState.APPROVED)
        assert (await bob.ask("POST", place, json=body)).status == 200
        granted = await hutch.context.store.since("approval.granted", run.started_at)
        assert [(e.actor, e.data["signed_in"]) for e in granted] == [("ada", True), ("bob", True)]
