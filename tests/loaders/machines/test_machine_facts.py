"""The facts of several machines, of what mlx-lm said and of what each of them has."""

from __future__ import annotations

from typing import Any

import pytest
from mlxk_rules.loaders.machines import machine_facts, one_machine
from mlxk_rules.loaders.machines.hostfile import Host, Hosts
from mlxk_rules.loaders.machines.machine import Machine

CACHE = {"fixed_bytes": 1, "parts": [{"bytes_per_token": 2, "step_tokens": 1, "max_tokens": None}]}
PROMPT = {"fixed_bytes": 0, "bytes_per_token": 3, "bytes_per_pair": 0}
MACHINE = Machine(100, 90, "cpu", "0.32.4", "0.32.2")


def rank(weights: int, **other: Any) -> dict[str, Any]:
    return {"weights_bytes": weights, "peak_bytes": weights, "cache": CACHE, "prompt": PROMPT, **other}


def way(*ranks: dict[str, Any], refused: str | None = None, uneven: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"refused": refused, "uneven": list(uneven), "ranks": list(ranks)}


def facts(
    names: str,
    tensor: Any = None,
    pipeline: Any = None,
    *,
    wanted: str | None = None,
    index: bool = True,
    machines: tuple[Machine, ...] | None = None,
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The facts of hosts whose names are one letter each, of one way by tensor and one by pipeline."""
    count = str(len(names))
    said = {"tensor": tensor and {count: tensor}, "pipeline": pipeline and {count: pipeline}}
    hosts = Hosts("H", "ring", (), tuple(map(Host, names)))
    answer = {"status": "ok", "reason": None, "shares": said}
    return machine_facts.of_hosts(hosts, machines or (MACHINE,) * len(names), wanted, index, answer, more)


CHOICES = [
    ("both work: mlx-lm's own choice", way(rank(5)), way(rank(6), rank(7)), None, True, "tensor"),
    ("tensor is refused", way(refused="no"), way(rank(6), rank(7)), None, True, "pipeline"),
    ("tensor is uneven", way(rank(5), uneven=("n_heads 3",)), way(rank(6), rank(7)), None, True, "pipeline"),
    ("tensor is refused, and there is no index", way(refused="no"), way(rank(6), rank(7)), None, False, "tensor"),
    ("both are refused", way(refused="no"), way(refused="nor"), None, True, "tensor"),
    ("only pipeline", None, way(rank(6), rank(7)), None, False, "pipeline"),
    ("pipeline is wanted", way(rank(5)), way(rank(6), rank(7)), "pipeline", True, "pipeline"),
    ("what is wanted is not there", way(rank(5)), None, "pipeline", True, None),
    ("neither", None, None, None, True, None),
]


@pytest.mark.parametrize("row", CHOICES, ids=lambda row: row[0])
def test_which_split(row: tuple[Any, ...]) -> None:
    _, tensor, pipeline, wanted, index, split = row
    found = facts("ab", tensor, pipeline, wanted=wanted, index=index)
    assert found["split"] == split and found["wanted"] == wanted
    told = {"tensor": tensor, "pipeline": pipeline}.get(split, way()) if split else way()
    assert (found["refused"], found["uneven"]) == (told["refused"], told["uneven"])
    assert found["supports"] == [name for name, one in (("tensor", tensor), ("pipeline", pipeline)) if one]


def test_each_machine_has_its_share() -> None:
    rows = facts("ab", None, way(rank(6), rank(7)))["hosts"]
    assert [(row["name"], row["ranks"], row["weights_bytes"]) for row in rows] == [("a", [0], 6), ("b", [1], 7)]
    assert rows[0] | {"name": "", "ranks": []} == {
        "name": "", "ranks": [], "total_bytes": 100, "recommended_bytes": 90, "accelerator": "cpu", "mlx": "0.32.4",
        "mlx_lm": "0.32.2", "reason": None, "weights_bytes": 6, "peak_bytes": 6, "cache": CACHE, "prompt": PROMPT,
    }  # fmt: skip


def test_by_tensor_one_rank_stands_for_all() -> None:
    assert [row["weights_bytes"] for row in facts("abc", way(rank(5)))["hosts"]] == [5, 5, 5]


def test_ranks_on_one_machine_share_its_memory() -> None:
    rows = facts("aba", None, way(rank(6), rank(7), rank(8)))["hosts"]
    assert [(row["ranks"], row["weights_bytes"], row["peak_bytes"]) for row in rows] == [([0, 2], 14, 14), ([1], 7, 7)]
    assert rows[0]["cache"] == {"fixed_bytes": 2, "parts": [*CACHE["parts"], *CACHE["parts"]]}
    assert rows[0]["prompt"] == {"fixed_bytes": 0, "bytes_per_token": 6, "bytes_per_pair": 0}


def test_what_is_not_known_of_one_rank_is_not_known_of_its_machine() -> None:
    ranks = way(rank(6, cache=None), rank(7, peak_bytes=None), rank(8, prompt=None))
    row = facts("aaa", None, ranks)["hosts"][0]
    assert (row["weights_bytes"], row["cache"], row["peak_bytes"], row["prompt"]) == (21, None, None, None)


def test_versions_that_differ_are_told_of_each_machine() -> None:
    other = MACHINE._replace(mlx_lm="0.32.1", mlx=None)
    found = facts("aba", way(rank(5)), machines=(MACHINE, other, MACHINE))
    assert (found["mlx_versions"], found["mlx_lm_versions"]) == (["0.32.4"], ["0.32.1", "0.32.2"])
    assert found["unlike_hosts"] == [
        "a has mlx 0.32.4, mlx-lm 0.32.2",
        "b has mlx unknown, mlx-lm 0.32.1",
    ]
    assert facts("ab", way(rank(5)))["unlike_hosts"] == []


def test_one_host_is_the_same_as_none() -> None:
    assert facts("a", way(rank(5))) == one_machine.none()


def test_what_was_not_told() -> None:
    hosts = Hosts("H", "", (), (Host("a"), Host("b")))
    answer = {"status": "not_done", "reason": "it took too long", "shares": None}
    found = machine_facts.of_hosts(hosts, (MACHINE, MACHINE), None, True, answer)
    assert (found["status"], found["reason"], found["link"]) == ("not_done", "it took too long", None)
    assert [row["weights_bytes"] for row in found["hosts"]] == [None, None]
    del answer["shares"]
    assert (
        machine_facts.of_hosts(hosts, (MACHINE, MACHINE), None, True, answer | {"status": "ok"})["status"] == "not_done"
    )


def test_other_ways_are_those_that_work() -> None:
    more = {
        "shares": {
            "tensor": {"2": way(rank(5)), "3": way(refused="no"), "4": way(rank(3), uneven=("n_heads 6",))},
            "pipeline": {"2": way(rank(6), rank(7)), "3": way(rank(4), rank(4), rank(5)), "4": way(refused="no")},
        }
    }
    small = MACHINE._replace(total_bytes=50)
    found = facts("ab", way(rank(5)), way(rank(6), rank(7)), machines=(MACHINE, small), more=more)["ways"]
    assert {word: (one["count"], one["split"]) for word, one in found.items()} == {
        "tensor": (2, "tensor"), "pipeline": (2, "pipeline"), "2": (2, "tensor"), "3": (3, "pipeline"),
    }  # fmt: skip
    assert [row["total_bytes"] for row in found["3"]["hosts"]] == [100, 50, 50]
    without = facts("ab", way(rank(5)), way(rank(6), rank(7)), index=False, more=more)["ways"]
    assert set(without) == {"tensor", "2"}


def test_several_machines_such_as_this_one() -> None:
    more = {"shares": {"tensor": {"2": way(rank(5))}, "pipeline": None}}
    found = machine_facts.of_this_machine(MACHINE, False, more)
    assert found | {"ways": {}} == one_machine.none()
    assert [row["total_bytes"] for row in found["ways"]["2"]["hosts"]] == [100, 100]
    assert found["ways"]["2"]["supports"] == ["tensor"]
    assert machine_facts.of_this_machine(MACHINE, False, {"status": "failed"}) == one_machine.none()
