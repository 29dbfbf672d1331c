"""The answer before the download is the answer after it: over the zoo and over the truth table, row by row.

Held to each other are all facts but those that only a disk or only the hub can have, and, file by file, what is laid
for a dry run of the two: where that is the same to the last byte, the backends say the same. Where a tokenizer.json is
so large that its ends were read, and of a few others, the backends are asked both ways.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders import LoaderError, Probed, Shape, look, machine, remote, request_of
from mlxk_rules.loaders.dry_run import shape as dry_run_shape
from mlxk_rules.loaders.hub.excerpts import DOCUMENTS

from ...rehearsing import rehearser
from ...truth import bases, table
from ...zoo.build import lay
from ...zoo.catalogue import Model, models, named
from ...zoo.test_decisions import FEW, PARTS, REQUESTS
from .server import Hub

POLICY = Policy.load()
# Where the folder is, and what is free just now.
OWN = ("model.path", "model.fingerprint", "memory.available_bytes")
# No repo can hold these: a folder in place of a file, a link that leads nowhere or into itself, a file nobody may read.
NOT_ON_A_HUB = ("folder", "link", "permission", "unreadable", "fifo")


def flat(facts: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, dict) and above.count(".") < 2 and name not in ("hub", "problems"):
            yield from flat(value, f"{above}{name}.")
        elif f"{above}{name}" not in OWN and name != "hub":
            yield f"{above}{name}", value


def differences(here: dict[str, Any], there: dict[str, Any]) -> list[str]:
    one, other = dict(flat(here)), dict(flat(there))
    names = [name for name in one | other if one.get(name, "-") != other.get(name, "-")]
    return [f"{name}: {one.get(name, '-')!r:.100} here, {other.get(name, '-')!r:.100} there" for name in names]


def laid(folder: str, target: Path) -> dict[str, tuple[int, bytes]]:
    """What a dry run gets: of each file its size, and its bytes, of tensors its header's."""
    dry_run_shape.lay(folder, target)
    found: dict[str, tuple[int, bytes]] = {}
    for path in sorted(target.rglob("*")):
        if path.is_file() and not path.name.startswith(".mlxk"):
            with path.open("rb") as file:
                length = 8 + int.from_bytes(file.read(8), "little") if path.suffix == ".safetensors" else 1 << 27
                file.seek(0)
                found[path.relative_to(target).as_posix()] = path.stat().st_size, file.read(min(length, 1 << 27))
    shutil.rmtree(target)
    return found


def wrong(hub: Hub, folder: Path, tmp_path: Path, requests: list[dict[str, Any]]) -> Iterator[str]:
    """What differs between a folder, put into a Hugging Face cache, and the same as a repo of the hub."""
    repo = hub.add("org/name", folder)
    cached = tmp_path / "models--org--name" / "snapshots" / repo.commit
    cached.parent.mkdir(parents=True)
    folder.rename(cached)
    repo = hub.add("org/name", cached)
    host = machine()
    try:
        shape = look(remote(f"hf://org/name@{repo.commit}"))
        for request in requests:
            asked = request_of(**request)
            here = Probed.of(cached, asked, "org/name", host).facts()
            there = Probed.of(shape, asked, None, host).facts()
            yield from differences(here, there)
            room = {**there, "hub": {**there["hub"], "free_bytes": None}}  # that is the disk's, not the model's
            one, other = POLICY.decide(here), POLICY.decide(room)
            if one != other:
                yield f"{one} here, {other} there"
        if "model_index.json" in repo.files:  # a pipeline, of which no backend is asked
            return
        before, after = laid(str(cached), tmp_path / "here"), laid(shape.resolved.folder, tmp_path / "there")
        others = [name for name in before | after if before.get(name) != after.get(name) and not is_unread(name)]
        if others == ["tokenizer.json"] and before[others[0]][0] == after[others[0]][0] > 256 << 10:
            yield from rehearsed(cached, shape, requests)
        else:
            yield from (f"a dry run gets another {name}" for name in others)
    finally:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        shutil.rmtree(cached.parents[1])


