"""A rule file's text as a tree of values that know where they stand.

Built from libyaml's events and not by its composer, which overflows the stack on deep nesting. Aliases, tags and
duplicate keys are refused here, so that what is read is what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from ..problems import PolicyError, Problem, Problems
from .source import Source

MAX_DEPTH = 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is 9 times as fast, and not everywhere
_STR = "tag:yaml.org,2002:str"
_SURROGATE = re.compile("[\ud800-\udfff]")
# PyYAML's own, and what escapes its parser in Python: of `\UFFFFFFFF` it makes an OverflowError.
_REFUSALS = (yaml.YAMLError, ValueError, OverflowError, RecursionError)
_SCALARS = yaml.constructor.SafeConstructor()


class Node(NamedTuple):
    """One YAML value. kind: mapping, sequence, or a scalar's string, integer, float, boolean, null, other.

    The kind broken has no value: what is wrong with it was said, and nothing more is to be said of it.

    value: for a mapping a tuple of (key node, value node), for a sequence a tuple of nodes, else the plain value.
    start, end: character offsets in the source. written: a scalar's text.
    """

    kind: str
    value: Any
    start: int
    end: int
    written: str = ""

    @property
    def items(self) -> tuple[tuple[Node, Node], ...]:
        return self.value if self.kind == "mapping" else ()

    @property
    def elements(self) -> tuple[Node, ...]:
        return self.value if self.kind == "sequence" else ()

    def plain(self) -> Any:
        """Return the value as plain Python: dicts, lists and scalars."""
        if self.kind == "mapping":
            return {key.value: value.plain() for key, value in self.items}
        if self.kind == "sequence":
            return [element.plain() for element in self.elements]
        return self.value


@dataclass(frozen=True, slots=True)
class Composed:
    """A file's one document, and what is wrong with it that lets it be read on. doubled: top keys that stand twice."""

    root: Node
    problems: tuple[Problem, ...]
    doubled: frozenset[str]


def compose(source: Source) -> Node:
    """Return the one document of `source`. Raises PolicyError with a place where the YAML is not plain and sound."""
    composed = compose_on(source)
    if composed.problems:
        raise PolicyError(composed.problems)
    return composed.root


def compose_on(source: Source) -> Composed:
    """Return the one document of `source`, and the problems after which reading could go on.

    Raises PolicyError where it could not.
    """
    builder = _Builder(source)
    try:
        return builder.composed(source.text)
    except _REFUSALS as error:
        raise _refused(source, error, builder.problems) from None


def _refused(source: Source, error: Exception, noted: Sequence[Problem]) -> PolicyError:
    """Return our own words for what the parser refused.

    A parser that reads ahead meets an error, or a bound on nesting of its own, before we see what nests deeper than our
    bound. What stands before its place is read again, so that ours speaks first with every parser.
    """
    from .yaml_errors import places, refusal  # only who is wrong pays for it

    begin, index = places(error) or (_reached(source.text),) * 2
    try:
        _Builder(source).composed(source.text[:begin])
    except PolicyError as before:
        if any(problem.code == "too-deep" for problem in before.problems):
            return before
    except _REFUSALS:
        pass
    problem = refusal(source, error, begin, index)
    return PolicyError([*(p for p in noted if p.line < problem.line), problem])


def _reached(text: str) -> int:
    """Return where in the text the last value ends that the parser gives."""
    index = 0
    try:
        for event in yaml.parse(text, _LOADER):
            index = event.end_mark.index
    except _REFUSALS:
        pass
    return index


