"""Which shorter question a glob over a model's files comes to, and its patterns as regular expressions."""

from __future__ import annotations

import re

from ...language.expression import Node

# What stands around each name in the one text that a folder's files are looked for in.
LINE, END = "\n/", "\n"


def no_file(node: Node) -> tuple[Node, str] | None:
    """Return the files and the pattern of a condition that no file matches, or None where it is another."""
    call, other = node["children"] if node["type"] == "comparator" and node["value"] == "eq" else (node, node)
    if call["type"] != "function_expression" or call["value"] != "glob" or other.get("value") != []:
        return None
    files, pattern = call["children"]
    return (files, str(pattern["value"])) if pattern["type"] == "literal" else None


def ending_of(pattern: str) -> str:
    """Return the text that a path which matches surely ends with."""
    return re.split(r"[*?\]]", pattern.rpartition("/")[2])[-1]


def beginnings_of(condition: Node) -> list[str] | None:
    """Return the texts one of which an element begins with where the condition holds, or None where that is unknown."""
    children = condition.get("children", ())
    if condition["type"] == "and_expression":
        return next((found for found in map(beginnings_of, children) if found), None)
    if condition["type"] == "or_expression":
        several = [beginnings_of(child) for child in children]
        return None if None in several else [text for found in several for text in found or ()]
    if condition["type"] != "comparator" or condition["value"] != "ne":
        return None
    call, other = children
    if call["type"] != "function_expression" or call["value"] != "glob" or other.get("value") != []:
        return None
    files, pattern = call["children"]
    alone = [child["type"] for child in files.get("children", ())] == ["current"]
    if not alone or files["type"] != "multi_select_list" or pattern["type"] != "literal":
        return None
    beginning = re.split(r"[*?\[]", pattern["value"])[0]
    return [beginning] if beginning and END not in beginning else None


_SIGNS = frozenset("*?[")


def has_signs(pattern: str) -> bool:
    return not _SIGNS.isdisjoint(pattern)


def line_of(name: str) -> str:
    return f"{LINE}{name}{END}"


_CLASS = re.compile(r"\[!?(?:[0-9]-[0-9]|[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9A-Za-z])+\]")
_TOKENS = re.compile(rf"{_CLASS.pattern}|.", re.DOTALL)


def expression_of(pattern: str, but: str) -> str | None:
    """Return a glob pattern as a regular expression, or None where that would not be the same.

    but: the characters that no sign stands for. What stands between two stars is taken where it comes first, and never
    looked for again: a later place is no better, and trying all of them takes for ever (fnmatch.translate does so too).
    """
    if "**" in pattern or END in pattern:
        return None
    pieces = [""]
    for token in _TOKENS.findall(pattern):
        if token == "[":
            return None
        if token == "*":
            pieces.append("")
        elif token == "?":
            pieces[-1] += f"[^{but}]"
        elif len(token) == 1:
            pieces[-1] += re.escape(token)
        else:
            pieces[-1] += f"[^{but}{token[2:]}" if token.startswith("[!") else token
    first, *between = pieces
    last = f"[^{but}]*{between.pop()}" if between else ""
    found = first + "".join(f"(?>[^{but}]*?{piece})" for piece in between) + last
    try:
        re.compile(found)
    except re.error:
        return None
    return found
