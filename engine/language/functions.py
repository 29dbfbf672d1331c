"""The functions of the expression language: JMESPath's own with their types, and those that rules need beyond them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..facts.types import ANYTHING, ARRAY, BOOLEAN, NUMBER, NUMBERS, OBJECT, STRING, STRINGS, Type
from .function_code import OURS as RUN

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BOOL, _TEXT, _LIST = BOOLEAN, STRING.or_null(), ARRAY
_MACHINE_SUMS = Type(
    frozenset({"object"}),
    fields={"rows": ARRAY, **dict.fromkeys(("over_memory", "over_limit", "over_loading", "unknown"), STRINGS)},
)


class Function(NamedTuple):
    """A function's name, the types it takes and gives, one sentence, and, where it is ours, what runs."""

    name: str
    takes: tuple[Type, ...]
    gives: Type
    means: str
    variadic: bool = False
    run: Callable[..., Any] | None = None

    @property
    def signature(self) -> str:
        more = ", ..." if self.variadic else ""
        return f"{self.name}({', '.join(map(str, self.takes))}{more}) -> {self.gives}"


OURS = (
    Function("lower", (_TEXT,), _TEXT, "the text in lower case; null of null", run=RUN["lower"]),
    Function("text", (ANYTHING,), STRING, "the value if it is a string, else the empty string", run=RUN["text"]),
    Function(
        "has_text", (ANYTHING,), _BOOL, "whether the value is a string with a visible character", run=RUN["has_text"]
    ),
    Function("has_key", (ANYTHING, STRING), _BOOL, "whether the value is an object with that key", run=RUN["has_key"]),
    Function(
        "truthy",
        (ANYTHING,),
        _BOOL,
        "whether the value is none of null, false, 0, and an empty string, list or object",
        run=RUN["truthy"],
    ),
    Function("has_any", (_TEXT, STRINGS), _BOOL, "whether the text contains any of the strings", run=RUN["has_any"]),
    Function("shares", (ANYTHING, STRINGS), _BOOL, "whether the list holds any of the strings", run=RUN["shares"]),
    Function(
        "any_ends_with",
        (ANYTHING, STRINGS),
        _BOOL,
        "whether the list holds a text with one of the endings",
        run=RUN["any_ends_with"],
    ),
    Function("true_keys", (OBJECT,), STRINGS, "the keys whose value is true, in order", run=RUN["true_keys"]),
    Function(
        "glob",
        (STRINGS, STRING),
        STRINGS,
        "the paths that match the pattern: * ? [0-9] within a part, ** for any depth",
        run=RUN["glob"],
    ),
    Function(
        "ratio",
        (NUMBER.or_null(), NUMBER.or_null()),
        NUMBER.or_null(),
        "the first number over the second; null when either is null or the second is 0",
        run=RUN["ratio"],
    ),
    Function("size", (NUMBER.or_null(),), STRING, "bytes as KB, MB, GB, TB of 1024 each, as text", run=RUN["size"]),
    Function("product", (NUMBERS,), NUMBER, "the product of a list of numbers", run=RUN["product"]),
    Function("percent", (NUMBER.or_null(),), STRING, "a share of 1 as a whole percentage", run=RUN["percent"]),
    Function(
        "at_least",
        (ANYTHING, STRING),
        _BOOL,
        "whether a version (text, or a list of numbers) is that version or later; false for null",
        run=RUN["at_least"],
    ),
    Function(
        "look_up",
        (OBJECT, _TEXT),
        ANYTHING,
        "the value that an object has under a name; null where it has none. Its type is that of the object's values",
        run=RUN["look_up"],
    ),
    Function(
        "cache_bytes",
        (OBJECT.or_null(), NUMBER.or_null()),
        NUMBER.or_null(),
        "the bytes of a cache at so many tokens: its fixed_bytes, and of each of its parts bytes_per_token for each"
        " token, in whole step_tokens and up to max_tokens; null of null",
        run=RUN["cache_bytes"],
    ),
    Function(
        "prompt_bytes",
        (OBJECT.or_null(), NUMBER, NUMBER),
        NUMBER.or_null(),
        "the bytes of a prompt of so many tokens, read in steps of so many: its fixed_bytes, bytes_per_token of a step,"
        " and bytes_per_pair of one of its tokens with each so far; null of null",
        run=RUN["prompt_bytes"],
    ),
    Function(
        "machine_sums",
        (_LIST, NUMBER, NUMBER, NUMBER, NUMBER),
        _MACHINE_SUMS,
        "what each of `machines.hosts` needs at so many tokens, read in steps of so many, with the share of its memory"
        " that may be used and the share that there is: `rows`, and as sentences those that are `over_memory`,"
        " `over_limit` or `over_loading`; `unknown` are the names of those whose memory is not known",
        run=RUN["machine_sums"],
    ),
)

_COLLECTION = Type(frozenset({"string", "array", "object"}))
_ORDERABLE = ARRAY
THEIRS = (
    Function("abs", (NUMBER,), NUMBER, "the absolute value"),
    Function("avg", (NUMBERS,), NUMBER.or_null(), "the mean of a list of numbers"),
    Function(
        "contains",
        (Type(frozenset({"array", "string"})), ANYTHING),
        _BOOL,
        "whether the list holds the value, or the string the part",
    ),
    Function("ceil", (NUMBER,), NUMBER, "the next whole number above"),
    Function("ends_with", (STRING, STRING), _BOOL, "whether the string ends with the other"),
    Function("floor", (NUMBER,), NUMBER, "the next whole number below"),
    Function("join", (STRING, STRINGS), STRING, "the strings with the first between them"),
    Function("keys", (OBJECT,), STRINGS, "an object's keys"),
    Function("length", (_COLLECTION,), NUMBER, "how many characters, elements or keys"),
    Function("map", (ANYTHING, _LIST), _LIST, "an expression over a list"),
    Function("max", (_ORDERABLE,), ANYTHING, "the greatest"),
    Function("max_by", (_LIST, ANYTHING), ANYTHING, "the element with the greatest value of an expression"),
    Function("merge", (OBJECT,), OBJECT, "objects put together", variadic=True),
    Function("min", (_ORDERABLE,), ANYTHING, "the least"),
    Function("min_by", (_LIST, ANYTHING), ANYTHING, "the element with the least value of an expression"),
    Function("not_null", (ANYTHING,), ANYTHING, "the first that is not null", variadic=True),
    Function("reverse", (Type(frozenset({"array", "string"})),), ANYTHING, "the other way round"),
    Function("sort", (_ORDERABLE,), _LIST, "in order"),
    Function("sort_by", (_LIST, ANYTHING), _LIST, "in order of an expression"),
    Function("starts_with", (STRING, STRING), _BOOL, "whether the string starts with the other"),
    Function("sum", (NUMBERS,), NUMBER, "the sum of a list of numbers"),
    Function("to_array", (ANYTHING,), _LIST, "the value as a list"),
    Function("to_number", (ANYTHING,), NUMBER.or_null(), "the value as a number, or null"),
    Function("to_string", (ANYTHING,), STRING, "the value as a string, JSON where it is none"),
    Function("type", (ANYTHING,), STRING, "the kind of the value: string, number, boolean, array, object, null"),
    Function("values", (OBJECT,), _LIST, "an object's values"),
)
FUNCTIONS = {function.name: function for function in (*THEIRS, *OURS)}
