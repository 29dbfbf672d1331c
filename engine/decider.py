"""Writes a whole policy as one Python function: facts in, decision out, nothing interpreted.

The function trusts nothing: a fact is looked at before the first gate that reads it, by itself or through a derived
fact. Where one is not as the vocabulary has it, where something raises, and where the caller set derived facts, the
exact way (engine.evaluation) decides instead. So both say the same, always, and the fast way stays plain:

- gates that begin alike stand below one `if`; many that begin with an equality or a set become a table (engine.index);
- a derived fact is worked out where it is first needed, once, and not at all where nothing needs it;
- a decision whose message says nothing of the facts is made beforehand.

Only what cannot raise waits until it is needed: what may is worked out before the gate, as the exact way does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

from .compiler import BOOLEAN, STRING, Code, Kinds
from .expression import Node
from .fast_writer import FastNames, FastWriter, Unsupported
from .loads import Loads
from .lookup import Lookup, lookup
from .messages import MAX_SAID, as_text, is_said, normal
from .paths import path_of, paths_in
from .plan import Group, Item, Step, Table, nodes_in, planned, terms_of, uses
from .program import DerivedRule, GateRule, Program


Answer = tuple[str, str, str, str | None, int | None, str | None]


class Decider(NamedTuple):
    """The function `decide` as code, and what its names are made of.

    decisions: a decision's fields by its name. tables: `_table0`, `_table1`...
    """

    code: CodeType
    constants: dict[str, Any]
    guards: dict[str, str]
    patterns: dict[str, str]
    decisions: dict[str, Answer]
    tables: list[Lookup]


class Written(NamedTuple):
    """An expression as code, and what it needs: facts, lists of files as one text, lists of nothing but text."""

    text: str
    kinds: Kinds
    facts: frozenset[str]
    lines: frozenset[str]
    whole: frozenset[str]
    risky: bool
    call: str = ""  # of a derived fact that has a function: what works it out


class Place(NamedTuple):
    """A place in the code: what is loaded there, and which derived facts that may raise are worked out."""

    loads: Loads
    done: frozenset[str]


def decider(program: Program) -> Decider | None:
    """Return a program's decider, or None where a rule reads what only the exact way has."""
    try:
        return _Author(program).decider()
    except Unsupported:
        return None


