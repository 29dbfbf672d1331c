"""All cases that a number of conditions can tell apart: variables with representative facts, and the laws between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..compiler import Compiler, Evaluate, interpret
from ..expression import Node
from ..narrow import path_of
from ..types import STRINGS
from ..vocabulary import vocabulary
from .baseline import ordinary, put, type_path, value_at
from .cells import ratio_pairs, texts_of, values_of
from .cases import Cases
from .formula import Atom, Choice, Formula, call, equal, literal, path_node, put_node
from .uses import ELEMENT, Asked, Uses, paths
from .words import Question

# Doubts by which more is possible here than is: what never happens here never happens. By all others something may be missing.
SEVERAL, WHOLE, TWO = (
    "a question about several facts at once",
    "a question about the whole list",
    "two facts looked up in one list",
)
LOOSE = frozenset({SEVERAL, WHOLE, TWO})
MAX_TOGETHER = 6  # kinds of elements of one list in a document, all of whose combinations are looked at
SECTIONS = {"sets", "limits", "derived"} | {
    ".".join(name.split(".")[:depth]) for name in vocabulary().facts for depth in range(1, name.count(".") + 1)
}


@dataclass(slots=True)
class Variable:
    """One variable. kind: cell (values of `paths`), element (whether the list holds `text`), member (whether the list holds
    the value of `key`), opaque (whether `atom` holds).

    values: of a cell, for each value of the variable the facts at its paths; the first is the ordinary one.
    """

    kind: str
    paths: tuple[str, ...]
    values: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    answers: list[dict[Atom, bool]] = field(default_factory=list[dict[Atom, bool]])
    usual: int = 0  # the value that the ordinary facts have
    real: int = 2  # values from here on are no facts, but what removing an entry of a set would make of one
    text: str = ""
    key: Node | None = None
    atom: Atom | None = None

    @property
    def size(self) -> int:
        return max(2, len(self.values)) if self.kind == "cell" else 2


@dataclass(frozen=True, slots=True)
class Ghost:
    """That without an entry of a set one value of a variable would be answered as another is."""

    variable: int
    value: int
    other: int


class Space:
    """The cases that `conditions` can tell apart. `doubts`: why what is possible here may be more, or less, than is."""

    def __init__(self, conditions: Iterable[Formula], ghosts: bool = False) -> None:
        self.doubts: dict[str, set[str]] = {}
        self.ghosts: dict[tuple[str, str], list[Ghost]] = {}
        self.unghosted: set[str] = set()  # sets that are asked of elements, where no ghosts are made
        self.variables: list[Variable] = []
        self._constants: dict[Atom, bool] = {}
        self._home: dict[Atom, int] = {}
        self._base = ordinary()
        self._compiled: dict[Atom, Evaluate] = {}
        atoms = list(_atoms(conditions))
        self._classify(atoms)
        self._synthesize()
        self._read_uses()
        self._compile()
        self._make_cells(ghosts)
        self._arrange()
        self.cases = Cases([variable.size for variable in self.variables])
        self._memo: dict[int, tuple[Formula, int]] = {}
        self.laws = self._laws()
        self.real = self.cases.both(self.laws, self._reality())

    def unsure(self, *functions: int) -> list[str]:
        """Return why facts may be missing in the functions: where nothing, what they exclude is impossible indeed."""
        numbers = {number for function in functions for number in self.cases.variables(function)}
        read = {path for number in numbers for path in self.variables[number].paths}
        return sorted(f"{path}: {why}" for path in read for why in self.doubts.get(path, set()) - LOOSE)

    # --- conditions as diagrams

    def diagram(self, formula: Formula) -> int:
        """Return a condition as a function of the variables."""
        if isinstance(formula, bool):
            return self.cases.true if formula else self.cases.false
        if isinstance(formula, Atom):
            return self._atom(formula)
        found = self._memo.get(id(formula))
        if found is None:
            three = [self.diagram(part) for part in (formula.condition, formula.then, formula.otherwise)]
            found = self._memo[id(formula)] = (formula, self.cases.ite(*three))
        return found[1]

    def _atom(self, atom: Atom) -> int:
        if atom in self._constants:
            return self._conditions_constant(self._constants[atom])
        if atom in self._lists:
            return self._existential(atom)
        number = self._home[atom]
        variable = self.variables[number]
        if variable.kind == "cell":
            return self.cases.test(number, [v for v, answers in enumerate(variable.answers) if answers[atom]])
        return self.cases.test(number, [1])

    def _conditions_constant(self, value: bool) -> int:
        return self.cases.true if value else self.cases.false

    def _existential(self, atom: Atom) -> int:
        path = self._lists[atom]
        empty = self._on_list(atom, path, [])
        changing = self.cases.false
        for number in self._numbers_of(path):
            variable = self.variables[number]
            if variable.kind == "member":
                alike = self._atom(self._looked_up[cast("Atom", variable.atom), atom])
                alike = self.cases.negated(alike) if empty else alike
                changing = self.cases.either(changing, self.cases.both(self.cases.test(number, [1]), alike))
            elif self._on_list(atom, path, [variable.text]) != empty:
                changing = self.cases.either(changing, self.cases.test(number, [1]))
        return self.cases.negated(changing) if empty else changing

    def _numbers_of(self, path: str) -> list[int]:
        return [n for n, v in enumerate(self.variables) if v.paths[0] == path and v.kind in ("element", "member")]

    def _on_list(self, atom: Atom, path: str, value: list[str]) -> bool:
        return self._evaluate(atom, put(self._base, path, value))

    def _evaluate(self, atom: Atom, facts: Mapping[str, Any]) -> bool:
        scope = {**facts, "sets": atom.sets, "limits": atom.limits}
        try:
            return self._compiled[atom](scope) is True
        except Exception:
            return False

    def answer(self, atom: Atom, facts: Mapping[str, Any]) -> bool:
        """Return what a condition says of whole facts."""
        return self._evaluate(atom, facts)

    # --- what kind of question each condition is

    def _classify(self, atoms: list[Atom]) -> None:
        self._cells: dict[str, list[Atom]] = {}  # by path; joined paths share the first one's
        self._lists: dict[Atom, str] = {}
        self._members: dict[Atom, tuple[str, Node]] = {}
        self._opaque: list[Atom] = []
        self._joined: dict[str, str] = {}
        self._order: dict[str, None] = {}
        self._read: list[Atom] = []
        probe = Uses()
        for atom in atoms:
            probe.add(atom)
        self._pairs = list(probe.ratios)
        for pair in self._pairs:
            self._join(*pair)
        if {"model.type", "config.model_type"} <= {path for atom in atoms for path in paths(atom.node, atom)}:
            self._join("model.type", "config.model_type")
        for atom in atoms:
            read = paths(atom.node, atom)
            homes = {self._root(path) for path in read}
            member = _membership(atom)
            if not read:
                value = interpret(atom.node, {"sets": atom.sets, "limits": atom.limits})
                self._constants[atom] = value is True
            elif member is not None:
                self._members[atom] = member
                self._order.setdefault(paths(member[1], atom)[0])
                self._order.setdefault(member[0])
                self._cells.setdefault(self._root(paths(member[1], atom)[0]), [])
                continue
            elif len(homes) == 1 and _is_list(read[0]):
                if len(read) == 1 and _exists(atom.node):
                    self._lists[atom] = read[0]
                else:
                    self._opaque.append(atom)
                    self._doubt(read[0], WHOLE)
            elif len(homes) == 1:
                self._cells.setdefault(homes.pop(), []).append(atom)
            else:
                self._opaque.append(atom)
                for path in read:
                    self._doubt(path, SEVERAL)
            self._read.append(atom)
            for path in read:
                self._order.setdefault(path)

    def _join(self, *joined: str) -> None:
        root = min(self._root(path) for path in joined)
        for path in joined:
            self._joined[self._root(path)] = root

    def _root(self, path: str) -> str:
        while self._joined.get(path, path) != path:
            path = self._joined[path]
        return path

    def _doubt(self, path: str, reason: str) -> None:
        self.doubts.setdefault(path.removesuffix(ELEMENT), set()).add(reason)

    # --- laws: conditions of our own that say what belongs together

    def _synthesize(self) -> None:
        self._parents: list[tuple[Atom, Atom]] = []  # the first holds only where the second does
        self._statuses: list[tuple[Atom, Atom]] = []
        for path in list(self._order):
            self._ancestors(path)
        for fact in vocabulary().facts:
            status = f"{fact}_status"
            if status in vocabulary().facts and fact in self._cells and status in self._order:
                ok = self._own(equal(path_node(status), literal("ok")), status)
                self._statuses.append((self._filled(fact), ok))
        if "model.type" in self._order and "config_status" in self._order:
            there = self._own(equal(call("type", path_node("model.type")), literal("string")), "model.type")
            ok = self._own(equal(path_node("config_status"), literal("ok")), "config_status")
            self._parents.append((there, ok))
        self._keys: dict[Atom, tuple[Atom, dict[str, Atom]]] = {}
        self._looked_up: dict[tuple[Atom, Atom], Atom] = {}
        self._twins: list[tuple[Atom, Atom, Atom]] = []
        for atom, (path, key) in self._members.items():
            home = paths(key, atom)[0]
            is_text = self._own(equal(call("type", key), literal("string")), home)
            words = {word for other, of in self._lists.items() if of == path for word in _words_asked(other)}
            for other, of in self._lists.items():
                if of == path:  # what the list's condition says of the text that is looked up
                    alone = put_node(other.node, path, {"type": "multi_select_list", "children": [key]})
                    self._looked_up[atom, other] = self._own(alone, home, other)
                    if any(asked.lowered or asked.questions for asked in _asked_of_elements(other)):
                        self._doubt(path, TWO)
            same = {word: self._own(equal(key, literal(word)), home) for word in sorted(words)}
            self._keys[atom] = (is_text, same)
            for other, (list_of, other_key) in self._members.items():
                if other is atom:
                    break
                if list_of == path and other != atom:
                    if self._root(paths(other_key, other)[0]) == self._root(home):
                        self._twins.append((other, atom, self._own(equal(other_key, key), home)))
                    else:
                        self._doubt(path, TWO)

    def _own(self, node: Node, home: str, of: Atom | None = None) -> Atom:
        sets, limits = (of.sets, of.limits) if of is not None else ({}, {})
        atom = Atom(("law", repr(node), of), node, sets, limits)
        root = self._root(home)
        atoms = self._cells.setdefault(root, [])
        if atom not in atoms:
            atoms.append(atom)
            self._read.append(atom)
        self._order.setdefault(home)
        return atom

    def _ancestors(self, path: str) -> None:
        fact, below = type_path(path)
        parts = path.split(".")
        for end in range(len(parts) - 1, fact.count(".") if below else len(parts), -1):
            parent = ".".join(parts[:end])
            there = self._own(call("has_key", path_node(parent), literal(parts[end])), ".".join(parts[: end + 1]))
            self._parents.append((there, self._filled(parent)))

    def _filled(self, path: str) -> Atom:
        node = path_node(path)
        is_object = equal(call("type", node), literal("object"))
        return self._own({"type": "and_expression", "children": [is_object, call("truthy", node)]}, path)

    def _laws(self) -> int:
        cases, law = self.cases, self.cases.true
        for child, parent in self._parents:
            law = cases.both(law, cases.implied(self._atom(child), self._atom(parent)))
        for filled, ok in self._statuses:
            law = cases.both(law, cases.same(self._atom(filled), self._atom(ok)))
        for member, (is_text, same) in self._keys.items():
            bit = self._atom(member)
            law = cases.both(law, cases.implied(bit, self._atom(is_text)))
            for word, alike in same.items():
                held = self._element(self._members[member][0], word)
                law = cases.both(law, cases.implied(self._atom(alike), cases.same(bit, held)))
        for one, other, alike in self._twins:
            alike_bits = cases.same(self._atom(one), self._atom(other))
            law = cases.both(law, cases.implied(self._atom(alike), alike_bits))
        return law

    def _element(self, path: str, word: str) -> int:
        answers = self.element_answers(path, word)
        held = self.cases.false
        for number in self._numbers_of(path):
            variable = self.variables[number]
            if variable.kind == "element" and variable.text == word:
                return self.cases.test(number, [1])
            if variable.kind == "element" and self.element_answers(path, variable.text) == answers:
                held = self.cases.either(held, self.cases.test(number, [1]))
        return held

    def _reality(self) -> int:
        real = self.cases.true
        for number, variable in enumerate(self.variables):
            if variable.real < variable.size:
                real = self.cases.both(real, self.cases.test(number, range(variable.real)))
        return real

    # --- representative values

    def _read_uses(self) -> None:
        self.uses = Uses()
        for atom in self._read:
            self.uses.add(atom)
        for atom, (path, key) in self._members.items():
            self.uses.of(paths(key, atom)[0])
            self.uses.of(f"{path}{ELEMENT}")
            if "lower" in repr(key):  # what is asked of its elements is asked of a lower case, too
                asked = self.uses.of(paths(key, atom)[0])
                asked.lowered |= {word.lower() for word in asked.texts}
                asked.questions |= {Question(q.kind, q.text, True) for q in asked.questions}

    def _compile(self) -> None:
        by_sets: dict[int, list[Atom]] = {}
        for atom in {*self._read, *self._members}:
            by_sets.setdefault(id(atom.sets), []).append(atom)
        for atoms in by_sets.values():
            compiler = Compiler(atoms[0].sets, SECTIONS)
            for atom in atoms:
                compiler.add(atom.node)
            self._compiled.update(zip(atoms, compiler.finish(), strict=True))

    def _make_cells(self, ghosts: bool) -> None:
        lists = set(self._lists.values()) | {path for path, _ in self._members.values()}
        self._variables_at: dict[str, list[Variable]] = {}
        for path in lists:
            self._variables_at[path] = self._element_variables(path)
        for atom, (path, key) in self._members.items():
            # Behind the fact that is looked up: there the diagrams stay small.
            home = self._root(paths(key, atom)[0])
            variable = Variable("member", (path,), key=key, atom=atom, usual=int(self._evaluate(atom, self._base)))
            self._variables_at.setdefault(f"{home} in", []).append(variable)
        for root, atoms in self._cells.items():
            self._variables_at[root] = [self._cell(root, atoms, ghosts)]
        for atom in self._opaque:
            variable = Variable("opaque", tuple(paths(atom.node, atom)), atom=atom)
            variable.usual = int(self._evaluate(atom, self._base))
            self._variables_at.setdefault(f"{variable.paths[-1]} with", []).append(variable)
        for path, asked in self.uses.asked.items():
            for doubt in asked.doubts:
                self._doubt(path, doubt)

    def _element_variables(self, path: str) -> list[Variable]:
        usual = cast("list[str]", value_at(self._base, path))
        looked_up = any(of == path for of, _ in self._members.values())  # then no kind stands for what is looked up
        texts, doubts = texts_of(self.uses.of(f"{path}{ELEMENT}"), prefer=[] if looked_up else usual)
        for doubt in doubts:
            self._doubt(path, doubt)
        kinds: dict[tuple[bool, ...], str] = {}
        for text in texts:
            kinds.setdefault(self.element_answers(path, text), text)
        # A kind whose answers several others give together is not needed.
        needed = [answers for answers in kinds if not _together(answers, kinds)]
        held = [self.element_answers(path, text) for text in usual]
        variables: list[Variable] = []
        for answers in needed:
            variable = Variable("element", (path,), text=kinds[answers])
            variable.usual = int(any(all(b or not a for a, b in zip(answers, other, strict=True)) for other in held))
            variables.append(variable)
        return variables

    def element_answers(self, path: str, text: str) -> tuple[bool, ...]:
        atoms = [atom for atom, of in self._lists.items() if of == path]
        return tuple(self._on_list(atom, path, [text]) != self._on_list(atom, path, []) for atom in atoms)

    def _cell(self, root: str, atoms: list[Atom], ghosts: bool) -> Variable:
        joined = tuple(sorted({root, *(path for path in self._joined if self._root(path) == root)}))
        for path in joined:
            fact, below = type_path(path)
            if not below and fact not in vocabulary().facts:
                self._doubt(path, "no fact of the vocabulary")
        tuples = [tuple(value_at(self._base, path) for path in joined), *self._candidates(joined)]
        variable = Variable("cell", joined)
        places: dict[tuple[bool, ...], int] = {}
        answered: list[tuple[tuple[Any, ...], tuple[bool, ...]]] = []

        def place(values: tuple[Any, ...], answers: tuple[bool, ...]) -> int:
            if answers not in places:
                places[answers] = len(variable.values)
                variable.values.append(values)
                variable.answers.append(dict(zip(atoms, answers, strict=True)))
            return places[answers]

        def look(values: tuple[Any, ...]) -> None:
            facts = self._with(joined, values)
            answers = tuple(self._evaluate(atom, facts) for atom in atoms)
            place(values, answers)
            answered.append((values, answers))

        for values in tuples:
            look(values)
        if len(joined) == 1:
            for values in self._lists_together(joined[0], answered):
                look((values,))
        variable.real = len(variable.values)
        if ghosts:
            for values, answers in answered:
                for entry, without in self._without_entries(joined, values, atoms, answers):
                    other = place(values, without)
                    self.ghosts.setdefault(entry, []).append(Ghost(id(variable), places[answers], other))
        return variable

    def _with(self, joined: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
        facts = self._base
        for path, value in zip(joined, values, strict=True):
            facts = put(facts, path, value)
        return facts

    def _candidates(self, joined: tuple[str, ...]) -> list[tuple[Any, ...]]:
        if len(joined) == 1:
            values, doubts = values_of(joined[0], self.uses)
            for doubt in doubts:
                self._doubt(joined[0], doubt)
            return [(value,) for value in values]
        if joined == ("config.model_type", "model.type"):
            texts, others = self.uses.of("model.type"), self.uses.of("config.model_type")
            texts.texts |= others.texts
            texts.lowered |= others.lowered
            texts.questions |= others.questions
            values, doubts = values_of("config.model_type", self.uses)
            words, more = values_of("model.type", self.uses)
            for doubt in doubts | more:
                self._doubt("model.type", doubt)
            return [(v, v) for v in words if isinstance(v, str)] + [(v, None) for v in values if not isinstance(v, str)]
        if len(joined) == 2 and (pair := next((p for p in self._pairs if set(p) == set(joined)), None)):
            pairs, doubts = ratio_pairs(pair, self.uses)
            for doubt in doubts:
                self._doubt(pair[0], doubt)
            return [tuple(values if pair == joined else values[::-1]) for values in pairs]
        for path in joined:
            self._doubt(path, "ratios of more than two facts")
        found: list[tuple[Any, ...]] = [()]
        for path in joined:
            values, _ = values_of(path, self.uses)
            found = [(*before, value) for before in found for value in values[:12]][:4000]
        return found

    def _lists_together(self, path: str, answered: list[tuple[tuple[Any, ...], tuple[bool, ...]]]) -> list[list[Any]]:
        singles: dict[tuple[bool, ...], list[Any]] = {}
        for (value,), answers in answered:
            if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
                singles.setdefault(answers, value)
        words = [value[0] for value in singles.values()]
        if len(words) > MAX_TOGETHER:
            self._doubt(path, "lists of many kinds of elements")
            return [[one, other] for one in words for other in words if one < other] + [words]
        subsets: list[list[Any]] = [[]]
        for word in words:
            subsets += [[*subset, word] for subset in subsets]
        return [subset for subset in subsets if len(subset) > 1]

    def _without_entries(
        self, joined: tuple[str, ...], values: tuple[Any, ...], atoms: list[Atom], answers: tuple[bool, ...]
    ) -> Iterable[tuple[tuple[str, str], tuple[bool, ...]]]:
        """Yield what the conditions would answer if a set had one entry less, where that is another answer."""
        text = repr(values).lower()
        facts: dict[str, Any] | None = None
        for name, members in next((atom.sets for atom in atoms if atom.sets), {}).items():
            asking = [n for n, atom in enumerate(atoms) if f"sets.{name}" in _sets_in(atom.node)]
            for member in members if asking else ():
                if member.lower() not in text:
                    continue
                facts = facts or self._with(joined, values)
                sets = {name: [other for other in members if other != member]}
                without = list(answers)
                for n in asking:
                    scope = {**facts, "sets": {**atoms[n].sets, **sets}, "limits": atoms[n].limits}
                    without[n] = interpret(atoms[n].node, scope) is True
                if tuple(without) != answers:
                    yield (name, member), tuple(without)

    # --- the order of the variables

    def _arrange(self) -> None:
        order: dict[str, None] = {}

        def add(path: str) -> None:
            fact, below = type_path(path)
            parts = path.split(".")
            if below:
                for end in range(fact.count(".") + 1, len(parts)):
                    order.setdefault(self._root(".".join(parts[:end])))
            order.setdefault(self._root(path))
            order.setdefault(f"{path}_status")
            order.setdefault(f"{self._root(path)} in")

        first = [path for path in self._order if path.startswith("request.")]
        wide = sorted(
            (p for p in self._order if f"{self._root(p)} in" in self._variables_at), key=lambda p: p != "model.type"
        )
        for path in [*first, *wide, *self._order]:
            add(path)
        order.update(dict.fromkeys(self._variables_at))
        for place in order:
            self.variables.extend(self._variables_at.pop(place, []))
        number_of = {id(variable): number for number, variable in enumerate(self.variables)}
        self.ghosts = {
            entry: [Ghost(number_of[ghost.variable], ghost.value, ghost.other) for ghost in dict.fromkeys(ghosts)]
            for entry, ghosts in self.ghosts.items()
        }
        for number, variable in enumerate(self.variables):
            for atom in variable.answers[0] if variable.kind == "cell" else ():
                self._home[atom] = number
            if variable.atom is not None:
                self._home[variable.atom] = number
        for atom, path in self._lists.items():
            self.unghosted |= {name.removeprefix("sets.") for name in _sets_in(atom.node)} if path else set()
        for atom in self._opaque:
            self.unghosted |= {name.removeprefix("sets.") for name in _sets_in(atom.node)}


def _atoms(conditions: Iterable[Formula]) -> Iterable[Atom]:
    """Yield every atom once, in the order in which they are first met."""
    seen: set[int] = set()
    yielded: set[Atom] = set()
    waiting: list[Formula] = list(conditions)[::-1]
    while waiting:
        formula = waiting.pop()
        if isinstance(formula, Atom) and formula not in yielded:
            yielded.add(formula)
            yield formula
        elif isinstance(formula, Choice) and id(formula) not in seen:
            seen.add(id(formula))
            waiting.extend((formula.otherwise, formula.then, formula.condition))


def _is_list(path: str) -> bool:
    fact = vocabulary().facts.get(path)
    return fact is not None and fact.type == STRINGS


def _membership(atom: Atom) -> tuple[str, Node] | None:
    """Return the list and what is looked up in it, of a `contains(fact, other fact)`."""
    node = atom.node
    if node["type"] != "function_expression" or node["value"] != "contains":
        return None
    where, key = node["children"]
    path = path_of(where) or ""
    read = paths(key, atom)
    if not _is_list(path) or len(read) != 1 or _is_list(read[0]):
        return None
    return path, key


def _exists(node: Node) -> bool:
    """Whether a condition on a list asks, or denies, that one of its elements is of some kind."""
    kind, children = node["type"], node.get("children", [])
    if kind == "comparator":
        one, other = children
        if one["type"] == "function_expression" and one["value"] == "length" and other["type"] == "literal":
            return _some(one["children"][0]) and (node["value"], other["value"]) in _NONE_OR_SOME
        return node["value"] in ("eq", "ne") and other["type"] == "literal" and other["value"] == [] and _some(one)
    if kind == "function_expression" and node["value"] == "truthy":
        return _some(children[0])
    if kind == "function_expression" and node["value"] in ("contains", "shares", "any_ends_with"):
        return _some(children[0])
    return False


_NONE_OR_SOME = {("gt", 0), ("eq", 0), ("ne", 0), ("gte", 1), ("lt", 1), ("lte", 0)}


def _some(node: Node) -> bool:
    if path_of(node) is not None:
        return True
    if node["type"] == "function_expression" and node["value"] == "glob":
        return _some(node["children"][0]) and node["children"][1]["type"] == "literal"
    if node["type"] == "filter_projection":
        return _some(node["children"][0]) and node["children"][1]["type"] == "identity"
    return False


def _asked_of_elements(atom: Atom) -> list[Asked]:
    uses = Uses()
    uses.add(atom)
    return [asked for path, asked in uses.asked.items() if path.endswith(ELEMENT)]


def _words_asked(atom: Atom) -> set[str]:
    return {word for asked in _asked_of_elements(atom) for word in asked.texts}


def _together(answers: tuple[bool, ...], kinds: Iterable[tuple[bool, ...]]) -> bool:
    parts = [k for k in kinds if k != answers and all(b or not a for a, b in zip(k, answers, strict=True))]
    return all(any(part[n] for part in parts) for n, answer in enumerate(answers) if answer)


def _sets_in(node: Node) -> set[str]:
    path = path_of(node)
    if path is not None:
        return {path} if path.startswith("sets.") else set()
    return {name for child in node.get("children", []) if isinstance(child, dict) for name in _sets_in(child)}
