"""Which tensors a library's Model cannot do without, read from the source of its classes and never run.

A module's parameters are named by the attributes that hold them: `self.model = LlamaModel(args)`, in it `self.layers =
[TransformerBlock(args) for _ in ...]`, in that `self.mlp = MLP(...)`, in that `self.up_proj = nn.Linear(...)` make
`model.layers.0.mlp.up_proj.weight`. What stands under an `if`, or is made by a class that cannot be followed, may be
there or not. Only where every tensor of a folder fits into that picture is anything said to be missing or too many.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from . import source, support_cache
from .installed import Installed
from .safetensors import Tensor
from .source import Class
from .tensors import language_config

# The layers of mlx.nn that hold a weight, and whether a bias is theirs by default.
_LEAVES = {
    **dict.fromkeys(("Embedding", "RMSNorm"), False),
    **dict.fromkeys(("Linear", "LayerNorm", "GroupNorm", "Conv1d", "Conv2d", "Conv3d"), True),
}
_ARRAYS = re.compile(r"mx\.(ones|zeros|full|random\.\w+)$")
_STRINGS = re.compile(r"""["']([\w.\-{}*\\()\[\]+|^$?]+)["']""")
# A sanitize that makes up for a missing output: `"lm_head.weight" not in weights`, `weights["lm_head.weight"] = ...`.
_OWN_OUTPUT = re.compile(r"""lm_head[\w.]*["'] not in|\[f?["'][^"'\]]*lm_head[^"'\]]*["']\]\s*=[^=]""")
_KEPT = ("needed", "tied", "leaves", "opaque", "strings", "makes_output")
_MAX_DEPTH = 12
_MAX_LISTED = 20


class Picture:
    """Patterns of names, `*` for a number: `needed` tensors, `leaves` that hold tensors, `opaque` parts that may hold
    anything; `tied` are needed only where the output is not tied to the embedding."""

    def __init__(
        self,
        needed: Iterable[str] = (),
        tied: Iterable[str] = (),
        leaves: Iterable[str] = (),
        opaque: Iterable[str] = (),
    ) -> None:
        self.needed, self.tied, self.leaves, self.opaque = set(needed), set(tied), set(leaves), set(opaque)
        self.files: set[Path] = set()


class Misfit(NamedTuple):
    """Tensors that the Model needs and no file has; its parts of which there is nothing at all; tensors that it has no
    place for. None: it cannot be told."""

    missing: list[str] | None = None
    parts: list[str] | None = None
    extra: list[str] | None = None


def misfit(
    file: Path,
    package: Installed,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any] | None,
    droppable: bool = False,
) -> Misfit:
    """Holds the tensors of a folder against the Model of a module's file.

    `droppable`: the backend goes on without a part of which there is nothing, the language model excepted; its tensors
    are then not told as missing.
    """
    picture, dropped, makes_output = _picture(file, package, _mark(file))
    torn = sorted(_torn(tensors))
    if picture is None:
        return Misfit(torn[:_MAX_LISTED] or None)
    found = set(tensors)
    by_pattern: dict[str, set[str]] = {}
    for name in found:
        by_pattern.setdefault(re.sub(r"(?<=\.)\d+(?=\.|$)", "*", name), set()).add(name)
    unknown = {pattern for pattern in by_pattern if not _fits(pattern, picture)}
    extra = [pattern for pattern in unknown if not _mentions(dropped, pattern)]
    if len(extra) < len(unknown):
        unknown = set(extra)  # what sanitize speaks of is dropped, or was already
    needed = picture.needed | (set() if _tied(config) is not False else picture.tied)
    missing = _instances(needed, found)
    if makes_output:
        missing = {name for name in missing if "lm_head" not in name}
    if unknown and missing:
        return Misfit(torn[:_MAX_LISTED] or None)  # names of another making, which sanitize may turn into these
    there = {name.partition(".")[0] for name in found}
    parts = sorted({name.partition(".")[0] for name in missing} - there)
    if droppable:
        missing = {name for name in missing if name.partition(".")[0] not in set(parts) - {"language_model"}}
    listed = sorted(min(by_pattern[pattern]) for pattern in extra)
    return Misfit(sorted({*missing, *torn})[:_MAX_LISTED], parts[:_MAX_LISTED], listed[:_MAX_LISTED])