def is_unread(name: str) -> bool:
    """Whether that is a file that no backend reads, which is there by its name and size alone."""
    return not name.endswith(DOCUMENTS) and not name.endswith((".safetensors", ".npz", "README.md"))


def rehearsed(here: Path, there: Shape, requests: list[dict[str, Any]]) -> Iterator[str]:
    """What the backends say otherwise of the two."""
    with rehearser() as asked:
        for request in requests:
            one, other = asked.facts(here, **request)["dry_run"], asked.facts(there, **request)["dry_run"]
            yield from (f"{name}: {one[name]} here, {other[name]} there" for name in one if one[name] != other[name])


def all_wrong(hub: Hub, chosen: list[Model], tmp_path: Path) -> list[str]:
    found: list[str] = []
    for model in chosen:
        lay(model, tmp_path / model.name)
        for line in wrong(hub, tmp_path / model.name, tmp_path, [REQUESTS[name] for name in model.expect]):
            found.append(f"{model.name}: {line}")
    return found


@pytest.mark.slow
def test_a_few_models(hub: Hub, tmp_path: Path) -> None:
    chosen = list(named(*FEW, "mlx-community--whisper-tiny-mlx"))
    assert len(chosen) > len(FEW)
    assert all_wrong(hub, chosen, tmp_path) == []


# One request of one model for each backend, the one of mlx-lm with a tokenizer of which only the ends are read.
BOTH_WAYS = {
    "mem-Devstral-Small-2507": ["text"],
    "Qwen--Qwen2.5-VL-7B-Instruct": ["image"],
    "mlx-community--whisper-large-v3-asr-fp16": ["audio"],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "every", [pytest.param(False, marks=pytest.mark.long), pytest.param(True, marks=pytest.mark.zoo)]
)
def test_a_few_are_rehearsed_both_ways(every: bool, hub: Hub, tmp_path: Path) -> None:
    with rehearser() as asked:
        for model in named(*(FEW if every else BOTH_WAYS)):
            folder = tmp_path / model.name
            lay(model, folder)
            hub.add("org/name", folder)
            for request in model.expect if every else BOTH_WAYS[model.name]:
                here = asked.facts(folder, **REQUESTS[request])
                there = asked.facts(look(remote("hf://org/name")), **REQUESTS[request])
                assert here["dry_run"] == there["dry_run"], model.name
                one, other = POLICY.decide(here), POLICY.decide(there)
                assert (one.gate, one.backend) == (other.gate, other.backend), model.name


@pytest.mark.zoo
@pytest.mark.parametrize("part", range(PARTS))
def test_every_model(part: int, hub: Hub, tmp_path: Path) -> None:
    assert all_wrong(hub, list(models())[part::PARTS], tmp_path) == []


def rows_wrong(hub: Hub, tmp_path: Path, words: tuple[str, ...]) -> tuple[int, list[str]]:
    count, found = 0, []
    for base, what, job in table.folders(tmp_path / "rows", words):
        if any(word in what for word in NOT_ON_A_HUB):
            continue
        count += 1
        request = {"images": bool(job.image), "audio": bool(job.audio)}
        try:
            found += [f"{base}, {what}: {line}" for line in wrong(hub, job.folder, tmp_path, [request])]
        except LoaderError as error:
            names = os.listdir(job.folder) if job.folder.exists() else []
            if error.code != "no_model" or "config.json" in names:
                found.append(f"{base}, {what}: {error.code}: {error.message}")
    return count, found


@pytest.mark.slow
@pytest.mark.long
def test_the_sound_models_of_the_truth_table(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    count, found = rows_wrong(hub, tmp_path, ("no such damage",))
    assert count == len(bases.BASES) and found == []


# One of them: each takes a minute and a half, and what is damaged is read by the same code.
@pytest.mark.zoo
@pytest.mark.parametrize("base", ["llama"])
def test_all_rows_of_the_truth_table(base: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "BASES", {base: bases.BASES[base]})
    (tmp_path / "rows").mkdir()
    count, found = rows_wrong(hub, tmp_path, ())
    assert count > 20 and found == []
