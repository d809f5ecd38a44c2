"""The bare thing beside Hutch's live pages: server-sent events of the same framework, from a queue a client.

``uvicorn`` serves it in a process of its own: ``GET /events`` listens, ``POST /told`` gives every listener one frame.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from starlette.responses import StreamingResponse

app = FastAPI()
listeners: set[asyncio.Queue[str]] = set()


@app.get("/events")
async def events() -> StreamingResponse:
    """Every frame from now on."""

    async def frames() -> AsyncIterator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        listeners.add(queue)
        try:
            yield "event: hello\ndata: {}\n\n"
            while True:
                yield await queue.get()
        finally:
            listeners.discard(queue)

    return StreamingResponse(frames(), media_type="text/event-stream")


@app.post("/told")
async def told() -> dict[str, int]:
    """One frame for each."""
    text = f"event: change\ndata: {json.dumps({'stream': 'incident:INC-2026-001', 'kind': 'note.added'})}\n\n"
    for queue in listeners:
        queue.put_nowait(text)
    return {"listeners": len(listeners)}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
