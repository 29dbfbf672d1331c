"""mlx-audio: speech in, text out."""

from __future__ import annotations

import ast
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

from ..host import python_source
from ..problems import LoaderError
from .request import Generated, Request


class Support(NamedTuple):
    """What an installed mlx-audio can load: `config.json`'s model types, case as mlx-audio wants it, sorted; those that
    make text of speech, those that make speech of text, and those of speech-to-text's own that make no text alone."""

    model_types: tuple[str, ...] = ()
    tts_types: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()


def supported(package: Path) -> Support:
    """Reads, never imports, the package's folder: packages of stt/models and tts/models, and the remapped names.

    A speech-to-text model must have a generate that needs nothing but the audio: not so an aligner, which wants the
    text too, nor a bare encoder. A folder that is no mlx-audio, or half of one, supports less or nothing; nothing is
    raised.
    """
    models = set(_models(package / "stt"))
    speech = {name for name in models if _transcribes(package / "stt/models" / name, package)}
    tts = _types(package / "tts", set(_models(package / "tts")))
    return Support(_types(package / "stt", speech), tts, _types(package / "stt", models - speech))


def _types(kind: Path, models: set[str]) -> tuple[str, ...]:
    text = python_source.read(kind / "utils.py")
    load = python_source.function(python_source.block(text, "def load_model"))
    remapped = python_source.table(text, "MODEL_REMAPPING") | (dict(_aliases(load)) if load else {})
    loadable = {name for name in models if remapped.get(name, name) in models}
    return tuple(sorted(loadable | {name for name, target in remapped.items() if target in models}))


def _aliases(load: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """The names that code, and no table, remaps: `if source_model_type == "a": kwargs["model_type"] = "b"`."""
    for node in ast.walk(load):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and len(node.test.comparators) == 1:
            name, body = node.test.comparators[0], node.body[0]
            if isinstance(name, ast.Constant) and isinstance(body, ast.Assign) and isinstance(body.value, ast.Constant):
                target = body.targets[0]
                if isinstance(target, ast.Subscript) and ast.unparse(target.slice) == "'model_type'":
                    yield str(name.value), str(body.value.value)


def _models(kind: Path) -> list[str]:
    names = python_source.subpackages(kind / "models")
    return [name for name in names if "Model" in _bindings(kind / "models" / name / "__init__.py")]


def _transcribes(folder: Path, package: Path) -> bool:
    model = python_source.find_class(folder / "__init__.py", "Model", package)
    if model is None:
        return False
    generate = python_source.function(python_source.method(model, "generate", package))
    if generate is None:  # qwen3_asr hands everything on to the model inside
        return bool(python_source.method(model, "__getattr__", package))
    needed = len(generate.args.args) - len(generate.args.defaults) - 1
    return needed <= 1 and all(default is not None for default in generate.args.kw_defaults)


def _bindings(file: Path) -> dict[str, python_source.Origin | None]:
    return python_source.names_in(python_source.read(file))


def open_model(folder: Path, lazy: bool = False) -> Any:
    """Loads the model that config.json names, from exactly this folder; raises whatever mlx-audio raises.

    `lazy` leaves the tensors unread, which is all the difference between a load and a dry run. Raises ValueError where
    config.json names no type: mlx-audio would then guess it from the folder's name. Parakeet's conversions keep NeMo's
    config, which has a `target` and no type.
    """
    config = import_module("mlx_audio.utils").load_config(folder)
    options: dict[str, Any] = {}
    if import_module("mlx_audio.registry").model_type_from_config(config) is None:
        if not str(config.get("target")).startswith("nemo.collections.asr.models."):
            raise ValueError("config.json names no model_type")
        options["model_type"] = "parakeet"
    with _all_but_extra():
        # No parts of the name: it would win over config.json (a whisper in a folder `glm-x` loads as glmasr).
        load = import_module("mlx_audio.stt").load_model
        return load(folder, lazy=lazy, strict=True, model_name_parts=[], **options)


@contextmanager
def _all_but_extra() -> Generator[None, None, None]:
    """While open, a strict load takes no notice of tensors that the model has no place for.

    mlx-audio by default leaves what is missing random, which nobody wants, and ignores what is extra, which published
    checkpoints need: whisper's hold `alignment_heads`.
    """
    module: Any = import_module("mlx.nn").Module
    flatten: Any = import_module("mlx.utils").tree_flatten
    original = module.load_weights

    def load_weights(self: Any, weights: Any, strict: bool = True) -> Any:
        if strict and isinstance(weights, list):
            own = {name for name, _ in flatten(self.parameters())}
            weights = [(name, array) for name, array in cast("list[tuple[str, Any]]", weights) if name in own]
        return original(self, weights, strict)

    module.load_weights = load_weights
    try:
        yield
    finally:
        module.load_weights = original


def generate(model: Any, request: Request) -> Iterator[Generated]:
    """The text of each audio file, whole, one a piece, newline between them.

    The prompt goes to models whose generate has a `prompt` (granite-speech, qwen2-audio, moss: an instruction) and is
    left out otherwise: whisper's `initial_prompt` and the like are words that came before, which bias what is heard.
    Not streamed: whisper's streaming is another decoder with other results, and others stream in other units.
    """
    from inspect import signature  # 5 ms, and only a run pays for it

    taken = set(signature(model.generate).parameters)
    options: dict[str, Any] = {}
    if "temperature" in taken:
        options["temperature"] = request.temperature
    if request.max_tokens is not None:
        if "max_tokens" in taken:
            options["max_tokens"] = request.max_tokens
        elif "decode_options" in taken:  # whisper, for each stretch of 30 s
            options["sample_len"] = request.max_tokens
    if "prompt" in taken and request.prompt.strip():
        options["prompt"] = request.prompt
    if request.language is not None:
        if "language" not in taken:
            raise LoaderError(
                "bad_argument", "the model takes no language: it tells by itself, or knows one", "leave --language out"
            )
        options["language"] = request.language
    if request.top_p < 1 and "top_p" in taken:
        options["top_p"] = request.top_p
    if request.seed is not None:
        import_module("mlx.core").random.seed(request.seed)
    if "return_timestamps" in taken:
        options["return_timestamps"] = False
    for number, file in enumerate(request.audio):
        text = _text(model.generate(str(file), **options)).strip()
        yield Generated(f"\n{text}" if number else text)


def _text(result: Any) -> str:
    """A result is an object with a text, a string, or (some models) an iterator of either."""
    if isinstance(result, str):
        return result
    if isinstance(text := getattr(result, "text", None), str):
        return text
    if hasattr(result, "__iter__"):
        return "".join(_text(part) for part in result)
    raise TypeError(f"a transcript of an unknown kind, {type(result).__name__}")
