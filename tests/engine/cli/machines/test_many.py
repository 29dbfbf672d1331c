"""Sixteen, sixty-four and odd numbers of machines, of a stand-in of a large model: what is decided, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders import Probed, Workers, request_of
from mlxk_rules.loaders.machines.hostfile import Host, Hosts
from mlxk_rules.loaders.machines.machine import Machine
from mlxk_rules.loaders.machines.machine_facts import of_hosts

from ....loaders.ring.models import model

GB = 1 << 30
WELL = Machine(64 * GB, None, "cpu", "0.32.4", "0.32.2")
SMALL, OLD, UNKNOWN = WELL._replace(total_bytes=1 << 18), WELL._replace(mlx_lm="0.31.0"), Machine(reason="not asked")
LAYERS = HEADS = 64
SIZES = {
    "num_attention_heads": HEADS,
    "num_key_value_heads": HEADS,
    "hidden_size": 128,
    "head_dim": 2,
    "intermediate_size": 128,
}

# How many machines, which split is wanted, what the last of them is, which split it is, which gate decides.
ROWS: list[tuple[int, str | None, Machine, str | None, str]] = [
    (16, None, WELL, "tensor", "text"),
    (64, None, WELL, "tensor", "text"),
    (16, "pipeline", WELL, "pipeline", "text"),
    (64, "pipeline", WELL, "pipeline", "text"),
    (48, None, WELL, "pipeline", "text"),  # which the heads do not divide, and the layers may
    (48, "tensor", WELL, "tensor", "machines-refused"),
    (65, "pipeline", WELL, "pipeline", "machines-refused"),  # more ranks than layers
    (65, None, WELL, "tensor", "machines-refused"),
    (16, None, SMALL, "tensor", "machines-too-large"),
    (64, "pipeline", SMALL, "pipeline", "machines-too-large"),
    (64, None, OLD, "tensor", "machines-mlx-lm"),
    (64, None, UNKNOWN, "tensor", "machines-unknown"),
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's facts on one machine, and what mlx-lm says of each number of ranks, asked at once."""
    folder = model(tmp_path_factory.mktemp("models") / "large", "qwen2", LAYERS, **SIZES)
    probed = Probed.of(str(folder), request_of())
    with Workers() as workers:
        facts = probed.rehearsed(probed.facts(), workers=workers)
        return facts, probed.split(facts, tuple(sorted({row[0] for row in ROWS})), "cpu", workers)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.load()


@pytest.mark.parametrize(("count", "wanted", "last", "split", "gate"), ROWS)
def test_what_is_decided(
    count: int, wanted: str | None, last: Machine, split: str, gate: str, asked: Any, policy: Policy
) -> None:
    facts, answer = asked
    hosts = Hosts("hosts.json", "ring", (), tuple(Host(f"mac{number}.local") for number in range(count)))
    found = {**facts, "machines": of_hosts(hosts, [*[WELL] * (count - 1), last], wanted, True, answer)}
    trace = policy.explain(found)
    assert (found["machines"]["split"], trace.decision.gate) == (split, gate), trace.decision.message
    if not trace.decision.allowed:
        return
    weights = [row["weights_bytes"] for row in found["machines"]["hosts"]]
    whole, rest = found["weights"]["mlx_lm"]["size_bytes"], _outside_of_layers(found)
    assert len(weights) == count and sum(weights) >= whole
    if split == "tensor":  # each has all that is in no layer, and its part of every layer but norms
        assert len(set(weights)) == 1 and rest < weights[0] < rest + 1.2 * (whole - rest) / count
    else:  # of layers that do not divide, the low ranks have one more
        assert weights == sorted(weights, reverse=True) and len(set(weights)) == 1 + bool(LAYERS % count)


def _outside_of_layers(found: Any) -> int:
    return (Path(found["model"]["path"]) / "model-rest.safetensors").stat().st_size - 1000
