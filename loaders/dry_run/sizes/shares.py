"""What each of several machines would hold of a model, told by mlx-lm's own split of it; nothing is computed.

mlx-lm splits a model by its class's own methods (`mlx_lm.utils.sharded_load`): `shard(group)` gives each rank a slice
of every layer, `model.pipeline(group)` some layers whole. Both take a group and ask it only for rank and size, so a
stand-in has them split the model that was built lazily, rank by rank, and the model is put back after each. What a
class cannot split it says itself; what it splits wrongly without a word is told by its counts of heads.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from .. import outcome
from ..rehearsals.stand_ins import nothing_computed, replaced
from . import cache_sizes, load_peak, prompt_sizes, settings

_MAX_DEPTH = 8
_MAX_UNEVEN = 8


class Group:
    """As much of `mx.distributed.Group` as a split asks for."""

    def __init__(self, rank: int, size: int) -> None:
        self._rank, self._size = rank, size

    def rank(self) -> int:
        return self._rank

    def size(self) -> int:
        return self._size


def shares(
    model: Any, config: Mapping[str, Any], counts: Iterable[int], accelerator: str | None
) -> dict[str, dict[str, Any] | None]:
    """For `tensor` and `pipeline` what each count of ranks comes to, by its number as text; None where the model's
    class has no such method.

    Of a count: `refused`, the library's own words, or None; `uneven`, the whole numbers (heads, mostly) that the split
    cut short, as `name 3`; and `ranks`, for each rank `weights_bytes`, `peak_bytes` while they are loaded (None where
    that is not known), `cache` and `prompt` in the form of the facts of these names. By tensor one rank stands for all.
    """
    whole = _Whole(model)
    counts = tuple(counts)
    found: dict[str, dict[str, Any] | None] = {"tensor": None, "pipeline": None}
    # As sharded_load looks for them.
    if hasattr(model, "shard"):
        found["tensor"] = {str(count): _of_tensor(whole, config, count, accelerator) for count in counts}
    if hasattr(model, "model") and hasattr(model.model, "pipeline"):
        prompt = _told(lambda: prompt_sizes.prompt(model, config, accelerator))
        found["pipeline"] = {str(count): _of_pipeline(whole, count, prompt) for count in counts}
    return found


def _of_tensor(whole: _Whole, config: Mapping[str, Any], count: int, accelerator: str | None) -> dict[str, Any]:
    model = whole.model
    rank: dict[str, Any] = {}
    uneven: list[str] = []
    try:
        with whole.lent(), _alone(Group(0, count)) as group:
            model.shard(group)
            uneven = whole.cut_short(count)
            after = whole.arrays()
            rank["weights_bytes"] = sum(array.nbytes for array in after.values())
            rank["peak_bytes"] = _told(lambda: load_peak.sliced(whole.before, after, accelerator))
            rank["prompt"] = _told(lambda: prompt_sizes.prompt(model, _fewer_heads(config, count), accelerator))
            rank["cache"] = whole.cache()
    except Exception as error:  # whatever a model's own code raises
        return {"refused": outcome.reason(error), "uneven": uneven, "ranks": []}
    return {"refused": None, "uneven": uneven, "ranks": [rank]}


def _of_pipeline(whole: _Whole, count: int, prompt: Any) -> dict[str, Any]:
    ranks: list[dict[str, Any]] = []
    try:
        for number in range(count):
            with whole.lent(), _alone(Group(number, count)) as group:
                whole.model.model.pipeline(group)
                size = sum(array.nbytes for array in whole.arrays().values())
                # Whole tensors are read, and those of other layers are not: there is no moment with more.
                ranks.append({"weights_bytes": size, "peak_bytes": size, "prompt": prompt, "cache": None})
                ranks[-1]["cache"] = whole.cache()
    except Exception as error:
        return {"refused": outcome.reason(error), "uneven": [], "ranks": []}
    return {"refused": None, "uneven": [], "ranks": ranks}


def _fewer_heads(config: Mapping[str, Any], count: int) -> dict[str, Any]:
    values = settings.language(config)
    heads = {name: values[name] // count for name in settings.HEADS if type(values.get(name)) is int}
    return {**values, **heads}


def _told(of: Callable[[], Any]) -> Any:
    try:
        return of()
    except Exception:
        return None


class _Whole:
    """A model as it was built: lent to a split, it is put back as it was, without building it anew."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._kept: list[tuple[Any, Any, dict[str, Any] | None]] = []
        for module in model.modules():
            self._kept.append((module, dict(module), dict(vars(module))))
            for value in module.values():
                self._keep(value, 0)
        self.before = self.arrays()
        self._is_called = True

    def _keep(self, value: Any, depth: int) -> None:
        """Lists and plain objects in a module, which a split may change where they stand."""
        if depth > _MAX_DEPTH or not isinstance(value, list | dict) or hasattr(value, "modules"):
            return
        self._kept.append((value, value.copy(), None))
        for item in value.values() if isinstance(value, dict) else value:
            self._keep(item, depth + 1)

    def cache(self) -> dict[str, Any] | None:
        """The cache of what is there of the model, which is called for a token and for many: shapes that do not fit are
        found so. Raises whatever the library raises; None where it cannot call the whole model either."""
        if not self._is_called:
            return None
        try:
            return cache_sizes.sizes(self.model, "mlx_lm")
        except Exception:
            with self.whole():
                self._is_called = _told(lambda: cache_sizes.sizes(self.model, "mlx_lm")) is not None
            if not self._is_called:
                return None
            raise

    @contextmanager
    def whole(self) -> Generator[None, None, None]:
        """While open, a model that was lent is whole."""
        split = _Whole(self.model)
        self._put_back()
        try:
            yield
        finally:
            split._put_back()

    @contextmanager
    def lent(self) -> Generator[None, None, None]:
        try:
            yield
        finally:
            self._put_back()

    def _put_back(self) -> None:
        for value, content, attributes in self._kept:
            if isinstance(value, list):
                value[:] = content
            else:
                dict.clear(value)
                dict.update(value, content)
            if attributes is not None:
                vars(value).clear()
                vars(value).update(attributes)

    def arrays(self) -> dict[str, Any]:
        """The parameters that are there, by name."""
        flatten: Any = import_module("mlx.utils").tree_flatten
        return {name: array for name, array in flatten(self.model.parameters()) if hasattr(array, "nbytes")}

    def cut_short(self, count: int) -> list[str]:
        """Whole numbers of the model's parts that the split divided with a remainder, by name and value.

        `n_heads //= N` of 3 heads and 2 ranks leaves a head out, and the answer is wrong without an error.
        """
        found: set[str] = set()
        for module, _, attributes in self._kept:
            now = vars(module) if attributes is not None else {}
            for name, before in (attributes or {}).items():
                after = now.get(name)
                if type(before) is not int or type(after) is not int or after == before:
                    continue
                if after == before // count and after * count != before:
                    found.add(f"{name} {before}")
        return sorted(found)[:_MAX_UNEVEN]


@contextmanager
def _alone(group: Group) -> Generator[Group, None, None]:
    """While open, what ranks say to one another nobody says: arrays keep their shapes, and nothing is computed."""
    mx: Any = import_module("mlx.core")

    def same(array: Any, *_: Any, **__: Any) -> Any:
        return array

    def gathered(array: Any, *_: Any, **__: Any) -> Any:
        return mx.concatenate([array] * group.size())

    def made(shape: Any, dtype: Any, *_: Any, **__: Any) -> Any:
        return mx.zeros(shape, dtype)

    stand_ins: dict[str, Any] = {
        "init": lambda *_, **__: group,  # pyright: ignore[reportUnknownLambdaType]
        "all_sum": same,
        "all_max": same,
        "all_min": same,
        "all_gather": gathered,
        "send": same,
        "recv_like": same,
        "recv": made,
    }
    with nothing_computed(), replaced(mx.distributed, stand_ins):
        yield group
