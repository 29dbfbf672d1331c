"""What a backend is asked of a model before a request is decided on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.serve.asked.adapters import Adapters
from mlxk_rules.engine.cli.serve.asked.catalogue import Catalogue
from mlxk_rules.engine.cli.serve.asked.request_body import Asked
from mlxk_rules.engine.cli.serve.deciding import Decided, Decider
from mlxk_rules.loaders.dry_run.worker import Worker

from ...command_line import HELLO, ROOT


@pytest.mark.slow
def test_of_several_models_a_backend_is_asked_by_one_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Worker] = []
    start = Worker._start

    def counted(self: Worker) -> None:
        begun.append(self)
        start(self)

    async def at_once(work: Callable[..., Any], *given: Any) -> Any:
        return work(*given)

    monkeypatch.setattr(Worker, "_start", counted)
    monkeypatch.setattr(asyncio, "to_thread", at_once)  # the next is answered before anything else is let run
    folders = [shutil.copytree(ROOT / HELLO, tmp_path / name) for name in "abcd"]
    (folders[-1] / "config.json").write_text("{")  # of which nobody is asked, while the children wait for it
    catalogue = Catalogue(tuple(map(str, folders)), only=True)
    policy = Policy.load()

    async def decided() -> list[Decided]:
        decider = Decider(catalogue, Adapters(()))
        asked = [Asked(name, "", {}, False, False, None, 99, False, False, ()) for name in "abcd"]
        return await asyncio.gather(*(decider.decide(catalogue.find(one.model), one, policy) for one in asked))

    *taken, refused = asyncio.run(decided())
    assert refused.facts["dry_run"]["mlx_lm"]["status"] == "not_done"
    for one in taken:
        assert one.decision.allowed and one.facts["dry_run"]["mlx_lm"]["status"] == "ok"
    assert len(begun) == len({worker.backend for worker in begun}) > 0
    assert all(worker._process is None for worker in begun), "none waits for another question"
