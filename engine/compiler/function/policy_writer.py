"""Writes a whole policy as one Python function: facts in, decision out, nothing interpreted.

The function trusts nothing: a fact is looked at before the first gate that reads it, by itself or through a derived
fact. Where one is not as the vocabulary has it, and where something raises, the exact way (evaluator.exact) decides
instead; where a fact is left out, or the caller set derived facts, engine.lenient. So all say the same, always, and the
fast way stays plain:

- gates that begin alike stand below one `if`; many that begin with an equality or a set become a table (gate_order);
- a derived fact is worked out where it is first needed, once, and not at all where nothing needs it;
- a decision whose message says nothing of the facts is made beforehand.

Only what cannot raise waits until it is needed: what may is worked out before the gate, as the exact way does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

from ...facts.one_line import as_text, is_said
from ...language.expression import Node
from ...language.fact_paths import path_of
from ..program import GateRule, Program
from .decider import Answer, Decider, Reply
from .expression_writer import Unsupported
from .fact_writer import Loads
from .gate_order import Group, Item, Step, Table, nodes_in, planned, shape, terms_of
from .gate_tables import Lookup, lookup
from .rule_writer import FastRules, in_message

_FIELDS = ("r.decision", "r.backend", "r.gate", "r.error_type", "r.http_status")
_LIST = re.compile(r"\bs\[|\(s,")  # code that reads the list `s`, or hands it on
# Code that asks for a derived fact whose function may be called.
_CALL = re.compile(r"\(v if \(v := s\[(\d+)\]\) is not _unknown else d\1\(s, ")


class Place(NamedTuple):
    """A place in the code: what is loaded, which derived facts are in local variables, and whether `s` is made."""

    loads: Loads
    known: frozenset[str]
    listed: bool = False


def decider(program: Program) -> Decider | None:
    """Return a program's decider, or None where a rule reads what only the exact way has."""
    try:
        return PolicyWriter(program).decider()
    except Unsupported:
        return None


