"""What a prompt and a picture take at most, told by a replay of what the library would have MLX compute of them.

The library's own generation is called on the model without a number being computed: MLX tells the operations that it
would do, and a replay of its scheduling tells what they take at most (replay). So whatever a model does is counted:
steps of the prompt or none, attention in one kernel or with its scores, windows, experts, numbers of float32 where a
picture's are. rules/MEMORY.md holds it to what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

from ...rehearsals.stand_ins import nothing_computed, replaced
from ..cache_sizes import STEP_TOKENS
from .graph import Ended, Graph, graph
from .replay import Evaluation, evaluations

_STEPS = 3
_FEW_TOKENS = 512
# Recurrent layers that have no kernel take a step of Python for each token: there, few tokens must do. Below so many,
# and for one token, other kernels are taken.
_LOOP_TOKENS = (32, 64)
_LOOP_GROWTH = 1.5
_MAX_DEPTH = 8


class PromptMemory(NamedTuple):
    """Bytes that a step of a prompt takes: `fixed`; `per_token` of the step; `per_pair` of one of its tokens with each
    token so far. `fixed` is also enough for the answer, a token at a time. `loops` says that the model reads a step
    token by token, in Python."""

    fixed: int
    per_token: int
    per_pair: int
    loops: bool = False

    def step(self, tokens: int, before: int = 0) -> int:
        """Of a step of so many tokens after so many."""
        return self.fixed + self.per_token * tokens + self.per_pair * tokens * (before + tokens)

    def prompt(self, tokens: int) -> int:
        """Of a whole prompt: the largest of its steps, which is the last full one or the one after it."""
        whole = tokens // STEP_TOKENS * STEP_TOKENS
        last = self.step(tokens - whole, whole)
        return max(last, self.step(STEP_TOKENS, whole - STEP_TOKENS)) if whole else last


def prompt_memory(model: Any, accelerator: str | None) -> PromptMemory | None:
    """What a prompt takes in a model of mlx-lm or mlx-vlm that was loaded lazily; None where it cannot be told."""
    with suppress(Exception):
        return _prompt_memory(model, accelerator)
    return None


def image_bytes(
    model: Any, inputs: Mapping[str, Any], accelerator: str | None, prompt: PromptMemory | None
) -> int | None:
    """What a picture takes beyond cache and working memory of all tokens of its prompt; None where it is not told.

    `inputs` are what mlx-vlm's processor made of the request: input_ids, pixel_values and the rest by their names;
    `prompt` is what a prompt takes in the model.
    """
    if prompt is None:
        return None
    with suppress(Exception):
        tokens = int(inputs["input_ids"].size)
        # The picture is read in the first evaluation, with the first step of the prompt; what comes after is text.
        steps = 0 if prompt.loops else 2
        most = max(one.peak_bytes for one in _evaluations(model, accelerator, inputs, steps))
        return max(0, most - cache_bytes(model, tokens) - prompt.prompt(tokens))
    return None


def cache_bytes(model: Any, tokens: int) -> int:
    """What the cache takes after so many tokens, read in steps. Raises whatever the library raises."""
    language, make = _language(model)
    mx: Any = import_module("mlx.core")
    cache = make(language)
    with nothing_computed():
        for start in range(0, tokens, STEP_TOKENS):
            language(mx.zeros((1, min(STEP_TOKENS, tokens - start)), dtype=mx.int32), cache=cache)
    return _bytes_in(cache, mx.array)


def _prompt_memory(model: Any, accelerator: str | None) -> PromptMemory:
    if _loops(model):
        return _of_loops(model, accelerator)
    few = _text(model, accelerator, _FEW_TOKENS, _STEPS)
    steps = _text(model, accelerator, _STEPS * STEP_TOKENS, _STEPS)
    # What is in flight fills up in the first steps; of the others, only what is there for each pair grows.
    per_pair = max(0, round((steps[-1] - steps[-2]) / STEP_TOKENS**2))
    if steps[-1] < steps[0] // 2:  # an answer: this model reads a prompt in one step
        steps, per_pair = _text(model, accelerator, STEP_TOKENS, 1), 0
    largest = max(size - per_pair * STEP_TOKENS**2 * (number + 1) for number, size in enumerate(steps))
    small = few[0] - per_pair * _FEW_TOKENS**2
    per_token = max(0, largest - small) // (STEP_TOKENS - _FEW_TOKENS)
    fixed = max(0, largest - per_token * STEP_TOKENS, small - per_token * _FEW_TOKENS)
    return PromptMemory(max(fixed, *few[1:]), per_token, per_pair)


def _loops(model: Any) -> bool:
    """Whether the graph grows by operations with the tokens."""
    few, many = (len(_graph(model, _tokens(count), 1).operations) for count in _LOOP_TOKENS)
    return many > _LOOP_GROWTH * few


def _of_loops(model: Any, accelerator: str | None) -> PromptMemory:
    few, many = _LOOP_TOKENS
    sizes = [_text(model, accelerator, count, 1)[0] for count in (few, many)]
    per_token = max(0, sizes[1] - sizes[0]) // (many - few)
    return PromptMemory(max(0, sizes[1] - per_token * many), per_token, 0, loops=True)


def _text(model: Any, accelerator: str | None, tokens: int, most: int) -> list[int]:
    """The working bytes of the first steps of a prompt of so many tokens and the one that both libraries read apart."""
    found = [0] * most
    for one in _evaluations(model, accelerator, _tokens(tokens + 1), most):
        place = max(0, one.step - 1)
        found[place] = max(found[place], one.working_bytes)
    return found


def _tokens(count: int) -> dict[str, Any]:
    mx: Any = import_module("mlx.core")
    return {"input_ids": mx.array([[0] * count])}  # not mx.zeros, which is an operation


def _evaluations(model: Any, accelerator: str | None, inputs: Mapping[str, Any], most: int) -> tuple[Evaluation, ...]:
    return evaluations(_graph(model, inputs, most), accelerator)


def _graph(model: Any, inputs: Mapping[str, Any], most: int) -> Graph:
    """What the library evaluates in the first steps of a prompt; with none, what it would put into the first.

    A step is a call of the language model.
    """
    mx: Any = import_module("mlx.core")
    language, make = _language(model)
    cache = make(language)
    kind, step = type(language), 0
    called = kind.__call__

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal step
        if self is language:
            step += 1
            if not most:
                mx.eval(args, kwargs)
            if step > most:
                raise Ended
        return called(self, *args, **kwargs)

    def call() -> None:
        # The first token cannot be read from a graph: there MLX raises, and all has been seen.
        with suppress(ValueError, RuntimeError):
            for _ in _generation(model, dict(inputs), cache):
                pass

    with replaced(kind, {"__call__": counted}):
        return graph(model, call, lambda: (step, _bytes_in(cache, mx.array)))


def _generation(model: Any, inputs: dict[str, Any], cache: Any) -> Iterable[Any]:
    """The library's own generation of an answer to a prompt."""
    ids = inputs.pop("input_ids")
    if not _is_vision(model):
        return import_module("mlx_lm.generate").generate_step(ids[0], model, max_tokens=2, prompt_cache=cache)
    step = import_module("mlx_vlm.generate.ar").generate_step
    pixels, mask = inputs.pop("pixel_values", None), inputs.pop("mask", None)
    return step(ids, model, pixels, mask, max_tokens=2, prompt_cache=cache, **inputs)


def _is_vision(model: Any) -> bool:
    return type(model).__module__.startswith("mlx_vlm.")


def _language(model: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The part that has a cache, and what makes it one."""
    library = "mlx_vlm" if _is_vision(model) else "mlx_lm"
    make = import_module(f"{library}.models.cache").make_prompt_cache
    return (model.language_model if _is_vision(model) else model), make


def _bytes_in(cache: Any, array: Any) -> int:
    """The bytes of the arrays in a cache."""
    return sum(one.nbytes for one in {id(one): one for one in _held(cache, array, 0)}.values())


def _held(value: Any, array: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, array):
        yield value
    elif depth < _MAX_DEPTH and isinstance(value, list | tuple):
        for item in value:
            yield from _held(item, array, depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, dict):
        yield from _held(list(value.values()), array, depth)
    elif depth < _MAX_DEPTH and hasattr(value, "__dict__"):
        yield from _held(list(vars(value).values()), array, depth + 1)
