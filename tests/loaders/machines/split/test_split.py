"""What a rehearsal tells of a split, held to what ranks of a real ring then hold, and answer."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .models import configs, write

pytestmark = pytest.mark.zoo

SPLITS = ("tensor", "pipeline")
# Ranks beyond the cores wait for one another: of more than two, a few types.
OF_FOUR = ("llama, 4 kv heads", "qwen2, 3 layers", "deepseek_v3", "qwen3_5, 2 kv heads")
OF_EIGHT = ("qwen2",)
ROWS = [
    (count, name, split)
    for count, names in ((2, [name for name, _ in configs()]), (4, OF_FOUR), (8, OF_EIGHT))
    for name in names
    for split in SPLITS
]
SECONDS = 240
ROUGHLY = ("deepseek_v41",)  # its cache has an entry for four tokens, and keeps those that do not fill one

Real = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """By the count of ranks, a folder of the models that are split among so many; 1 has all of them."""
    root = tmp_path_factory.mktemp("split")
    for name, config in configs():
        write(root / "1" / name, config)
    for count in (2, 4, 8):
        (root / str(count)).mkdir()
        for name in {name for ranks, name, _ in ROWS if ranks == count}:
            (root / str(count) / name).symlink_to(root / "1" / name)
    return {count: root / str(count) for count in (1, 2, 4, 8)}


@pytest.fixture(scope="module")
def real(folders: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Real]]:
    """By the count of ranks, what each of them said."""
    place = tmp_path_factory.mktemp("ring")
    return {count: ring(count, folder, place) for count, folder in folders.items()}


def ring(count: int, folder: Path, place: Path) -> list[Real]:
    """What each of so many local ranks says of the models in a folder."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    hosts = place / f"{count}.json"
    hosts.write_text(json.dumps([[f"127.0.0.1:{one.getsockname()[1]}"] for one in taken]))
    for one in taken:
        one.close()
    command = [sys.executable, str(Path(__file__).with_name("rank.py")), str(folder), *SPLITS]
    ranks: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(count):
            own = {"MLX_RANK": str(rank), "MLX_HOSTFILE": str(hosts)} if count > 1 else {}
            with (place / f"{count}.{rank}").open("wb") as out:
                ranks.append(subprocess.Popen(command, env=os.environ | own, stdout=out, stderr=subprocess.DEVNULL))
        assert [one.wait(SECONDS) for one in ranks] == [0] * count
    finally:
        for one in ranks:
            one.kill()
            one.wait()
    return [_said(place / f"{count}.{rank}") for rank in range(count)]


def _said(file: Path) -> Real:
    return {(one["name"], one["kind"]): one for one in map(json.loads, file.read_text().splitlines())}


@pytest.fixture(scope="module")
def told(folders: dict[int, Path]) -> dict[str, Any]:
    """What the rehearsal tells of each model."""
    from mlx_lm.utils import load_model
    from mlxk_rules.loaders.dry_run.sizes.shares import shares

    found: dict[str, Any] = {}
    for folder in folders[1].iterdir():
        model, config = load_model(folder, lazy=True)
        found[folder.name] = shares(model, config, (2, 4, 8), "cpu")
    return found


def sums(values: Iterator[tuple[dict[str, Any], dict[str, Any]]]) -> list[tuple[int, int]]:
    from mlxk_rules.engine.language.function_code import cache_bytes

    return [(one["weights_bytes"], int(cache_bytes(one["cache"], 8) or 0)) for one, _ in values]


@pytest.mark.parametrize(("count", "name", "split"), ROWS)
def test_what_is_told_is_what_ranks_then_do(
    count: int, name: str, split: str, told: dict[str, Any], real: dict[int, list[Real]]
) -> None:
    whole = real[1][0][name, split]["says"]
    ranks = [one[name, split] for one in real[count]]
    said = told[name][split] and told[name][split][str(count)]
    if said is None:
        assert all("no attribute" in one["refused"] for one in ranks)
        return
    if said["refused"] is not None:
        assert {one.get("refused", "")[:60] for one in ranks} == {said["refused"][:60]}
        return
    assert [one.get("refused") for one in ranks] == [None] * count
    each = said["ranks"] * (count if len(said["ranks"]) == 1 else 1)
    held = [(one["weights_bytes"], one["cache_bytes"]) for one in ranks]
    near = [(weights, pytest.approx(cache, abs=300) if name in ROUGHLY else cache) for weights, cache in held]
    assert sums(zip(each, ranks, strict=True)) == near
    if whole is None:  # Metal's kernels: neither called here, nor told of
        assert {one["says"] for one in ranks} == {None} == {one["cache"] for one in each}
        return
    close = all(one["says"] == pytest.approx(whole, rel=1e-3, abs=1e-3) for one in ranks)
    assert close == (said["uneven"] == [])  # a head that is cut off: another answer, without an error


def test_every_type_that_mlx_lm_splits_has_a_row() -> None:
    import mlx_lm.models

    found: set[str] = set()
    for entry in pkgutil.iter_modules(mlx_lm.models.__path__):
        try:
            module: Any = importlib.import_module(f"mlx_lm.models.{entry.name}")
        except SystemExit:  # olmo, without a package of its own
            continue
        own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
        if hasattr(getattr(module, "Model", None), "shard") or any(hasattr(one, "pipeline") for one in own):
            found.add(entry.name)
    others = {"mistral", "kimi_k2"}  # which mlx-lm loads as llama and as deepseek_v3
    assert found - {"pipeline"} == {config["model_type"] for _, config in configs()} - others


def test_both_splits_neither_and_one_of_them(told: dict[str, Any]) -> None:
    """Both splits, neither, one of them: there is a row of each, and of a silent wrong answer."""
    kinds = {(one["tensor"] is not None, one["pipeline"] is not None) for one in told.values()}
    assert kinds == {(True, True), (True, False), (False, True)}
    assert told["llama, 3 heads"]["tensor"]["2"]["uneven"] == ["n_heads 3", "n_kv_heads 3"]
    assert told["llama, 4 kv heads"]["tensor"]["8"]["uneven"] == ["n_kv_heads 4"]