class PolicyWriter:
    """Writes one decider."""

    local_names = ("type", "dict", "str", "list", "int", "_unknown")  # which are read faster than those of a module
    keep = False  # whether the value of every derived fact is kept

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rules = FastRules(program)
        self.loads = self.no_loads()
        self.functions: list[str] = []  # of gates that stand in tables
        self.shared: dict[Any, str] = {}  # which of them, by the shape of what they ask and say
        self.tables: list[Lookup] = []
        self.answers: list[list[Reply]] = []
        self.decisions: dict[str, Answer] = {}
        self.met: set[str] = set()  # derived facts that code written so far may have put into local variables
        self.unsure: set[str] = set()  # those of them that are read where it may not have

    def source(self) -> str:
        """Return the text of the function `decide`, and of those that it calls."""
        program, rules = self.program, self.rules
        conditions = (None if gate.when is None else program.nodes[gate.when] for gate in program.gates)
        plan = planned([Step(terms_of(node), number) for number, node in enumerate(conditions)])
        asked = [*nodes_in(plan), *(node for gate in program.gates for node in in_message(program, gate))]
        rules.derive(asked, keep=self.keep)
        lines = list(self.items(plan, self.start()))
        return "\n".join(
            (
                *self.derived_functions(),
                *self.functions,
                f"def decide(facts, {', '.join(f'{name}={name}' for name in self.local_names)}):",
                "    try:",
                *(f"        {line}" for line in (*self.beginning(), *lines)),
                *(f"    {line}" for line in self.tail()),
            )
        )

    def decider(self) -> Decider:
        source = self.source()
        lists = {f"_list_{name}": self.program.sets[name] for name in self.rules.names.sets}
        writer = self.rules.writer
        return Decider(
            compile(source, "<policy>", "exec"),
            {**writer.constants, **lists},
            writer.guards,
            writer.patterns,
            self.decisions,
            self.tables,
            self.answers,
        )

    def no_loads(self) -> Loads:
        return Loads(self.rules.facts, self.rules.names)

    def start(self) -> Place:
        """Return the place where the first gate is asked."""
        return Place(self.loads.copy(), frozenset())

    def derived_functions(self) -> Iterator[str]:
        return self.rules.functions()

    def beginning(self) -> list[str]:
        return ["if 'derived' in facts: return _given(facts)", *self.unset()]

    def unset(self) -> list[str]:
        """Return the code that begins with local variables which are read where nothing may have been put into them."""
        names = [f"v{kept.slot} = " for name, kept in self.rules.kept.items() if name in self.unsure]
        return [f"{''.join(names)}_unknown"] if names else []

    def tail(self) -> list[str]:
        # What is left out may have a default.
        return ["except KeyError:", "    return _given(facts)", "except Exception:", "    return _slow(facts)"]

    def items(self, plan: Sequence[Item], place: Place) -> Iterator[str]:
        """Yield the code that asks a plan's gates."""
        for item in plan:
            nodes = list(nodes_in((item,)))
            place, ready = self.ready(nodes, place, first=nodes[0] if nodes else None)
            yield from ready
            if isinstance(item, Step):
                yield from self.asked(item, place)
                continue
            if isinstance(item, Group):
                place, made = self.listed([f"if {self.condition(item.term, place)}:"], place)
                yield from made[:-1]
                yield from below(made[-1], self.items(item.items, place))
            else:
                place, made = self.listed(list(self.table(item, place)), place)
                yield from made

    def ready(
        self, nodes: Iterable[Node], place: Place, first: Node | None = None, risky: bool = True
    ) -> tuple[Place, list[str]]:
        """Return the code that loads what expressions need, and works out what may raise; and the place behind it.

        first: what is surely evaluated next; the derived facts that it begins with are worked out too. risky: false
        where what may raise was worked out before.
        """
        nodes, rules = list(nodes), self.rules
        facts, derived = rules.needed(nodes)
        parts = [*map(rules.write, nodes), *(rules.parts[name] for name in derived)]
        loads = place.loads.copy()
        code = list(loads.lines(facts, parts))
        wanted = [name for name in self.program.derive if name in derived and rules.parts[name].risky]
        wanted = wanted if risky else []
        wanted += rules.first_kept(first) if first is not None else ()
        place = place._replace(loads=loads)
        for name in wanted:
            if name not in place.known:
                place, made = self.listed([self.worked_out(name, place)], place)
                place = place._replace(known=place.known | {name})
                self.met.add(name)
                code += made
        return place, code

    def worked_out(self, name: str, place: Place) -> str:
        kept = self.rules.kept[name]
        made = f"v{kept.slot} = {self.rules.at(kept.code, place.known)}"
        made = f"s[{kept.slot}] = {made}" if place.listed else made
        if name not in self.met:
            return made
        self.unsure.add(name)
        return f"if v{kept.slot} is _unknown: {made}"

    def listed(self, lines: list[str], place: Place) -> tuple[Place, list[str]]:
        """Return lines of code, and before them `s` where they read it first: what functions know of derived facts."""
        if place.listed or not any(map(_LIST.search, lines)):
            return place, lines
        values = f"[{', '.join(self.value(name, place) for name in self.rules.kept)}]"
        if len(lines) == 1 and lines[0].startswith("if ") and (alone := self.called_once(lines[0], values, place)):
            return place, [alone]
        return place._replace(listed=True), [f"s = {values}", *lines]

    def called_once(self, question: str, values: str, place: Place) -> str:
        """Return a question that asks for one derived fact, last and so seldom, making the list for its function alone.

        "" where it asks for others.
        """
        slots = _CALL.findall(question)
        if len(slots) != 1 or _CALL.match(question, len("if ")) or _LIST.search(_CALL.sub("", question)):
            return ""
        value = self.value(list(self.rules.kept)[int(slots[0])], place)
        known = "" if value == "_unknown" else f"{value} if {value} is not _unknown else "
        return _CALL.sub(f"({known}d{slots[0]}({values}, ", question)

    def value(self, name: str, place: Place) -> str:
        """Return the code of what a local variable has of a derived fact, `_unknown` where none can have anything."""
        if name not in self.met:
            return "_unknown"
        if name not in place.known:
            self.unsure.add(name)
        return f"v{self.rules.kept[name].slot}"

    def condition(self, node: Node, place: Place) -> str:
        return self.rules.at(self.rules.condition(self.rules.write(node)), place.known)

    def decision(self, gate: GateRule) -> str:
        """Return the name of a gate's decision, whose message says nothing of the facts."""
        name = f"_d{len(self.decisions)}"
        said = None if gate.message is None else "".join(map(str, gate.message))
        self.decisions[name] = (*_fields(gate), said)
        return name

    def asked(self, step: Step, place: Place, shared: bool = False) -> Iterator[str]:
        """Yield the code that asks a gate, and gives its decision where it fires."""
        terms: list[str] = []
        for number, term in enumerate(step.terms):
            late = [name for name in self.rules.first_kept(term) if name not in place.known]
            if late and terms:
                inner, ready = self.ready((term,), place, first=term)
                inside = [*ready, *self.asked(Step(step.terms[number:], step.gate), inner, shared)]
                _, made = self.listed([f"if {' and '.join(terms)}:"], place)
                yield from made[:-1]
                yield from below(made[-1], inside)
                return
            terms.append(self.condition(term, place))
        place, made = self.listed([f"if {' and '.join(terms)}:"], place)
        yield from made[:-1]
        fired = self.fired(self.program.gates[step.gate], place, shared)
        yield from below(made[-1], fired) if terms else fired

    def fired(self, gate: GateRule, place: Place, shared: bool) -> list[str]:
        """Return the code that gives a gate's decision. shared: for several gates, whose own parts are in `a`."""
        parts = gate.message or ()
        if all(isinstance(part, str) for part in parts):
            return ["return a" if shared else f"return {self.decision(gate)}"]
        place, code = self.ready(in_message(self.program, gate), place)
        pieces = [self.rules.at(self.piece(part), place.known) for part in parts if isinstance(part, int)]
        _, made = self.listed([f"p{number} = {piece}" for number, piece in enumerate(pieces)], place)
        code += made
        if shared:
            words = [f"w{number}" for number in range(len(parts) - len(pieces))]
            made = [f"{', '.join((*_FIELDS, *words))}, = a"]
            texts: Iterator[str] = (f"{{{word}}}" for word in words)
        else:
            made = [f"{name} = {value!r}" for name, value in zip(_FIELDS, _fields(gate), strict=True)]
            texts = (_in_literal(part) for part in parts if isinstance(part, str))
        numbers = count()
        said = "".join(next(texts) if isinstance(part, str) else f"{{p{next(numbers)}}}" for part in parts)
        made += [f"r.message = f'{said}'", "r.policy = _policy", "r.__class__ = _Decision"]
        return [*code, "r = _Fields()", "; ".join(made), "return r"]

    def piece(self, index: int) -> str:
        """Return the code of a value in a message, which raises where that depends on what stands around it."""
        node = self.program.nodes[index]
        code = self.rules.write(node)
        kinds, text = code.kinds, code.text
        if kinds <= {"string", "null"}:
            sized = node["type"] == "function_expression" and node["value"] in ("size", "percent")
            if not (sized or self.is_said(node)):
                # Names come again and again: what was looked at once is known.
                name, text = (text, text) if text.isidentifier() else ("t", f"(t := {text})")
                text = f"({name} if {text} in _known else _said({name}))"
            if "null" not in kinds:
                return text
            if text == code.text:
                return f"(t if (t := {text}) is not None else {as_text(None)!r})"
            if code.text.isidentifier():
                return f"({text} if {code.text} is not None else {as_text(None)!r})"
        return f"_said({code.text})"

    def is_said(self, node: Node) -> bool:
        """Whether all texts that a derived fact can be stand in the rule file, without odd spaces."""
        path = path_of(node) or ""
        kind = self.program.types.get(path.removeprefix("derived.")) if path.startswith("derived.") else None
        return kind is not None and kind.values is not None and all(map(is_said, kind.values))

    def table(self, table: Table, place: Place) -> Iterator[str]:
        """Yield the code that looks up which gates of a table begin as the facts are, and asks those, in order."""
        number = len(self.tables)
        self.tables.append(lookup(table, self.program.sets))
        self.answers.append([self.answer(entry.step) for entry in table.steps])
        keys = ", ".join(self.rules.at(self.rules.write(key).text, place.known) for key in table.keys)
        found = f"_table{number}.get({keys}, ())" if isinstance(self.tables[-1], dict) else f"_table{number}({keys})"
        yield f"for g in {found}:"
        yield f"    r = _answers{number}[g]"
        yield "    if r.__class__ is tuple: r = r[0](s, facts, r[1])"
        yield "    if r is not None: return r"

    def answer(self, step: Step) -> Reply:
        """Return what a gate of a table answers; gates that differ in their words alone share a function."""
        gate = self.program.gates[step.gate]
        parts = gate.message or ()
        constant = all(isinstance(part, str) for part in parts)
        if constant and not step.terms:
            return self.decision(gate)
        form = (
            tuple(map(shape, step.terms)),
            constant or tuple("" if isinstance(part, str) else shape(self.program.nodes[part]) for part in parts),
        )
        if form not in self.shared:
            self.shared[form] = f"g{len(self.shared)}"
            outer, self.met, self.unsure = (self.met, self.unsure), set(), set()  # its local variables are its own
            place, code = self.ready(step.terms, self.start()._replace(listed=True), risky=False)
            lines = [*code, *self.asked(step, place, shared=True)]
            self.functions += below(f"def {self.shared[form]}(s, facts, a):", [*self.unset(), *lines])
            self.met, self.unsure = outer
        own = self.decision(gate) if constant else (*_fields(gate), *(part for part in parts if isinstance(part, str)))
        return self.shared[form], own


def _fields(gate: GateRule) -> tuple[str, str, str, str | None, int | None]:
    return gate.decide, gate.backend, gate.id, gate.error, gate.http


def _in_literal(text: str) -> str:
    """Return a text as it stands in an f-string's single quotes."""
    return text.encode("unicode_escape").decode("ascii").replace("'", "\\'").replace("{", "{{").replace("}", "}}")


def below(head: str, lines: Iterable[str]) -> Iterator[str]:
    yield head
    yield from (f"    {line}" for line in lines)
