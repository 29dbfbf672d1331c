"""JMESPath expressions with places: jmespath's own parser, its nodes stamped with where they stand in the text."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, cast

from jmespath import exceptions
from jmespath.parser import Parser

from ..facts.assignments import size_in_bytes
from ..problems import Problem
from .other_languages import foreign_operator

MAX_LENGTH = 4_000  # characters; jmespath's lexer is quadratic in long literals
MAX_DEPTH = 60  # of nested nodes; keeps every later walk within the interpreter's stack

_BACK_QUOTED_NUMBER = re.compile(r"`\s*\d")
_BARE_NUMBER = re.compile(r"\d+(\.\d+)?\w*")

Node = dict[str, Any]  # jmespath's own: type, children, value; here also start, end and, of a field, quoted


class ExpressionError(Exception):
    """An expression does not parse. `problem` has a code and help; `offset` and `width` say where in the text."""

    def __init__(self, problem: Problem, offset: int, width: int = 1) -> None:
        super().__init__(problem.message)
        self.problem, self.offset, self.width = problem, offset, width


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text as written, and jmespath's syntax tree with `start` and `end` in every node."""

    text: str
    node: Node

    def source(self, node: Node) -> str:
        """Return the text that `node` was parsed from."""
        return self.text[node["start"] : node["end"]]


_Parser: Any = Parser  # its typeshed stub leaves out the methods that this builds on


class _StampingParser(_Parser):
    # jmespath's nodes hold no positions. This is its own loop (Parser._expression), which also stamps them;
    # tests hold the trees against jmespath.compile's on the compliance cases.
    text: str

    def _expression(self, binding_power: int = 0) -> Node:
        tokens, powers = self._tokens, self.BINDING_POWER
        first = tokens[self._index]
        self._index += 1
        nud = getattr(self, f"_token_nud_{first['type']}", self._error_nud_token)
        left = self._stamp(cast("Node", nud(first)), first)
        while binding_power < powers[(token := tokens[self._index])["type"]]:
            led = getattr(self, f"_token_led_{token['type']}", None)
            if led is None:
                self._error_led_token(token)
                raise AssertionError("unreachable: jmespath raises above")
            self._index += 1
            left = self._stamp(cast("Node", led(left)), first)
        return left

    def _stamp(self, node: Node, first: dict[str, Any]) -> Node:
        # A chain (a.b.c) is one node that grows: its end moves, its start stays.
        node.setdefault("start", first["start"])
        if first["type"] != "lparen" or "end" not in node or node["start"] <= first["start"]:
            text, end = self.text, self._tokens[self._index]["start"]
            while end and text[end - 1].isspace():
                end -= 1
            node["end"] = end
        if first["type"] == "quoted_identifier" and node["type"] == "field":
            node["quoted"] = True
        for child in node.get("children", ()):
            # Nodes that jmespath makes of no text of their own (identity) stand where their parent does.
            if isinstance(child, dict) and "start" not in child:
                child["start"], child["end"] = node["start"], node["end"]
                self._inherit(cast("Node", child))
        return node

    def _inherit(self, node: Node) -> None:
        for child in node.get("children", ()):
            if isinstance(child, dict) and "start" not in child:
                child["start"], child["end"] = node["start"], node["end"]
                self._inherit(cast("Node", child))

    def _token_nud_literal(self, token: dict[str, Any]) -> Node:
        size = size_in_bytes(token["value"]) if isinstance(token["value"], str) else None
        if size is not None and _BACK_QUOTED_NUMBER.match(self.text, token["start"]):
            token = {**token, "value": size}  # `8GB` is a number: how it is written in limits, too
        return cast("Node", super()._token_nud_literal(token))

    def parse_text(self, text: str) -> Node:
        self.text = text
        if "`" not in text:
            return cast("Node", self._parse(text).parsed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jmespath warns of literals that the check below refuses anyway
            return cast("Node", self._parse(text).parsed)


def parse(text: str) -> Expression:
    """Parse `text` as JMESPath.

    Raises ExpressionError with a code, a message, help and an offset where it does not parse, is too long, nests too
    deep, or holds a back-quoted literal that is neither JSON nor a size such as `8GB` (of 1024 each, in bytes).
    """
    return Expression(text, _copied(_parsed(text)))


def _copied(node: Node) -> Node:
    copy = node.copy()
    if children := node.get("children"):
        copy["children"] = [_copied(child) if isinstance(child, dict) else child for child in children]
    return copy


@lru_cache(maxsize=512)
def _parsed(text: str) -> Node:
    # The same text is parsed once, `model.name` in a thousand messages; who gets the tree may write into his copy.
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            Problem(
                "expression-too-long",
                f"the expression has {len(text)} characters, {MAX_LENGTH} at most",
                "split it with `derive`",
            ),
            0,
        )
    if not text.strip():
        help = "write one, such as `model.type`"
        raise ExpressionError(Problem("expression-syntax", "the expression is empty", help), 0)
    parser = _StampingParser()
    try:
        node = parser.parse_text(text)
    except exceptions.LexerError as error:
        raise ExpressionError(_lexer_problem(error, text), int(error.lex_position)) from None
    except exceptions.IncompleteExpressionError as error:
        raise ExpressionError(
            Problem("expression-syntax", "the expression ends too early", "finish it, or close the bracket"),
            min(int(error.lex_position), len(text) - 1),
        ) from None
    except exceptions.ParseError as error:
        raise ExpressionError(_parse_problem(error, text), int(error.lex_position)) from None
    except RecursionError:
        raise ExpressionError(_too_deep(), 0) from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError):  # jmespath's own slips on odd input
        raise ExpressionError(
            Problem("expression-syntax", "the expression does not parse as JMESPath", "see https://jmespath.org"), 0
        ) from None
    if _deeper_than(node, MAX_DEPTH):
        raise ExpressionError(_too_deep(), 0)
    if "`" in text:
        _refuse_loose_literals(text, parser)
    return node


