"""jmespath's own interpreter with this project's functions: exact for every expression, and slow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jmespath import exceptions, functions
from jmespath.visitor import Options, TreeInterpreter

from ..facts.types import kind_of
from . import functions as ours


class WrongArgument(exceptions.JMESPathError):
    """A function of ours was called with a value of a type that it does not take."""


class RuleFunctions(functions.Functions):
    """jmespath's function table with ours beside it."""

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        resolved_args = list(resolved_args)
        function = ours.FUNCTIONS.get(function_name)
        if function is None or function.run is None:
            value = super().call_function(function_name, resolved_args)
            # to_number('nan') is null, as JMESPath says: Python's reading of numbers is wider than JSON's.
            return None if isinstance(value, float) and value - value != 0 else value
        if len(resolved_args) != len(function.takes):
            raise exceptions.ArityError(len(function.takes), len(resolved_args), function_name)
        for value, wanted in zip(resolved_args, function.takes, strict=True):
            if kind_of(value) not in wanted.kinds:
                raise WrongArgument(f"{function_name}() takes {wanted}, not {kind_of(value)}")
        return function.run(*resolved_args)


FUNCTIONS = RuleFunctions()
_interpreter: Any = TreeInterpreter(Options(custom_functions=FUNCTIONS))


def interpret(node: dict[str, Any], value: Any) -> Any:
    """Return the value of `node` over `value`. Raises jmespath's errors, and a bare TypeError where it does."""
    return _interpreter.visit(node, value)
