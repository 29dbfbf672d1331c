"""mlx-vlm: text with images or audio in, text out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ..host import python_source
from .request import MAX_TOKENS, Generated, Request
from .time_limit import template_in_time

# Types that its table lacks under any name, and that their models and processors are made of.
_SPOKEN_LIKE = {"indic_ocr": ("qwen3_5",), "mistral_large3": ("mistral3",)}
# What a model's get_input_embeddings calls the audio that it takes.
_AUDIO = re.compile("audio|sound|speech|input_features")


class Support(NamedTuple):
    """What an installed mlx-vlm can load: `config.json`'s model types, lower case, sorted; and those of them that
    generate text from images, from audio, from text alone, or generate none."""

    model_types: tuple[str, ...] = ()
    image_types: tuple[str, ...] = ()
    audio_types: tuple[str, ...] = ()
    text_types: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()


def supported(package: Path) -> Support:
    """Reads, never imports, the package's folder: packages of models/ with Model and ModelConfig, and remapped names.

    mlx_vlm.generate asks a model for get_input_embeddings(input_ids, pixel_values, ...): what that does with its
    arguments tells what text is generated from. A folder that is no mlx-vlm, or half of one, supports less or nothing;
    nothing is raised.
    """
    takes: dict[str, set[str]] = {}
    for name in python_source.subpackages(package / "models"):
        file = package / "models" / name / "__init__.py"
        bound = python_source.names_in(python_source.read(file))
        if {"Model", "ModelConfig"} <= bound.keys():
            model = python_source.imported_class(file, bound["Model"], package) or python_source.find_class(
                file, "Model", package
            )
            takes[name] = _takes(model, package) if model else set()
    remapped = python_source.table(python_source.read(package / "utils.py"), "MODEL_REMAPPING")
    aliases = {name: takes[target] for name, target in remapped.items() if target in takes and name == name.lower()}
    loadable = {name: kinds for name, kinds in takes.items() if remapped.get(name, name) in takes} | aliases

    def types(kind: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, kinds in loadable.items() if kind in kinds))

    other = tuple(sorted(name for name, kinds in loadable.items() if not kinds))
    return Support(tuple(sorted(loadable)), types("images"), types("audio"), types("text"), other)


def _takes(model: python_source.Class, package: Path) -> set[str]:
    """Which of images, audio and text a Model generates text from; none where it does not generate text."""
    # Embedding and decision models inherit get_input_embeddings from the model that they were made of.
    if "EmbeddingOutput" in model.text or "\n    decision_types" in model.text:
        return set()
    text = python_source.method(model, "get_input_embeddings", package)
    if text.count("pixel_values") == 1 and not _AUDIO.search(text):
        return {"text"}  # nothing but the parameter: half of all, told without parsing
    embed = python_source.function(text)
    if embed is None or "pixel_values" not in [argument.arg for argument in embed.args.args]:
        return set()
    body = [node for node in embed.body if not _refuses(node, with_images=True)]
    taken: set[str] = set()
    if "pixel_values" in _words(body):
        taken.add("images")
    if _AUDIO.search(text) and any(map(_AUDIO.search, _words(body))):
        taken.add("audio")
    if not any(_refuses(node, with_images=False) for node in embed.body):
        taken.add("text")
    return taken


def _refuses(node: ast.stmt, with_images: bool) -> bool:
    """Whether a statement is an `if` on pixel_values that raises when there are images, or when there are none."""
    if not isinstance(node, ast.If):
        return False
    test, branch = ast.unparse(node.test), node.body
    if test == "pixel_values is not None" and not with_images:
        branch = node.orelse
        while len(branch) == 1 and isinstance(branch[0], ast.If):  # elif ... else
            branch = branch[0].orelse
    elif test != ("pixel_values is not None" if with_images else "pixel_values is None"):
        return False
    return bool(branch) and all(isinstance(inner, ast.Raise) for inner in branch)


def _words(body: list[ast.stmt]) -> Iterator[str]:
    """The names that are read, called or passed on, and the strings of one word, as in kwargs.get("audio_codes")."""
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


def open_model(folder: Path, lazy: bool = False) -> Any:
    """Loads model and processor from exactly this folder; raises whatever mlx-vlm raises.

    `lazy` leaves the tensors unread, which is all the difference between a load and a dry run.
    `trust_remote_code=False` reaches some of its processors only, so remote_code.py holds the rest.
    """
    return import_module("mlx_vlm").load(str(folder), lazy=lazy, trust_remote_code=False)


def generate(model: Any, request: Request) -> Iterator[Generated]:
    """The answer in pieces, with a placeholder in the prompt for each image and each audio file."""
    network, processor = model
    images = [str(file) for file in request.images]
    audio = [str(file) for file in request.audio]
    config = {"model_type": placeholder_type(network.config.model_type)}  # all that it reads
    said: Any = request.prompt
    if request.before:
        said = [_message(one.role, one.text, one.images) for one in request.before]
        said.append(_message("user", request.prompt, len(images) - sum(one.images for one in request.before)))
    apply_chat_template = import_module("mlx_vlm.prompt_utils").apply_chat_template
    with template_in_time():
        prompt = apply_chat_template(processor, config, said, num_images=len(images), num_audios=len(audio))
    # Unknown keywords are ignored there: these are the names that 0.7.10 reads.
    answer = import_module("mlx_vlm").stream_generate(
        network,
        processor,
        prompt,
        image=images or None,
        audio=audio or None,
        max_tokens=request.max_tokens or MAX_TOKENS,
        temperature=request.temperature,
        top_p=request.top_p,
        **({} if request.seed is None else {"seed": request.seed}),
    )
    yield from map(Generated.of, answer)


def _message(role: str, text: str, images: int) -> dict[str, Any]:
    """A message as mlx-vlm reads it: the images of a talk stay with the words that they came with."""
    if not images:
        return {"role": role, "content": text}
    return {"role": role, "content": [*({"type": "image"} for _ in range(images)), {"type": "text", "text": text}]}


def placeholder_type(model_type: str) -> str:
    """The type by which mlx-vlm knows where images go in the prompt, where it knows that under another name only.

    A type outside its table gets no placeholder, and `granite-vision` is outside, though loaded as `granite_vision`.
    """
    table: dict[str, Any] = import_module("mlx_vlm.prompt_utils").MODEL_CONFIG
    remapped: dict[str, str] = import_module("mlx_vlm.utils").MODEL_REMAPPING
    name = model_type.lower()
    target = remapped.get(name, name)
    same = [name, target, *sorted(other for other, its_target in remapped.items() if its_target == target)]
    return next((other for other in [*same, *_SPOKEN_LIKE.get(target, ())] if other in table), model_type)
