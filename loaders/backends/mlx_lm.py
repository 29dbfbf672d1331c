"""mlx-lm: text in, text out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from ..host import python_source
from ..problems import LoaderError
from .request import MAX_TOKENS, Generated, Remembered, Request, refuse_long_prompt
from .time_limit import template_in_time


class Support(NamedTuple):
    """What an installed mlx-lm can load: `config.json`'s model types, case as mlx-lm wants it, sorted."""

    model_types: tuple[str, ...] = ()


def supported(package: Path) -> Support:
    """Reads, never imports, the package's folder: modules of models/ with Model and ModelArgs, and the remapped names.

    A folder that is no mlx-lm, or half of one, supports less or nothing; nothing is raised.
    """
    modules = {
        name for name in python_source.modules(package / "models") if _is_model(package / "models" / f"{name}.py")
    }
    remapped = python_source.table(python_source.read(package / "utils.py"), "MODEL_REMAPPING")
    loadable = {name for name in modules if remapped.get(name, name) in modules}
    return Support(tuple(sorted(loadable | {name for name, target in remapped.items() if target in modules})))


def _is_model(file: Path) -> bool:
    text = python_source.read(file)
    if "sys.exit(" in text and python_source.wants_missing_package(python_source.parse(text)):
        return False  # olmo ends the process that imports it where ai2-olmo is not installed
    if "\nclass Model(" in text and "\nclass ModelArgs(" in text:
        return True  # nearly all: parsing every file would take 20 times as long
    return " ModelArgs" in text and {"Model", "ModelArgs"} <= python_source.names_in(text).keys()


def open_model(folder: Path, lazy: bool = False) -> Any:
    """Loads model and tokenizer from exactly this folder; raises whatever mlx-lm raises.

    `lazy` leaves the tensors unread, which is all the difference between a load and a dry run.
    """
    # Without the explicit False, transformers asks on stdin whether to run a tokenizer's code.
    load = import_module("mlx_lm").load
    return load(str(folder), tokenizer_config={"trust_remote_code": False}, lazy=lazy, trust_remote_code=False)


def generate(model: Any, request: Request) -> Iterator[Generated]:
    """The answer in pieces. The chat template is applied where the tokenizer has one; else the prompt is continued."""
    network, tokenizer = model
    prompt: Any = request.prompt
    if tokenizer.has_chat_template:
        said = [{"role": one.role, "content": one.text} for one in request.before]
        messages = [*said, {"role": "user", "content": prompt}]
        with template_in_time():
            prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    elif any(one.role == "system" for one in request.before):
        raise LoaderError("bad_argument", "the model has no chat template, and takes no system prompt")
    if not len(prompt):
        raise ValueError("the prompt has no tokens")  # mlx-lm would fail on an empty array, far from the cause
    if request.context_tokens is not None:
        count = len(tokenizer.encode(prompt) if isinstance(prompt, str) else prompt)
        refuse_long_prompt(count, request.context_tokens)
    if request.seed is not None:
        import_module("mlx.core").random.seed(request.seed)
    # To mlx-lm 0 means all of them, and 1 too.
    sampler = import_module("mlx_lm.sample_utils").make_sampler(temp=request.temperature, top_p=request.top_p)
    limits = {"max_tokens": request.max_tokens or MAX_TOKENS, "sampler": sampler}
    if request.remembered is None or isinstance(prompt, str):
        answer = import_module("mlx_lm").stream_generate(network, tokenizer, prompt, **limits)
        yield from map(Generated.of, answer)
    else:
        yield from _continued(network, tokenizer, list(prompt), request.remembered, limits)


def _continued(
    network: Any, tokenizer: Any, prompt: list[int], remembered: Remembered, limits: dict[str, Any]
) -> Iterator[Generated]:
    """The answer of a talk: what the cache holds of the prompt already is not read again."""
    kept = import_module("mlx_lm.models.cache")
    known = list(takewhile(lambda pair: pair[0] == pair[1], zip(remembered.tokens, prompt[:-1], strict=False)))
    offset = getattr(remembered.cache[0], "offset", None) if remembered.cache else None
    if known and isinstance(offset, int) and offset >= len(known) and kept.can_trim_prompt_cache(remembered.cache):
        kept.trim_prompt_cache(remembered.cache, offset - len(known))
    else:  # a cache that cannot forget is made anew
        known, remembered.cache = [], kept.make_prompt_cache(network)
    remembered.tokens = list(prompt)
    answer = import_module("mlx_lm").stream_generate(
        network, tokenizer, prompt[len(known) :], prompt_cache=remembered.cache, **limits
    )
    for piece in answer:
        remembered.tokens.append(int(piece.token))
        yield Generated.of(piece)._replace(prompt_tokens=len(prompt))
