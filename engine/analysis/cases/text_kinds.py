"""The texts that a set of questions can tell apart: one of each kind, by walking the questions' automata together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import NamedTuple

MAX_STATES = 20_000
_KELVIN, _ANGSTROM = "\u212a", "\u212b"  # their lower case is k and å


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """A question about a text. kind: part, start, end, glob, visible, upper, length. lowered: of its lower case."""

    kind: str
    text: str = ""
    lowered: bool = False


class _Step(NamedTuple):
    # One place of a pattern: the characters it takes (all but those, where `negated`), any number of them if `many`.
    chars: frozenset[str]
    negated: bool
    many: bool = False
    skip: int = 1  # how many steps may be left out from here: 0 none; of a `many`, itself

    def takes(self, char: str) -> bool:
        return (char in self.chars) != self.negated


_ANY = _Step(frozenset(), True, True)


def _one(char: str) -> _Step:
    return _Step(frozenset(char), False, False, 0)


@cache
def _steps(question: Question) -> tuple[_Step, ...]:
    text = tuple(map(_one, question.text))
    if question.kind == "part":
        return (_ANY, *text, _ANY)
    if question.kind == "start":
        return (*text, _ANY)
    if question.kind == "end":
        return (_ANY, *text)
    if question.kind == "visible":
        return (_ANY, _Step(frozenset(_SPACE), True, False, 0), _ANY)
    if question.kind == "upper":
        return (_ANY, _Step(frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), False, False, 0), _ANY)
    if question.kind == "length":
        return (*(_Step(frozenset(), True, False, 0) for _ in range(int(question.text))), _ANY)
    return tuple(_glob(question.text))


_SPACE = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0"


def _glob(pattern: str) -> list[_Step]:
    steps: list[_Step] = []
    split = pattern.split("/")
    parts = [part for number, part in enumerate(split) if part != "**" or split[number - 1 : number] != ["**"]]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            if last:
                if steps:  # `a/**` is `a` too: the slash before it goes with it
                    steps[-1] = _Step(frozenset("/"), False, False, 2)
                steps.append(_ANY)
            else:
                # The first takes nothing: from it one goes to any depth and a slash, or past both.
                steps.extend((_Step(frozenset(), False, True, 3), _ANY, _one("/")))
            continue
        steps.extend(_part(part))
        if not last:
            steps.append(_one("/"))
    return steps


def _part(part: str) -> Iterable[_Step]:
    position = 0
    while position < len(part):
        char = part[position]
        close = part.find("]", position + 2 + part.startswith("!", position + 1)) if char == "[" else -1
        if char == "*":
            yield _Step(frozenset("/"), True, True)
        elif char == "?":
            yield _Step(frozenset("/"), True, False, 0)
        elif close > 0:
            inner = part[position + 1 : close]
            negated = inner.startswith("!")
            chars = _chars(inner[1:] if negated else inner)
            yield _Step(chars | {"/"} if negated else chars - {"/"}, negated, False, 0)
            position = close
        else:
            yield _one(char)
        position += 1


def _chars(inner: str) -> frozenset[str]:
    chars: set[str] = set()
    position = 0
    while position < len(inner):
        if inner[position + 1 : position + 2] == "-" and position + 2 < len(inner):
            chars.update(map(chr, range(ord(inner[position]), min(ord(inner[position + 2]), 0x2FF) + 1)))
            position += 3
        else:
            chars.add(inner[position])
            position += 1
    return frozenset(chars)


class Machine:
    """One question as an automaton: states are sets of places in its pattern, as bits."""

    def __init__(self, question: Question) -> None:
        self.steps = _steps(question)
        self.lowered = question.lowered
        self.start = self._closed(1)
        self._memo: dict[tuple[int, str], int] = {}
        self._ways: dict[int, list[int]] = {}

    def holds(self, state: int) -> bool:
        return bool(state >> len(self.steps) & 1)

    def after(self, state: int, char: str) -> int:
        key = (state, char)
        found = self._memo.get(key)
        if found is None:
            found = state
            for single in char.lower() if self.lowered else char:
                found = self._single(found, single)
            self._memo[key] = found
        return found

    def ways(self, state: int, alphabet: list[str]) -> list[int]:
        """Return the states after each character of an alphabet, which is the same at every call."""
        found = self._ways.get(state)
        if found is None:
            found = self._ways[state] = [self.after(state, char) for char in alphabet]
        return found

    def _single(self, state: int, char: str) -> int:
        reached = 0
        for place, step in enumerate(self.steps):
            if state >> place & 1 and step.takes(char):
                reached |= 1 << (place if step.many else place + 1)
        return self._closed(reached)

    def _closed(self, state: int) -> int:
        for place, step in enumerate(self.steps):
            if state >> place & 1:
                state |= (1 << (place + 1) if step.many else 0) | (1 << (place + step.skip) if step.skip else 0)
        return state


class Kinds(NamedTuple):
    """One text of each kind, shortest first, and whether there surely is no other kind."""

    texts: list[str]
    complete: bool


def kinds(questions: Iterable[Question], avoid: frozenset[str] = frozenset()) -> Kinds:
    """Return a text for every way in which the questions can be answered together.

    avoid: texts that are looked at on their own; a kind is represented by one that is not among them, nor is its lower
    case, if a short one exists.
    """
    asked = sorted({*questions, Question("visible"), Question("length", "1")})
    machines = [Machine(question) for question in asked]
    alphabet = _alphabet(machines, any(question.lowered for question in asked))
    start = tuple(machine.start for machine in machines)
    seen: dict[tuple[int, ...], str] = {start: ""}
    found: dict[tuple[bool, ...], str] = {}
    queue = [start]
    complete = True
    for state in queue:
        text = seen[state]
        answers = tuple(machine.holds(part) for machine, part in zip(machines, state, strict=True))
        if answers not in found or _taken(found[answers], avoid):
            found[answers] = text
        if len(seen) > MAX_STATES:
            complete = False
            continue
        ways = [machine.ways(part, alphabet) for machine, part in zip(machines, state, strict=True)]
        for char, following in zip(alphabet, zip(*ways, strict=True), strict=True):
            if following not in seen:
                seen[following] = text + char
                queue.append(following)
    for answers, text in found.items():
        if _taken(text, avoid):
            other = _another(text, answers, machines, avoid, alphabet)
            found[answers] = other if other is not None else text
            complete = complete and (other is not None or not text)
    return Kinds(list(found.values()), complete)


def parted(groups: Iterable[tuple[str, ...]], avoid: frozenset[str] = frozenset()) -> Kinds:
    """Return a text for every way in which groups can have, or not have, one of their texts in it.

    A text with such parts has of each group in it a part that has none of another group's in itself; so has one that is
    made of these parts, with a character between them that stands in no part.
    """
    asked = sorted({group for group in groups if group})
    every = "".join(text for group in asked for text in group)
    between = next(char for char in map(chr, range(0x2016, 0x3000)) if char not in every)
    found = ["", " ", "x", f"x{between}"]
    for size in range(len(asked) + 1):
        for some in combinations(asked, size):
            others = [text for group in asked if group not in some for text in group]
            parts = [next((t for t in group if not any(other in t for other in others)), None) for group in some]
            if None not in parts:
                text = between.join(part for part in parts if part is not None)
                found.append(f"{text}{between}" if _taken(text, avoid) else text)
    complete = all(text.strip() for group in asked for text in group)
    return Kinds(list(dict.fromkeys(found)), complete)


def spellings(word: str, questions: Iterable[Question], avoid: set[str]) -> list[str]:
    """Return texts whose lower case is `word`: one of each kind that is told apart, not in `avoid` if possible."""
    machines = [Machine(question) for question in sorted(questions) if not question.lowered]
    reached: dict[tuple[int, ...], list[str]] = {tuple(machine.start for machine in machines): [""]}
    for char in word:
        following: dict[tuple[int, ...], list[str]] = {}
        for state, texts in reached.items():
            for other in _spelt(char):
                after = tuple(machine.after(part, other) for machine, part in zip(machines, state, strict=True))
                # One more than can be in `avoid` would be enough; a few are, in practice.
                following.setdefault(after, []).extend(text + other for text in texts[:4])
        reached = {state: texts[:4] for state, texts in following.items()}
    return [next((text for text in texts if text not in avoid), texts[0]) for texts in reached.values()]


@cache
def _spelt(char: str) -> list[str]:
    return [other for other in dict.fromkeys((char.upper(), char, _KELVIN, _ANGSTROM)) if other.lower() == char] or [
        char
    ]


def _taken(text: str, avoid: frozenset[str]) -> bool:
    return text in avoid or text.lower() in avoid


def _another(
    text: str, answers: tuple[bool, ...], machines: list[Machine], avoid: frozenset[str], alphabet: list[str]
) -> str | None:
    # The same kind with something put in, before, within or after.
    for extra in ("x", "other-", "-other", *alphabet, "x" * 40):
        for place in range(len(text) + 1):
            tried = text[:place] + extra + text[place:]
            if not _taken(tried, avoid) and tuple(_holds(machine, tried) for machine in machines) == answers:
                return tried
    return None


def _holds(machine: Machine, text: str) -> bool:
    state = machine.start
    for char in text:
        state = machine.after(state, char)
    return machine.holds(state)


def _alphabet(machines: list[Machine], lowered: bool) -> list[str]:
    # A character for every way in which the patterns' places take characters; letters that stand in them first.
    steps = {(step, machine.lowered) for machine in machines for step in machine.steps}
    named = {char for step, _ in steps for char in step.chars}
    candidates = ["x", "o", "7", "/", "X", " ", "_", "\u03b1", *sorted(named)]
    if lowered:
        candidates += [char.upper() for char in sorted(named) if len(char.upper()) == 1] + [_KELVIN, _ANGSTROM]
    ordered = sorted(steps, key=repr)
    chosen: dict[tuple[bool, ...], str] = {}
    for char in candidates:
        answers = tuple(
            len(char.lower()) == 1 and step.takes(char.lower()) if low else step.takes(char) for step, low in ordered
        )
        chosen.setdefault(answers, char)
    return list(chosen.values())
