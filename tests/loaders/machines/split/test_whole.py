"""A model that is lent to a split is put back as it was, and what a library cannot call is no refusal of a split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .models import configs, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    """A model that is split both ways, as it was loaded, and its config."""
    from mlx_lm.utils import load_model

    folder: Path = tmp_path_factory.mktemp("whole") / "qwen2"
    write(folder, dict(configs())["qwen2"])
    return load_model(folder, lazy=True)


def told(model: tuple[Any, dict[str, Any]], *counts: int) -> dict[str, Any]:
    from mlxk_rules.loaders.dry_run.sizes.shares import shares

    return shares(*model, counts, "cpu")


def test_it_is_put_back(model: tuple[Any, dict[str, Any]]) -> None:
    from mlx.utils import tree_flatten

    before = {name: id(array) for name, array in tree_flatten(model[0].parameters())}
    first = told(model, 2, 3, 4)
    assert {name: id(array) for name, array in tree_flatten(model[0].parameters())} == before
    assert told(model, 2, 3, 4) == first
    assert first["tensor"]["3"]["refused"] and first["tensor"]["4"]["refused"] is None


@pytest.mark.parametrize("also_whole", [True, False])
def test_what_cannot_be_called(
    model: tuple[Any, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, also_whole: bool
) -> None:
    kind, called = type(model[0]), type(model[0]).__call__
    heads = model[0].layers[0].self_attn.n_heads

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if also_whole or self.layers[0].self_attn.n_heads != heads:
            raise ValueError("there is no kernel")
        return called(self, *args, **kwargs)

    monkeypatch.setattr(kind, "__call__", call)
    found = told(model, 2)
    assert found["tensor"]["2"]["refused"] == (None if also_whole else "there is no kernel")
    assert [rank["cache"] is None for rank in found["tensor"]["2"]["ranks"]] == ([True] if also_whole else [])
    assert found["pipeline"]["2"]["refused"] is None
    assert all((rank["cache"] is None) == also_whole for rank in found["pipeline"]["2"]["ranks"])


def test_a_peak_is_told_where_it_was_measured(model: tuple[Any, dict[str, Any]]) -> None:
    from mlxk_rules.loaders.dry_run.sizes.shares import shares

    peaks = {one: shares(*model, [4], one) for one in ("cpu", "metal", None)}
    found: list[Any] = [said["tensor"]["4"]["ranks"][0]["peak_bytes"] for said in peaks.values() if said["tensor"]]
    share = told(model, 4)["tensor"]["4"]["ranks"][0]["weights_bytes"]
    whole = sum(one.nbytes for _, one in _arrays(model[0]))
    assert share < found[0] < share + whole and found[1:] == [None, None]
    ranks: Any = [said["pipeline"] for said in peaks.values()]
    assert all(rank["peak_bytes"] == rank["weights_bytes"] for said in ranks for rank in said["4"]["ranks"])


def _arrays(model: Any) -> Any:
    from mlx.utils import tree_flatten

    return tree_flatten(model.parameters())