def _torn(tensors: Mapping[str, Tensor]) -> Iterable[str]:
    """What packed weights lack: scales, and biases where the scales are of MLX's affine kind."""
    for name, tensor in tensors.items():
        if tensor.dtype == "U32" and name.endswith(".weight"):
            prefix = name.removesuffix("weight")
            scales = tensors.get(f"{prefix}scales")
            if scales is None and f"{prefix}biases" in tensors:
                yield f"{prefix}scales"
            elif scales is not None and scales.dtype != "U8" and f"{prefix}biases" not in tensors:
                yield f"{prefix}biases"


def _instances(needed: set[str], found: set[str]) -> set[str]:
    """The names that needed patterns stand for and that are not there; numbers are those that are there."""
    numbers: dict[str, set[str]] = {}
    for name in found:
        parts = name.split(".")
        for place, part in enumerate(parts):
            if part.isdecimal():
                numbers.setdefault(".".join(parts[:place]), set()).add(part)

    def expand(prefix: str, rest: list[str]) -> Iterable[str]:
        for place, part in enumerate(rest):
            if part == "*":
                for number in numbers.get(prefix, {"0"}):
                    yield from expand(f"{prefix}.{number}", rest[place + 1 :])
                return
            prefix = f"{prefix}.{part}" if prefix else part
        yield prefix

    return {name for pattern in needed for name in expand("", pattern.split(".")) if name not in found}


def _fits(pattern: str, picture: Picture) -> bool:
    if pattern in picture.needed or pattern in picture.tied or pattern.rpartition(".")[0] in picture.leaves:
        return True
    parts = pattern.split(".")
    return any(".".join(parts[:count]) in picture.opaque for count in range(1, len(parts) + 1))


def _tied(config: Mapping[str, Any] | None) -> bool | None:
    """Whether the output is the embedding; None where config does not say so, or says both."""
    said = {part.get("tie_word_embeddings") for part in (config or {}, language_config(config))} - {None}
    return next(iter(said)) is True if len(said) == 1 else None


def _mentions(text: str, pattern: str) -> bool:
    """Whether sanitize, where names are dropped and changed, speaks of a part of this one."""
    parts = [part for part in pattern.split(".") if part not in ("*", "weight", "bias", "model", "layers", "scales")]
    return any(part in text for part in parts) or "*" in pattern.split(".")[:1]


def _mark(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=64)  # a program that lists a hundred models asks for few types
def _picture(file: Path, package: Installed, _: int) -> tuple[Picture | None, str, bool]:
    """The picture; the strings in its files that may be parts of names; and whether sanitize makes an output."""
    part = f"tensors-{file.parent.name if file.stem == '__init__' else file.stem}"
    lists = support_cache.get(package, _KEPT, part)
    if lists is None:
        lists = _drawn(file, package.path)
        support_cache.put(package, lists, part)
    picture = Picture(*(lists[name] for name in _KEPT[:4])) if lists["needed"] else None
    return picture, "\n".join(lists["strings"]), bool(lists["makes_output"])


def _drawn(file: Path, package: Path) -> dict[str, list[str]]:
    model = source.find_class(file, "Model", package)
    if model is None:
        bound = source.names_in(source.read(file)).get("Model")
        model = source.imported_class(file, bound, package) if bound else None
    picture = Picture()
    if model is not None:
        _Walk(package, picture).enter(model, "", 0)
    text = "\n".join(source.read(one) for one in sorted(picture.files))
    return {
        **{name: sorted(getattr(picture, name)) for name in _KEPT[:4]},
        "strings": sorted(set(_STRINGS.findall(text))),
        "makes_output": ["yes"] if _OWN_OUTPUT.search(text) else [],
    }


