"""The facts below `machines`: what each of several machines has, and what it would hold of a model.

Comes in: a hostfile's hosts, what each of their machines has, and what mlx-lm said of the model split among so many
ranks (dry_run/sizes/shares.py). Goes out: plain JSON. Ranks on one machine share its memory, and are one row here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .one_machine import COUNTS, none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .hostfile import Hosts
    from .machine import Machine

    Places = Sequence[tuple[str, Machine]]

SPLITS = ("tensor", "pipeline")


def of_hosts(
    hosts: Hosts,
    machines: Sequence[Machine],
    wanted: str | None,
    has_index: bool,
    answer: Mapping[str, Any],
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The facts of a model on the machines of a hostfile; one host is the same as none.

    `wanted` is the split that was asked for, or None; `has_index` whether the folder has the index that pipelining
    reads; `answer` is what the backend said for the count of hosts, `more` the same for COUNTS, where that was asked.
    """
    places = [(host.ssh, machine) for host, machine in zip(hosts.hosts, machines, strict=True)]
    count = len(places)
    if count < 2:
        return none()
    versions = {kind: sorted({v for _, one in places if (v := getattr(one, kind))}) for kind in ("mlx", "mlx_lm")}
    differ = any(len(found) > 1 for found in versions.values())
    facts = none() | {
        "count": count,
        "link": hosts.backend or None,
        "wanted": wanted,
        "mlx_versions": versions["mlx"],
        "mlx_lm_versions": versions["mlx_lm"],
        "unlike_hosts": [_versions_of(name, one) for name, one in dict(places).items()] if differ else [],
        **_told(answer),
        **_way(answer.get("shares"), places, wanted, has_index),
    }
    return facts | {"ways": _ways(answer, more or {}, places, wanted, has_index)}


def of_this_machine(machine: Machine, has_index: bool, more: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a model on this machine alone, with what several of its kind would come to."""
    return none() | {"ways": _ways({}, more, [("", machine)], None, has_index)}


def _told(answer: Mapping[str, Any]) -> dict[str, Any]:
    shares = answer.get("shares")
    supports = [split for split in SPLITS if shares and shares.get(split) is not None]
    status = answer.get("status", "not_done")
    if status == "ok" and shares is None:
        status = "not_done"
    return {"status": status, "reason": None if status == "ok" else answer.get("reason"), "supports": supports}


def _way(shares: Any, places: Places, wanted: str | None, has_index: bool) -> dict[str, Any]:
    """Which split it is among these machines, what was refused of it, and each machine's share.

    That which was asked for; else what mlx-lm would choose, tensor, where that works, and else pipeline where that
    does; where neither works, the first that the model's class has.
    """
    count = str(len(places))
    found = {split: one[count] for split in SPLITS if shares and (one := shares.get(split)) and count in one}
    if wanted is not None:
        found = {split: one for split, one in found.items() if split == wanted}
    works = [split for split, one in found.items() if _works(split, one, has_index)]
    split = next(iter(works or found), None)
    told = found.get(split or "", {"refused": None, "uneven": [], "ranks": []})
    return {
        "split": split,
        "refused": told["refused"],
        "uneven": told["uneven"],
        "hosts": _rows(places, told["ranks"]),
    }


def _works(split: str, told: Mapping[str, Any], has_index: bool) -> bool:
    return told["refused"] is None and not told["uneven"] and (split == "tensor" or has_index)


def _rows(places: Places, ranks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each machine, in the order of its first rank."""
    ranks = list(ranks) * len(places) if len(ranks) == 1 else ranks
    rows: dict[str, dict[str, Any]] = {}
    for number, (name, machine) in enumerate(places):
        row = rows.setdefault(name, _empty(name, machine))
        row["ranks"].append(number)
        if number < len(ranks):
            for key in ("weights_bytes", "peak_bytes", "cache", "prompt"):
                value = ranks[number][key]
                # What one of its ranks takes is not known: then all that they take together is not.
                row[key] = _sum(row[key], value) if len(row["ranks"]) > 1 else value
    return list(rows.values())


def _empty(name: str, machine: Machine) -> dict[str, Any]:
    return {
        "name": name,
        "ranks": [],
        "total_bytes": machine.total_bytes,
        "recommended_bytes": machine.recommended_bytes,
        "accelerator": machine.accelerator,
        "mlx": machine.mlx,
        "mlx_lm": machine.mlx_lm,
        "reason": machine.reason,
        "weights_bytes": None,
        "peak_bytes": None,
        "cache": None,
        "prompt": None,
    }


def _sum(one: Any, other: Any) -> Any:
    """Two numbers of bytes, or two sizes of caches or prompts in the form of the facts, together."""
    if one is None or other is None:
        return None
    if isinstance(one, dict):
        return {key: value + other[key] for key, value in one.items()}
    return one + other


def _versions_of(name: str, machine: Machine) -> str:
    return f"{name} has mlx {machine.mlx or 'unknown'}, mlx-lm {machine.mlx_lm or 'unknown'}"


def _ways(
    answer: Mapping[str, Any], more: Mapping[str, Any], places: Places, wanted: str | None, has_index: bool
) -> dict[str, Any]:
    """Other ways to split the model, by a word: the other split among the same machines, and other counts of them.

    Of fewer machines the first ones are taken; more are of the kind of the one with the least memory. Only ways that
    mlx-lm goes.
    """
    found: dict[str, Any] = {}
    if len(places) > 1:
        for split in SPLITS:
            found[split] = _way(answer.get("shares"), places, split, has_index)
    if more.get("shares"):
        least = min((one for _, one in places), key=lambda one: one.total_bytes or 1 << 62)
        for count in COUNTS:
            others = [(f"one more, {number}", least) for number in range(len(places), count)]
            machines = [(name or f"this machine, {at}", one) for at, (name, one) in enumerate(places)]
            found[str(count)] = _way(more["shares"], [*machines, *others][:count], wanted, has_index)
    supports = _told(more or answer)["supports"]
    return {
        word: way | {"count": int(word) if word.isdecimal() else len(places), "supports": supports}
        for word, way in found.items()
        if way["split"] and _works(way["split"], way, has_index)
    }
