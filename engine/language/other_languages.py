"""What people write who know other languages, and what stands for it here."""

from __future__ import annotations

import re

from ..problems import Problem

_ARITHMETIC = {
    "+": "write sum([one, other])",
    "-": "write sum([one, product([`-1`, other])])",
    "*": "write product([one, other])",
    "/": "write ratio(one, other)",
    "%": "there is no remainder",
}
_PATTERNS = "there are no regular expressions: ask with contains(), starts_with(), ends_with() or glob()"
_OPERATORS = {
    "=~": _PATTERNS,
    "===": "compare with `==`",
    "!==": "compare with `!=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "<>": "write `!=`",
    "?": "there is no `? :`; write `condition && ...`, or branches under `derive`",
}
FUNCTIONS_MEANT = {
    "not": "write `!( )` around what is negated",
    "and": "write && between two conditions",
    "or": "write || between two conditions",
    "if": "write `condition && ...`, or branches under `derive`",
    "len": "did you mean `length`?",
    "count": "did you mean `length`?",
    "size_of": "did you mean `length`?",
    "int": "did you mean `to_number`?",
    "float": "did you mean `to_number`?",
    "str": "did you mean `to_string`?",
    "any": "ask whether a filtered list is empty: `length(list[?condition]) > `0``",
    "all": "ask whether no element is otherwise: `length(list[?!(condition)]) == `0``",
    "match": _PATTERNS,
    "regex": _PATTERNS,
    "in": "write contains(list, value)",
    "exists": "ask `has_key(config, 'key')`, or compare with `null`",
    "defined": "ask `has_key(config, 'key')`, or compare with `null`",
    "upper": "write lower(), and compare with lower case",
}


def foreign_operator(text: str, at: int) -> Problem | None:
    """Return what is wrong where JMESPath stops, at the character `at`: a foreign operator, or a name with a dash."""
    for sign, help in _OPERATORS.items():
        if any(text.startswith(sign, at - back) for back in range(min(len(sign), at + 1))):
            return Problem("expression-syntax", f"`{sign}` is no operator", help)
    sign, before, after = text[at : at + 1], text[:at].rstrip(), text[at + 1 :]
    if sign == "-" and text[at - 1 : at].isalnum() and after[:1].isalpha():
        first, rest = re.search(r"[\w-]*$", before), re.match(r"[\w-]*", after)
        word = f"{first[0] if first else ''}-{rest[0] if rest else ''}"
        plain = word.replace("-", "_")
        help = f'facts are written with `_`: `{plain}`; a key of a document in double quotes: `"{word}"`'
        return Problem("expression-syntax", f"the name `{word}` has a dash in it", help)
    if sign in _ARITHMETIC and before and before[-1] not in "&|(,!<>=[":
        return Problem("expression-syntax", f"`{sign}` is no operator: there is no arithmetic", _ARITHMETIC[sign])
    return None