class _Walk:
    def __init__(self, package: Path, picture: Picture) -> None:
        self.package, self.picture = package, picture

    def enter(self, found: Class, prefix: str, depth: int) -> None:
        """Adds what the class and its bases make in __init__, below `prefix`."""
        self.picture.files.add(found.file)
        text = source.method(found, "__init__", self.package)
        init = source.function(text) if text else None
        if init is None or depth > _MAX_DEPTH:
            self.picture.opaque.add(prefix)
            return
        owner = next(
            (one for one in source.bases(found, self.package) if source.block(one.text, "def __init__", indent=4)),
            found,
        )
        if "super().__init__(" in text and len(parents := list(source.bases(owner, self.package))) > 1:
            self.enter(parents[1], prefix, depth + 1)
        for node in init.body:
            self.statement(node, owner, prefix, depth)

    def statement(self, node: ast.stmt, owner: Class, prefix: str, depth: int) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            name = _attribute(node.targets[0])
            if name:
                self.attribute(f"{prefix}.{name}" if prefix else name, node.value, owner, depth)
            return
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("tie_word_embeddings") and not node.orelse:
            for inner in node.body:
                name = _attribute(inner.targets[0]) if isinstance(inner, ast.Assign) else None
                if name and isinstance(inner, ast.Assign) and _called(inner.value) == "nn.Linear":
                    path = f"{prefix}.{name}" if prefix else name
                    self.picture.leaves.add(path)
                    self.picture.tied.add(f"{path}.weight")
            return
        for inner in ast.walk(node):  # under a condition: it may be there, and be anything
            targets = inner.targets if isinstance(inner, ast.Assign) else []
            for target in targets:
                name = _attribute(target)
                if name:
                    self.uncertain(f"{prefix}.{name}" if prefix else name)

    def uncertain(self, path: str) -> None:
        self.picture.opaque.add(path)
        below: Callable[[str], bool] = lambda name: name == path or name.startswith(f"{path}.")  # noqa: E731
        self.picture.needed = {name for name in self.picture.needed if not below(name)}

    def attribute(self, path: str, value: ast.expr, owner: Class, depth: int) -> None:
        called = _called(value)
        if isinstance(value, ast.ListComp) and len(value.generators) == 1 and not value.generators[0].ifs:
            self.attribute(f"{path}.*", value.elt, owner, depth)
        elif called.startswith("nn.") and isinstance(value, ast.Call):
            self.leaf(path, value, called.removeprefix("nn."))
        elif _ARRAYS.match(called):
            self.picture.needed.add(path)
        elif called.isidentifier():
            self.inner(path, source.find_class(owner.file, called, self.package), depth)
        elif called.count(".") == 1 and (module := self.module(owner.file, called.partition(".")[0])):
            self.inner(path, source.find_class(module, called.partition(".")[2], self.package), depth)
        elif not isinstance(value, ast.Constant | ast.Name | ast.Attribute):
            self.uncertain(path)

    def module(self, file: Path, name: str) -> Path | None:
        """The file that `from . import name` speaks of."""
        origin = source.names_in(source.read(file)).get(name)
        if origin is None or origin.dots != 1 or origin.module:
            return None
        target = file.parent / f"{origin.name}.py"
        return target if target.is_file() else None

    def inner(self, path: str, found: Class | None, depth: int) -> None:
        if found is None:
            self.uncertain(path)
        else:
            self.enter(found, path, depth + 1)

    def leaf(self, path: str, value: ast.Call, kind: str) -> None:
        """A layer of mlx.nn; its keywords may say that it has no bias, or nothing at all."""
        if kind not in _LEAVES:
            self.uncertain(path)
            return
        self.picture.leaves.add(path)
        said = {keyword.arg: keyword.value for keyword in value.keywords}
        if "affine" in said or None in said:
            return
        self.picture.needed.add(f"{path}.weight")
        bias = said.get("bias")
        told = bias is None or (isinstance(bias, ast.Constant) and bias.value is True)
        if _LEAVES[kind] and told and len(value.args) <= 3:
            self.picture.needed.add(f"{path}.bias")


def _attribute(target: ast.expr) -> str | None:
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return None if target.attr.startswith("_") else target.attr
    return None


def _called(value: ast.expr) -> str:
    return ast.unparse(value.func) if isinstance(value, ast.Call) else ""
