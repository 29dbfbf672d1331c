"""A backend's server as a child process: what ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mlxk_rules.loaders import BackendServer, Job

HELLO = Path(__file__).parents[2] / "models" / "hello"


async def ends_when_asked(**more: object) -> bool:
    import httpx2

    server = await BackendServer.start(Job("mlx_lm", str(HELLO), None, "llama"), 60)
    try:
        body = {"model": server.folder, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3, **more}
        try:
            await server.client.post("/v1/chat/completions", json=body, timeout=20)
        except httpx2.RemoteProtocolError:
            await asyncio.wait_for(server.died(), 10)
        return not server.is_alive
    finally:
        await server.end()


@pytest.mark.slow
def test_it_ends_with_the_thread_that_answers() -> None:
    """mlx-lm would go on listening, and answer that its thread died, for good: by a `stop` that `serve` refuses."""
    assert asyncio.run(ends_when_asked(stop=[5]))
    assert not asyncio.run(ends_when_asked())
