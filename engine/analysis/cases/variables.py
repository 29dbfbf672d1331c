"""The variables of a space: for each fact values that represent all of them, and in which order they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ...compiler.expression_code import Compiler, Evaluate
from ...compiler.program_builder import sections
from ...facts.vocabulary import vocabulary
from ...language.expression import Node
from ...language.interpreter import interpret
from ..formulas.constants import sets_in
from ..formulas.formula import Atom, Formula
from .fact_values import ratio_pairs, texts_of, values_of
from .ordinary_model import ordinary, put, type_path, value_at
from .questions import Questions, together
from .text_kinds import Question
from .uses import ELEMENT, Uses, paths

MAX_TOGETHER = 6  # kinds of elements of one list in a document, all of whose combinations are looked at


@dataclass(slots=True)
class Variable:
    """One variable. kind: cell (values of `paths`), element (whether the list holds `text`), member (whether it holds
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


class Variables(Questions):
    """Questions with the variables that answer them. unghosted: sets that are asked of elements, without ghosts.

    parted: sets of which is asked alone whether a text has an entry as its part, where one entry stands for all.
    """

    def __init__(self, conditions: Iterable[Formula], ghosts: bool) -> None:
        super().__init__(conditions)
        self.ghosts: dict[tuple[str, str], list[Ghost]] = {}
        self.unghosted: set[str] = set()
        self.parted: set[str] = set()
        self.variables: list[Variable] = []
        self._home: dict[Atom, int] = {}
        self._base = ordinary()
        self._compiled: dict[Atom, Evaluate] = {}
        self._read_uses()
        self._compile()
        self._make_cells(ghosts)
        self._arrange()

    def answer(self, atom: Atom, facts: Mapping[str, Any]) -> bool:
        """Return what a condition says of whole facts."""
        scope = {**facts, "sets": atom.sets, "limits": atom.limits}
        try:
            return self._compiled[atom](scope) is True
        except Exception:
            return False

    def _on_list(self, atom: Atom, path: str, value: list[str]) -> bool:
        return self.answer(atom, put(self._base, path, value))

    def _read_uses(self) -> None:
        self.uses, self.hints = Uses(), Uses()  # hints: what the conditions ask that are not followed, for witnesses
        opaque = set(self._opaque)  # they hold or not, whatever the facts are
        for atom in opaque:
            self.hints.add(atom)
        for atom in self._read:
            if atom not in opaque:
                self.uses.add(atom)
        several = {*self._joined, *(paths(key)[0] for _, key in self._members.values())}
        for path, asked in self.uses.asked.items():
            asked.take_apart(path in several)
        for path, key in self._members.values():
            self.uses.of(paths(key)[0])
            self.uses.of(f"{path}{ELEMENT}")
            if "lower" in repr(key):  # what is asked of its elements is asked of a lower case, too
                asked = self.uses.of(paths(key)[0])
                asked.lowered |= {word.lower() for word in asked.texts}
                asked.questions |= {Question(q.kind, q.text, True) for q in asked.questions}

    def _compile(self) -> None:
        by_sets: dict[int, list[Atom]] = {}
        for atom in {*self._read, *self._members}:
            by_sets.setdefault(id(atom.sets), []).append(atom)
        for atoms in by_sets.values():
            compiler = Compiler(atoms[0].sets, sections())
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
            home = self._root(paths(key)[0])
            variable = Variable("member", (path,), key=key, atom=atom, usual=int(self.answer(atom, self._base)))
            self._variables_at.setdefault(f"{home} in", []).append(variable)
        for root, atoms in self._cells.items():
            self._variables_at[root] = [self._cell(root, atoms, ghosts)]
        for atom in self._opaque:
            variable = Variable("opaque", tuple(paths(atom.node)), atom=atom)
            variable.usual = int(self.answer(atom, self._base))
            self._variables_at.setdefault(f"{variable.paths[-1] if variable.paths else ''} with", []).append(variable)

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
        needed = [answers for answers in kinds if not together(answers, kinds)]
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
            answers = tuple(self.answer(atom, facts) for atom in atoms)
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
        texts = [text.lower() for text in _texts_in(values)]
        facts: dict[str, Any] | None = None
        for name, members in next((atom.sets for atom in atoms if atom.sets), {}).items():
            asking = [n for n, atom in enumerate(atoms) if name in sets_in(atom.node)]
            for member in members if asking else ():
                if not any(member.lower() in text for text in texts):
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
        ghosted = set[str]()
        for number, variable in enumerate(self.variables):
            for atom in variable.answers[0] if variable.kind == "cell" else ():
                self._home[atom] = number
                self.unghosted |= atom.taken
                if any(self.uses.of(path).groups for path in variable.paths) and _is_part_of(atom.node):
                    self.parted |= sets_in(atom.node)
                else:
                    ghosted |= sets_in(atom.node)
            if variable.atom is not None:
                self._home[variable.atom] = number
        for atom in (*self._lists, *self._members, *self._opaque):
            self.unghosted |= sets_in(atom.node) | atom.taken
        # Of a set that is asked for parts of one text and otherwise of another, no one ghost tells all.
        self.unghosted |= self.parted & ghosted
        self.parted -= self.unghosted


def _is_part_of(node: Node) -> bool:
    return node["type"] == "function_expression" and node["value"] == "has_any"


def _texts_in(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    for inner in value.items() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _texts_in(inner)