class _Author:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.facts = {fact.name: fact for fact in program.facts}
        self.names = FastNames({name: fact.type for name, fact in self.facts.items()}, program.limits, self.derived)
        self.writer = FastWriter(program.sets, self.names)
        self.rules = {rule.name: rule for rule in program.derive}
        self.needs: dict[str, tuple[frozenset[str], frozenset[str]]] = {}  # of derived facts: facts, derived facts
        self.parts: dict[str, Written] = {}  # the derived facts
        self.written: dict[int, Written] = {}  # expressions, by their node
        self.functions: list[str] = []  # of derived facts
        self.functions_of_gates: list[str] = []
        self.tables: list[Lookup] = []
        self.decisions: dict[str, Answer] = {}

    def decider(self) -> Decider:
        program = self.program
        for rule in program.derive:
            self.needs[rule.name] = self.needed(self.nodes_of(rule))
        plan = planned([Step(terms_of(self.node(gate.when)), n) for n, gate in enumerate(program.gates)])
        asked = [*nodes_in(plan), *(node for gate in program.gates for node in self.in_message(gate))]
        reached = self.needed(asked)[1]
        rules = [rule for rule in program.derive if rule.name in reached]
        used = uses([*asked, *(node for rule in rules for node in self.nodes_of(rule))])
        for rule in rules:
            self.derive(rule, used[rule.name])
        lines = list(self.items(plan, Place(Loads(self.facts), frozenset())))
        slots = len(self.functions) // 3
        source = "\n".join(
            (
                *self.functions,
                *self.functions_of_gates,
                "def decide(facts):",
                "    if type(facts) is not dict or 'derived' in facts: return _slow(facts)",
                "    try:",
                f"        s = [_unknown] * {slots}",
                *(f"        {line}" for line in lines),
                "    except Exception:",
                "        return _slow(facts)",
            )
        )
        lists = {f"_list_{name}": program.sets[name] for name in self.names.sets}
        return Decider(
            compile(source, "<policy>", "exec"),
            {**self.writer.constants, **lists},
            self.writer.guards,
            self.writer.patterns,
            self.decisions,
            self.tables,
        )

    # --- expressions

    def node(self, index: int | None) -> Node | None:
        return None if index is None else self.program.nodes[index]

    def nodes_of(self, rule: DerivedRule) -> list[Node]:
        indexes = (index for branch in rule.branches for index in (branch.when, branch.compute))
        return [self.program.nodes[index] for index in indexes if index is not None]

    def in_message(self, gate: GateRule) -> list[Node]:
        return [self.program.nodes[part] for part in gate.message or () if isinstance(part, int)]

    def needed(self, nodes: Iterable[Node]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the facts and derived facts that expressions read, whichever way they go."""
        facts: set[str] = set()
        derived: set[str] = set()
        for path in {path for node in nodes for path in paths_in(node)}:
            first, _, rest = path.partition(".")
            if first == "derived":
                name = rest.partition(".")[0]
                derived |= {name} | self.needs[name][1]
                facts |= self.needs[name][0]
            elif first not in ("sets", "limits"):
                facts.add(self.names.fact_of(path))
        return frozenset(facts), frozenset(derived)

    def write(self, node: Node) -> Written:
        """Return an expression as code."""
        if id(node) not in self.written:
            self.writer.begin()
            self.written[id(node)] = self.taken(self.writer.write(node))
        return self.written[id(node)]

    def taken(self, code: Code) -> Written:
        facts, lines, whole = (frozenset(part) for part in (self.names.read, self.writer.lines, self.writer.whole))
        return Written(code.text, code.kinds, facts, lines, whole, self.writer.risky)

    # --- derived facts

    def derived(self, name: str) -> str:
        """Return the code of a derived fact, and note what it needs."""
        part = self.parts[name]
        self.names.read |= part.facts
        self.writer.lines |= part.lines
        self.writer.whole |= part.whole
        return part.text

    def derive(self, rule: DerivedRule, times: int) -> None:
        """Write a derived fact: where it stands if that is one place, else as a function whose value is kept."""
        self.writer.begin()
        part = self.taken(self.value_of(rule))
        if times > 1 or part.risky:
            slot = len(self.functions) // 3
            numbers = self.names.numbers
            given = [f"f{numbers[name]}" for name in sorted(part.facts)]
            given += [f"j{numbers[name]}" for name in sorted(part.lines)]
            call = f"d{slot}({', '.join(['s', *given])})"
            self.functions += [f"def {call}:", f"    s[{slot}] = v = {part.text}", "    return v"]
            part = part._replace(text=f"(v if (v := s[{slot}]) is not _unknown else {call})", call=call)
        self.parts[rule.name] = part

    def value_of(self, rule: DerivedRule) -> Code:
        result: Code | None = None
        for branch in reversed(rule.branches):
            value = self.branch_value(branch.value, self.node(branch.compute))
            when = self.node(branch.when)
            if when is None:
                result = value
                continue
            if result is None:
                self.writer.risky, result = True, Code("_no_branch()")
            holds = self.condition(self.writer.write(when))
            if value.text == "(True)" and result.kinds == BOOLEAN:
                result = Code(f"({holds} or {result.text})", BOOLEAN)
            elif value.text == "(False)" and result.kinds == BOOLEAN:
                result = Code(f"(not {holds} and {result.text})", BOOLEAN)
            else:
                result = Code(f"({value.text} if {holds} else {result.text})", value.kinds | result.kinds)
        return result or Code("None")

    def branch_value(self, value: Any, compute: Node | None) -> Code:
        if compute is None:
            return self.writer.write({"type": "literal", "value": value})
        code = self.writer.write(compute)
        if "number" not in code.kinds:
            return code
        self.writer.risky = True
        name = self.writer.temporary()
        finite = f"type({name} := {code.text}) is not float or {name} - {name} == 0.0"
        return Code(f"({name} if {finite} else _finite({name}))", code.kinds)

    def condition(self, code: Code | Written) -> str:
        if code.kinds == BOOLEAN:
            return code.text
        self.writer.risky = True
        return f"_boolean({code.text})"

    # --- gates

    def items(self, plan: Sequence[Item], place: Place) -> Iterator[str]:
        for item in plan:
            place, ready = self.ready(nodes_in((item,)), place)
            yield from ready
            if isinstance(item, Step):
                terms = " and ".join(self.condition(self.write(term)) for term in item.terms)
                lines = self.fire(self.program.gates[item.gate], place)
                yield from _below(f"if {terms}:", lines) if terms else lines
            elif isinstance(item, Group):
                yield from _below(f"if {self.condition(self.write(item.term))}:", self.items(item.items, place))
            else:
                yield from self.table(item, place)

    def ready(self, nodes: Iterable[Node], place: Place) -> tuple[Place, list[str]]:
        """Return the code that loads what expressions need, and works out what may raise; and the place behind it."""
        nodes = list(nodes)
        facts, derived = self.needed(nodes)
        parts = [*map(self.write, nodes), *(self.parts[name] for name in derived)]
        loads = place.loads.copy()
        code = list(
            loads.lines(facts, {n for part in parts for n in part.whole}, {n for part in parts for n in part.lines})
        )
        late = [r.name for r in self.program.derive if r.name in derived - place.done and self.parts[r.name].risky]
        return Place(loads, place.done | set(late)), code + [self.parts[name].call for name in late]

    def fire(self, gate: GateRule, place: Place) -> list[str]:
        """Return the code that gives a gate's decision."""
        fields = (gate.decide, gate.backend, gate.id, gate.error, gate.http)
        parts = normal(gate.message or ())
        if all(isinstance(part, str) for part in parts):
            name = f"_d{len(self.decisions)}"
            self.decisions[name] = (*fields, None if gate.message is None else "".join(map(str, parts)))
            return [f"return {name}"]
        _, code = self.ready(self.in_message(gate), place)
        message = " + ".join(repr(part) if isinstance(part, str) else self.piece(part) for part in parts)
        made = f"r = _Fields({', '.join(map(repr, fields))}, {message}, _policy)"
        return [*code, made, "r.__class__ = _Decision", "return r"]

    def piece(self, index: int) -> str:
        node = self.program.nodes[index]
        code = self.write(node)
        sized = node["type"] == "function_expression" and node["value"] in ("size", "percent")
        if code.kinds == STRING and (sized or self.is_said(node)):
            return code.text
        if code.kinds <= {"string", "null"} and code.text.isidentifier():
            name = code.text
            plain = f"{name}.isprintable() and ' ' not in {name} and 0 < len({name}) <= {MAX_SAID}"
            text = f"({name} if {plain} else _said({name}))"
            return text if "null" not in code.kinds else f"({as_text(None)!r} if {name} is None else {text})"
        return f"_said({code.text})"

    def is_said(self, node: Node) -> bool:
        """Whether all texts that a derived fact can be stand in the rule file, without odd spaces."""
        path = path_of(node) or ""
        kind = self.program.types.get(path.removeprefix("derived.")) if path.startswith("derived.") else None
        return kind is not None and kind.values is not None and all(map(is_said, kind.values))

    def table(self, table: Table, place: Place) -> Iterator[str]:
        """Return the code that looks up which gates of a table begin as the facts are, and asks those, in order."""
        number = len(self.tables)
        self.tables.append(lookup(table, self.program.sets))
        answers = ", ".join(self.answer(entry.step, place) for entry in table.steps)
        self.functions_of_gates.append(f"_answers{number} = [{answers}]")
        keys = ", ".join(self.write(key).text for key in table.keys)
        found = f"_table{number}.get({keys}, ())" if isinstance(self.tables[-1], dict) else f"_table{number}({keys})"
        yield f"for g in {found}:"
        yield f"    r = _answers{number}[g]"
        yield "    if type(r) is not _Decision: r = r(s, facts)"
        yield "    if r is not None: return r"

    def answer(self, step: Step, place: Place) -> str:
        """Return the name of a gate's decision, or of a function that gives it, or None where it does not fire."""
        inner = Place(Loads(self.facts), place.done)
        inner, code = self.ready(step.terms, inner)
        fired = self.fire(self.program.gates[step.gate], inner)
        if not step.terms and len(fired) == 1:
            return fired[0].removeprefix("return ")
        name = f"g{step.gate}"
        terms = " and ".join(self.condition(self.write(term)) for term in step.terms)
        body = [*code, *(_below(f"if {terms}:", fired) if terms else fired)]
        self.functions_of_gates += _below(f"def {name}(s, facts):", body)
        return name


def _below(head: str, lines: Iterable[str]) -> Iterator[str]:
    yield head
    yield from (f"    {line}" for line in lines)
