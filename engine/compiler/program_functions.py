"""Makes a program's functions run: those of the shipped rule files come with the package, others are written anew.

A program that was kept says which functions it wants by digests alone. So nothing that is kept on disk is executed: a
digest picks from what is installed, or else the function is written from the expression's syntax tree, which is data.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

from . import shipped
from .code_names import namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from .program import Guard, Program

    Function = Callable[[dict[str, Any]], Any]


def functions_of(program: Program, numbers: Iterable[int]) -> list[Function]:
    """Return the functions of a program that have these numbers, each of a scope."""

    def write() -> Mapping[int, str]:
        from .program_builder import written  # hardly any is another than those that are shipped

        return written(program)

    digests = tuple([program.functions[number] for number in numbers])
    return run(digests, program.constants, program.guards, write)


def run(
    digests: tuple[int, ...],
    constants: Mapping[str, Any],
    guards: Mapping[str, Guard],
    write: Callable[[], Mapping[int, str]],
) -> list[Function]:
    """Return the functions of these digests, whose code names `constants` and `guards`.

    write: gives the code of all of them by digest, and is asked only where one is not shipped.
    """
    names = namespace(constants, guards)
    known = shipped.functions(digests)
    if missing := set(digests) - known.keys():
        lines = (f"{digest}: lambda s: {text},\n" for digest, text in write().items() if digest in missing)
        exec(compile(f"own = {{{''.join(lines)}}}", "<policy>", "exec"), names)
        known = {**known, **names["own"]}
    return [FunctionType(known[digest].__code__, names) for digest in digests]