class _Builder:
    loader: Any
    event: Callable[[], Any]

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems = Problems()
        self.doubled: set[str] = set()
        self.plain: dict[str, tuple[str, Any]] = {}  # kind and value of unquoted scalars, by their text

    def composed(self, text: str) -> Composed:
        """Return the one document of a text: the source's, or its first part."""
        self.loader = _LOADER(text)
        self.event = self.loader.get_event
        try:
            return Composed(self.document(), tuple(self.problems), frozenset(self.doubled))
        finally:
            self.loader.dispose()

    def document(self) -> Node:
        root: Node | None = None
        while self.loader.check_event():
            event = self.event()
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._failure(
                        "more-than-one-document", "a second document starts here", "keep one per file", event
                    )
                root = self._value(self.event(), 0)
        if root is None:
            raise PolicyError([self.source.problem("empty-file", "the file is empty", "see rules/policy.yaml", 0)])
        return root

    def _failure(self, code: str, message: str, help: str, event: Any) -> PolicyError:
        return PolicyError([*self.problems, self.source.problem(code, message, help, event.start_mark.index)])

    def _value(self, event: Any, depth: int) -> Node:
        if event.__class__ is yaml.ScalarEvent and event.tag is None and depth <= MAX_DEPTH:
            return self._scalar(event)  # as most are
        if isinstance(event, yaml.AliasEvent):
            raise self._failure("alias", f"the alias `*{event.anchor}` is not allowed", "write the value out", event)
        if depth > MAX_DEPTH:
            raise self._failure(
                "too-deep", f"nested deeper than {MAX_DEPTH}", "a policy has five levels at most", event
            )
        if event.tag is not None and event.tag not in (_STR, "!"):
            help = "quote the whole value if the ! is part of it; a tag is not needed: values are plain here"
            message = f"the ! begins a YAML tag, `{event.tag[:60]}`, which is not allowed"
            self.problems.append(self.source.problem("tag", message, help, event.start_mark.index))
            untagged = self._untagged(event, depth)
            return Node("broken", None, untagged.start, untagged.end, untagged.written)
        return self._untagged(event, depth)

    def _untagged(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        start = event.start_mark.index
        if isinstance(event, yaml.SequenceStartEvent):
            elements: list[Node] = []
            while not isinstance(inner := self.event(), yaml.SequenceEndEvent):
                elements.append(self._value(inner, depth + 1))
            return Node("sequence", tuple(elements), start, inner.end_mark.index)
        pairs: list[tuple[Node, Node]] = []
        seen: dict[Any, Node] = {}
        while not isinstance(inner := self.event(), yaml.MappingEndEvent):
            key = self._value(inner, depth + 1)
            value = self._value(self.event(), depth + 1)
            if key.kind == "broken":
                continue
            if key.kind in ("mapping", "sequence"):
                self._note("key", "a key is a word, not a list or mapping", "write the key as text", key)
                continue
            if key.written in seen:
                first = self.source.problem("", "", "", seen[key.written].start).line
                help = f"keep one of them (the other is in line {first})"
                self._note("duplicate-key", f"the key `{key.written[:60]}` stands twice", help, key)
                if depth == 0:
                    self.doubled.add(key.written)
                continue
            seen[key.written] = key
            pairs.append((key, value))
        return Node("mapping", tuple(pairs), start, inner.end_mark.index)

    def _note(self, code: str, message: str, help: str, node: Node) -> None:
        self.problems.append(self.source.problem(code, message, help, node.start, node.end - node.start))

    def _scalar(self, event: Any) -> Node:
        start, end, text = event.start_mark.index, event.end_mark.index, event.value
        if event.tag is not None or not event.implicit[0]:
            if not text.isascii() and _SURROGATE.search(text):
                # PyYAML's own parser lets pass what libyaml refuses in these words.
                words = "while parsing a quoted scalar", event.start_mark, "found invalid Unicode character escape code"
                raise yaml.MarkedYAMLError(*words, event.end_mark)
            return Node("string", text, start, end, text)
        known = self.plain.get(text)
        if known is None:
            known = self.plain[text] = self._plain(text)
        return Node(*known, start, end, text)

    def _plain(self, text: str) -> tuple[str, Any]:
        """Return the kind and the value of an unquoted scalar."""
        tag = self.loader.resolve(yaml.ScalarNode, text, (True, False))
        kind = str(tag).rpartition(":")[2]
        if kind == "str":
            return "string", text
        if kind in ("int", "float", "bool", "null"):
            try:
                value = getattr(_SCALARS, f"construct_yaml_{kind}")(yaml.ScalarNode(tag, text))
            except (ValueError, OverflowError, KeyError):
                value, kind = text, "other"
        else:
            value, kind = text, "other"
        return {"int": "integer", "bool": "boolean"}.get(kind, kind), value


_ESCAPED = {"x": 2, "u": 4, "U": 8}  # how many digits follow


def offset_in(source: Source, node: Node, position: int) -> int:
    """Return where in the source the character `position` of a scalar's text stands, through quotes and folding."""
    index, quote = node.start, source.text[node.start : node.start + 1]
    if quote in ("|", ">"):
        index = source.text.find("\n", node.start, node.end) + 1 or index  # behind the header of a block
    for character in node.written[: position + 1]:
        while index < node.end:
            here = source.text[index]
            index += 1
            if quote == '"' and here == "\\":
                escaped = source.text[index : index + 1]
                index += _ESCAPED.get(escaped, 0) + 1
                if escaped == "\n":
                    continue  # a line that goes on: it stands for nothing
                break
            if here == character or (here.isspace() and character.isspace()):
                break
        else:
            return node.start
    return max(node.start, index - 1)
