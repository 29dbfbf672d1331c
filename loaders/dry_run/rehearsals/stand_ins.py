"""What stands in a library's place during a dry run, so that it tells what it has and stops before it computes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any


class Computes(BaseException):
    """Raised where a library begins to compute. No Exception, so that nobody who catches those goes on."""


@contextmanager
def replaced(module: Any, functions: Mapping[str, Any]) -> Generator[None, None, None]:
    """While open, the module has these functions, by their names, in place of its own; names it lacks are left out."""
    originals = {name: getattr(module, name) for name in functions if hasattr(module, name)}
    for name in originals:
        setattr(module, name, functions[name])
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(module, name, original)


@contextmanager
def watched(
    module: Any, name: str, seen: Callable[[Any], None] | None = None, called: Callable[..., None] | None = None
) -> Generator[None, None, None]:
    """While open, `called` hears what the module's function is given, `seen` what it returns.

    A function that this version of the library does not have is not heard.
    """
    original = getattr(module, name, None)
    if original is None:
        yield
        return

    def function(*args: Any, **kwargs: Any) -> Any:
        if called is not None:
            called(*args)
        result = original(*args, **kwargs)
        if seen is not None:
            seen(result)
        return result

    with replaced(module, {name: function}):
        yield


@contextmanager
def nothing_computed() -> Generator[None, None, None]:
    """While open, `mx.eval` does nothing: mlx-vlm's recurrent layers ask for it in the middle of a call."""
    mx = import_module("mlx.core")

    def nothing(*_: Any) -> None: ...

    with replaced(mx, {"eval": nothing, "async_eval": nothing}):
        yield


@contextmanager
def stopping(model: Any) -> Generator[None, None, None]:
    """While open, a call of any part of the model raises Computes, whatever reaches it."""
    kinds = {type(part) for part in model.modules()}
    originals = {kind: kind.__dict__["__call__"] for kind in kinds if "__call__" in kind.__dict__}

    def stop(*_: Any, **__: Any) -> Any:
        raise Computes

    for kind in originals:
        kind.__call__ = stop
    try:
        yield
    finally:
        for kind, original in originals.items():
            kind.__call__ = original
