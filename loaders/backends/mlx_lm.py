"""mlx-lm: text in, text out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ..host import python_source
from .request import Request
from .time_limit import template_in_time

_MAX_TOKENS = 256


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


def generate(model: Any, request: Request) -> Iterator[str]:
    """The answer in pieces. The chat template is applied where the tokenizer has one; else the prompt is continued."""
    network, tokenizer = model
    prompt: Any = request.prompt
    if tokenizer.has_chat_template:
        messages = [{"role": "user", "content": prompt}]
        with template_in_time():
            prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    if not len(prompt):
        raise ValueError("the prompt has no tokens")  # mlx-lm would fail on an empty array, far from the cause
    sampler = import_module("mlx_lm.sample_utils").make_sampler(temp=request.temperature)
    answer = import_module("mlx_lm").stream_generate(
        network, tokenizer, prompt, max_tokens=request.max_tokens or _MAX_TOKENS, sampler=sampler
    )
    for piece in answer:
        yield piece.text
