"""What a model's cache takes, told by its shapes: the model is called on zeros, and nothing is computed.

MLX gives an array its shape when it is named and its bytes when it is asked for, so a cache that was filled by a call
tells its size at once, whatever kind it is: keys and values, latents, windows, states. (Apple, MLX: lazy evaluation.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from ..rehearsals.stand_ins import nothing_computed

# mlx-lm and mlx-vlm read a prompt, but for its last token, in steps of so many.
STEP_TOKENS = 2048
# Enough that a cache which keeps one entry for 128 tokens grows too; a recurrent layer takes a step of Python for each.
_MANY_TOKENS = 129
# What the caches of both libraries that forget call the tokens that they keep, and which of those the step's own
# first token replaces.
_WINDOWS = {"max_size": 1, "chunk_size": 0, "window_size": 1}
_MAX_DEPTH = 8


class _Array(NamedTuple):
    """An array of a cache: its bytes; what a window leaves of the tokens before a step; and how many it grows by.

    is_sure: that this is so. A model's own kind of cache may cut some of its arrays, and others not.
    """

    size_bytes: int
    window: int | None
    step: int
    is_sure: bool


def sizes(model: Any, library: str) -> dict[str, Any]:
    """The sizes of a language model's cache: `fixed_bytes`, and `parts` that grow with the tokens.

    `library` is mlx_lm or mlx_vlm, which makes the cache. A part has `bytes_per_token`; `step_tokens`, in whole
    multiples of which it grows; and `max_tokens`, beyond which it does not, or None. Raises whatever the library
    raises.
    """
    make = import_module(f"{library}.models.cache").make_prompt_cache

    def filled(tokens: int) -> dict[str, _Array]:
        return _filled(model, make(model), tokens)

    with nothing_computed():
        one, many = map(filled, (1, _MANY_TOKENS))
        unsure = [key for key, array in many.items() if not array.is_sure and _grown(array, one.get(key))]
        if unsure:
            longest = max(many[key].window or STEP_TOKENS for key in unsure)
            beyond = [filled(longest + tokens) for tokens in (_MANY_TOKENS, 2 * _MANY_TOKENS - 1)]
            many |= {key: _surely(many[key], one.get(key), *(more[key] for more in beyond)) for key in unsure}
    fixed = 0
    parts: defaultdict[tuple[int, int | None], float] = defaultdict(float)
    for key, array in many.items():
        grown = _grown(array, one.get(key))
        if grown < _MANY_TOKENS - 1:  # not by a byte a token: a state, or the last tokens, two or three of them
            fixed += array.size_bytes
            continue
        # The prompt's last step is held whole beside a window.
        most = None if array.window is None else array.window + STEP_TOKENS
        # 128 tokens more than one: whole entries, where a cache has one for 4 tokens, or for all of them.
        parts[array.step if most is None else 1, most] += grown / (_MANY_TOKENS - 1)
    return {
        "fixed_bytes": fixed,
        "parts": [
            {"bytes_per_token": _whole(per_token), "step_tokens": step, "max_tokens": most}
            for (step, most), per_token in sorted(parts.items(), key=repr)
        ],
    }


def _grown(array: _Array, first: _Array | None) -> int:
    return array.size_bytes - (first.size_bytes if first is not None else 0)


def _surely(array: _Array, first: _Array | None, beyond: _Array, further: _Array) -> _Array:
    """Return an array with the window that it has, by its sizes for one token and beyond all windows."""
    if further.size_bytes > beyond.size_bytes:
        return array._replace(window=None)
    each = first.size_bytes if first is not None else array.size_bytes / _MANY_TOKENS
    kept = round(further.size_bytes / each)  # it is cut to so many at once, and holds no step beside them
    return array._replace(size_bytes=round(each * _MANY_TOKENS), window=kept - STEP_TOKENS)


def _filled(model: Any, cache: Any, tokens: int) -> dict[str, _Array]:
    """The arrays of an empty cache once the model filled it with so many tokens, by their places in it."""
    mx: Any = import_module("mlx.core")
    steps: dict[int, int] = {}
    for part in _objects(cache, 0):
        if isinstance(step := getattr(part, "step", None), int) and step > 0:
            steps[id(part)] = step
            part.step = 1  # so that each token shows; in whole steps it grows all the same
    model(mx.zeros((1, tokens), dtype=mx.int32), cache=cache)
    return dict(_arrays(cache, "", None, 1, True, steps, mx.array))


def _objects(value: Any, depth: int) -> Iterator[Any]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list | tuple):
        for item in value:
            yield from _objects(item, depth + 1)
    elif hasattr(value, "__dict__"):
        yield value
        for item in list(vars(value).values()):
            yield from _objects(item, depth + 1)


def _arrays(
    value: Any, key: str, window: int | None, step: int, is_sure: bool, steps: Mapping[int, int], array: type
) -> Iterator[tuple[str, _Array]]:
    if isinstance(value, array):
        yield key, _Array(value.nbytes, window, step, is_sure)
    elif key.count("/") > _MAX_DEPTH:
        return
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _arrays(item, f"{key}/{number}", window, step, is_sure, steps, array)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _arrays(item, f"{key}/{name}", window, step, is_sure, steps, array)
    elif hasattr(value, "__dict__"):
        own = vars(value)
        found = (own[name] - less for name, less in _WINDOWS.items() if isinstance(own.get(name), int))
        window = next(found, window)
        is_sure = type(value).__module__.endswith(".cache")  # the libraries' own kinds cut all that they hold, or none
        yield from _arrays(own, key, window, steps.get(id(value), step), is_sure, steps, array)


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number