def _too_deep() -> Problem:
    return Problem("expression-too-deep", f"the expression nests deeper than {MAX_DEPTH}", "split it with `derive`")


def _deeper_than(root: Node, limit: int) -> bool:
    level: list[Node] = [root]
    for _ in range(limit):
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
        if not level:
            return False
    return True


def _lexer_problem(error: exceptions.LexerError, text: str) -> Problem:
    token = str(error.token_value)[:1]
    at = int(error.lex_position)
    if foreign := foreign_operator(text, at):
        return foreign
    message = f"unexpected `{token}`" if token not in "'\"`" else f"the {token} is never closed"
    if token == "=":
        return Problem("expression-syntax", "a single `=` is not an operator", "compare with `==`")
    if token == "`":
        message = "the back-quoted literal is not closed, or is not JSON"
    return Problem(
        "expression-syntax", message, "text stands in 'single quotes', numbers and true/false in back-quotes"
    )


_WORDS = {"and": "&&", "or": "||", "not": "!( )", "in": "contains(list, value)", "is": "=="}


def _parse_problem(error: exceptions.ParseError, text: str) -> Problem:
    token = str(error.token_value)
    if foreign := foreign_operator(text, int(error.lex_position)):
        return foreign
    before = text[: int(error.lex_position)].rstrip()
    if error.token_type == "EOF":
        return Problem("expression-syntax", "the expression ends too early", "finish it, or close the bracket")
    if before.split(" ")[-1].lstrip("(") == "not":
        return Problem("expression-syntax", f"unexpected `{token}` after `not`", "JMESPath says !( )")
    if before.endswith("[") and error.token_type.lower() in ("literal", "quoted_identifier", "unquoted_identifier"):
        return Problem("expression-syntax", f"unexpected `{token}` in brackets", f"read a field with a dot: .{token}")
    if token == "&":
        return Problem("expression-syntax", "a single `&` is not an operator", "write &&")
    if error.token_type.lower() == "number":
        word = _BARE_NUMBER.match(text, int(error.lex_position))
        whole = word is not None and (size_in_bytes(word[0]) is not None or re.fullmatch(r"\d+\.\d+", word[0]))
        number = word[0] if word is not None and whole else token
        return Problem("expression-syntax", f"the number {number} stands bare", f"write it in back-quotes: `{number}`")
    if token in _WORDS:
        return Problem("expression-syntax", f"unexpected `{token}`", f"JMESPath says {_WORDS[token]}")
    shown = f"`{token}`" if token else "end"
    return Problem("expression-syntax", f"unexpected {shown}", "check the brackets and operators around it")


def _refuse_loose_literals(text: str, parser: _StampingParser) -> None:
    tokens = cast("list[dict[str, Any]]", parser._tokens)
    for token, following in pairwise(tokens):
        if token["type"] != "literal" or text[token["start"]] != "`":
            continue
        lexeme = text[token["start"] : following["start"]].rstrip()  # the token's own `end` is a length, or off by one
        written = lexeme[1:-1].replace("\\`", "`")
        if size_in_bytes(written) is not None:
            continue
        try:
            json.loads(written, parse_constant=_no_constant)
        except ValueError:
            meant = written.strip().strip("'\"")
            lower = {"true": "`true`", "false": "`false`", "none": "`null`", "null": "`null`"}.get(meant.lower())
            raise ExpressionError(
                Problem(
                    "literal-not-json",
                    f"the literal `{written}` is not JSON, so JMESPath takes it for text",
                    f"write {lower or repr(meant)}",
                ),
                token["start"],
                len(lexeme),
            ) from None


def _no_constant(name: str) -> None:
    raise ValueError(name)
