"""The types that facts and expressions have: sets of JMESPath's kinds, null among them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

KINDS = frozenset({"null", "boolean", "number", "string", "array", "object"})


class Type(NamedTuple):
    """What a value may be.

    kinds: which of JMESPath's kinds. item: the type of an array's elements (None: anything). fields: an object's known
    fields (None: any field, of any type). values: the only strings there are (None: any). sure: false of a list's
    elements, as of long lists not every one is looked at, and of what comes of them.
    """

    kinds: frozenset[str]
    item: "Type | None" = None
    fields: Mapping[str, "Type"] | None = None
    values: frozenset[str] | None = None
    sure: bool = True

    def __eq__(self, other: object) -> bool:
        # `sure` says of a type how it is known, not what it is.
        return self[:4] == other[:4] if isinstance(other, Type) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.kinds, self.item, self.values))

    @property
    def nullable(self) -> bool:
        return "null" in self.kinds

    @property
    def anything(self) -> bool:
        return self.kinds == KINDS

    def without_null(self) -> "Type":
        return Type(self.kinds - {"null"}, self.item, self.fields, self.values, self.sure)

    def or_null(self) -> "Type":
        return Type(self.kinds | {"null"}, self.item, self.fields, self.values, self.sure)

    @property
    def element(self) -> "Type":
        """The type of a list's elements."""
        return (self.item or ANYTHING).doubted()

    def doubted(self) -> "Type":
        """Return the same type, of what was not looked at."""
        return Type(self.kinds, self.item, self.fields, self.values, False)

    def union(self, other: "Type") -> "Type":
        """Return the type of a value that is of one of the two."""
        mine, theirs = self.kinds - {"null"}, other.kinds - {"null"}
        if not mine or not theirs:
            whole = other if not mine else self
            return Type(self.kinds | other.kinds, whole.item, whole.fields, whole.values, self.sure and other.sure)
        item = self.item if self.item == other.item else None
        fields = self.fields if self.fields == other.fields else None
        values = self.values | other.values if self.values is not None and other.values is not None else None
        return Type(self.kinds | other.kinds, item, fields, values, self.sure and other.sure)

    def __str__(self) -> str:
        if self.anything:
            return "anything"
        names: list[str] = []
        for kind in sorted(self.kinds - {"null"}):
            if kind == "array":
                names.append(f"list of {self.item}" if self.item is not None else "list")
            else:
                names.append(kind)
        if self.nullable:
            names.append("null")
        return " or ".join(names) or "nothing"


def _of(*kinds: str) -> Type:
    return Type(frozenset(kinds))


NULL, BOOLEAN, NUMBER, STRING, OBJECT, ARRAY = map(_of, ("null", "boolean", "number", "string", "object", "array"))
ANYTHING = Type(KINDS)
STRINGS = Type(frozenset({"array"}), item=STRING)
NUMBERS = INTEGERS = Type(frozenset({"array"}), item=NUMBER)


def list_of(item: Type) -> Type:
    """Return the type of a list whose elements are `item`."""
    return Type(frozenset({"array"}), item=item)


def kind_of(value: Any) -> str:
    """Return the JMESPath kind of a plain JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def type_of(value: Any) -> Type:
    """Return the type of a plain JSON value."""
    kind = kind_of(value)
    if kind == "string":
        return Type(frozenset({kind}), values=frozenset({value}))
    if kind == "array":
        item: Type | None = None
        for element in value:
            element_type = Type(frozenset({kind_of(element)}))
            item = element_type if item is None else item.union(element_type)
        return Type(frozenset({kind}), item=item if value else STRING)
    return Type(frozenset({kind}))
