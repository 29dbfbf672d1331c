"""A policy, loaded and compiled: facts in, decision or trace out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import rules
from .checked import Checked, check, problems_of
from .compiler import Compiler, Evaluate, Scope
from .decision import Decision, GateResult, PolicyName, Trace
from .document import Derivation, Document, Gate, Located, Place
from .errors import PolicyError, Problem, did_you_mean
from .extend import merge
from .paths import paths_in
from .reader import read_document, read_parts
from .source import Source, read, source_of
from .types import kind_of
from .vocabulary import vocabulary

MAX_EXTENDS = 8
_SHIPPED = re.compile(r"\d+\.\d+\.\d+")
TODAY = "today"  # names the shipped policy of today, whatever its version


class Policy:
    """A policy that passed every check. Its methods never raise because of what the facts hold."""

    def __init__(self, checked: Checked) -> None:
        """Compile a checked document; `Policy.load` is the usual way here."""
        document = self.document = checked.document
        self.name, self.version = document.name, document.version
        self.derived_types = checked.derived
        self.sets = {part.name: list(part.add) for part in document.sets}
        self.limits = {part.name: part.value for part in document.limits}
        self._label = PolicyName(name=self.name, version=self.version)
        self._compile(document)

    @classmethod
    def load(cls, source: str | os.PathLike[str] | None = None) -> Policy:
        """Return the policy of a shipped version (`2.0.4`), of a path, or today's where `source` is None.

        Raises PolicyError, with every problem and its place, where it cannot be read or does not pass a check.
        """
        return cls(check(load_document(source)))

    @classmethod
    def from_text(cls, text: str, name: str = "<text>") -> Policy:
        """Return the policy that stands in `text`; `name` stands for the file in messages. Raises PolicyError."""
        return cls(check(_whole(source_of(text, name), Path.cwd())))

    def decide(self, facts: Mapping[str, Any]) -> Decision:
        """Return the decision for `facts`, as `probe` returns them.

        `facts["derived"]`, where it is there, holds derived facts to use in place of what the policy derives. A gate
        that cannot be evaluated blocks with error_type `policy_error` and is named.
        """
        if refusal := self._refusal(facts):
            return refusal
        scope, faults = self._scope(facts)
        for gate, when in self._gates:
            error = self._fault_of(gate.when, faults) if faults else ""
            if not error:
                fired, error = _holds(when, scope)
                if not fired and not error:
                    continue
            return self._decision(gate, scope, error)
        raise AssertionError("the last gate always fires")

    def explain(self, facts: Mapping[str, Any]) -> Trace:
        """Return the same decision as `decide`, with every gate tried and the terms that made it fire or not."""
        from .trace import Justifier  # only explain needs it

        if refusal := self._refusal(facts):
            return Trace(refusal, {}, {}, ())
        scope, faults = self._scope(facts)
        given = facts.get("derived")
        justifier = Justifier(self, scope, given if isinstance(given, dict) else ())
        tried: list[GateResult] = []
        for gate, when in self._gates:
            error = self._fault_of(gate.when, faults) if faults else ""
            fired, error = (True, error) if error else _holds(when, scope)
            fired = fired or bool(error)
            terms = justifier.terms(gate.when, fired) if gate.when is not None and not error else ()
            place = gate.place
            tried.append(GateResult(gate.id, fired, place.source.name, place.line, terms, error or None))
            if fired:
                plain = {name: value for name, value in scope.items() if name not in ("sets", "limits", "derived")}
                return Trace(self._decision(gate, scope, error), plain, dict(scope["derived"]), tuple(tried))
        raise AssertionError("the last gate always fires")

    def branch_of(self, name: str, scope: Scope) -> int | None:
        """Return which branch of the derived fact `name` gives its value in `scope`, or None where none of them did."""
        for number, (_, when, _) in enumerate(self._derivations[name]):
            if when is None:
                return number
            holds, error = _holds(when, scope)
            if error:
                return None
            if holds:
                return number
        return None

    def derivation(self, name: str) -> Derivation | None:
        """Return the derivation of the derived fact `name`."""
        return next((part for part in self.document.derive if part.name == name), None)

    # --- compiling

    def _compile(self, document: Document) -> None:
        sections = {name.rpartition(".")[0] for name in vocabulary().facts if "." in name}
        sections |= {part for section in sections for part in (section.rpartition(".")[0],) if part}
        compiler = Compiler(self.sets, sections | {"sets", "limits", "derived"})

        def add(located: Located | None) -> int | None:
            return None if located is None else compiler.add(located.expression.node)

        derivations = [
            (part.name, [(branch, add(branch.when), add(branch.compute)) for branch in part.branches])
            for part in document.derive
        ]
        gates = [(gate, add(gate.when), _numbers(gate, compiler)) for gate in document.gates]
        functions = compiler.finish()

        def of(number: int | None) -> Evaluate | None:
            return None if number is None else functions[number]

        self._derivations = {
            name: [(branch.value, of(when), of(compute)) for branch, when, compute in branches]
            for name, branches in derivations
        }
        self._gates = [(gate, of(when)) for gate, when, _ in gates]
        self._messages = {gate.id: [functions[number] for number in numbers] for gate, _, numbers in gates}

    # --- evaluating

    def _scope(self, given: Mapping[str, Any]) -> tuple[Scope, dict[str, str]]:
        facts, faults = vocabulary().complete(given)
        overrides = facts.pop("derived", None)
        scope: Scope = {**facts, "sets": self.sets, "limits": self.limits, "derived": {}}
        derived: dict[str, Any] = scope["derived"]
        self._check_overrides(overrides, faults)
        for name, branches in self._derivations.items():
            full = f"derived.{name}"
            if isinstance(overrides, dict) and name in overrides and full not in faults:
                derived[name] = overrides[name]
                continue
            if faults and full not in faults and (fault := self._fault_in_derivation(name, faults)):
                faults[full] = fault
            derived[name] = None
            if full in faults:
                continue
            try:
                derived[name] = _first(branches, scope)
            except Exception as error:
                faults[full] = f"cannot be derived: {_reason(error)}"
        return scope, faults

    def _check_overrides(self, overrides: Any, faults: dict[str, str]) -> None:
        if overrides is None:
            return
        if not isinstance(overrides, dict):
            faults["derived"] = "is not an object"
            return
        for name, value in overrides.items():
            wanted = self.derived_types.get(name)
            if wanted is None:
                help = did_you_mean(str(name), self.derived_types)
                faults["derived"] = (
                    f"has `{str(name)[:60]}`, which the policy does not derive{'; ' + help if help else ''}"
                )
            elif kind_of(value) not in wanted.kinds:
                faults[f"derived.{name}"] = f"is {kind_of(value)}, {wanted} is wanted"
            elif isinstance(value, str) and wanted.values is not None and value not in wanted.values:
                faults[f"derived.{name}"] = f"is `{value[:60]}`, one of {', '.join(sorted(wanted.values))} is wanted"

    def _fault_in_derivation(self, name: str, faults: Mapping[str, str]) -> str:
        derivation = self.derivation(name)
        for branch in derivation.branches if derivation is not None else ():
            for part in (branch.when, branch.compute):
                if fault := self._fault_of(part, faults):
                    return fault
        return ""

    def _fault_of(self, located: Located | None, faults: Mapping[str, str]) -> str:
        """Return the first fault among the facts that an expression reads, or ""."""
        if "derived" in faults:
            return f"`derived` {faults['derived']}"
        for path in sorted(paths_in(located.expression.node)) if located is not None else ():
            for fact, fault in faults.items():
                if path == fact or path.startswith(f"{fact}.") or fact.startswith(f"{path}."):
                    return f"`{fact}` {fault}" if not fault.startswith("`") else fault
        return ""

    def _refusal(self, facts: Any) -> Decision | None:
        if isinstance(facts, Mapping):
            return None
        message = f"the facts are of the kind {kind_of(facts)}, an object is wanted"
        return Decision("block", "unsupported", None, "policy_error", 500, message, self._label)

    def _decision(self, gate: Gate, scope: Scope, error: str) -> Decision:
        if error:
            message = f"the gate `{gate.id}` cannot be evaluated: {error}"
            return Decision("block", "unsupported", gate.id, "policy_error", 500, message, self._label)
        message = self._message(gate, scope) if gate.message is not None else None
        return Decision(gate.decide, gate.backend, gate.id, gate.error, gate.http, message, self._label)

    def _message(self, gate: Gate, scope: Scope) -> str:
        functions = iter(self._messages[gate.id])
        pieces: list[str] = []
        for part in gate.message.parts if gate.message is not None else ():
            if isinstance(part, str):
                pieces.append(part)
                continue
            try:
                pieces.append(_as_text(next(functions)(scope)))
            except Exception:
                pieces.append("(unknown)")
        return " ".join("".join(pieces).split())


def load_document(source: str | os.PathLike[str] | None = None) -> Document:
    """Return the policy document of a shipped version, a path, or today's, put together with what it extends.

    Raises PolicyError.
    """
    path, name = locate(source)
    return _whole(read(path, name), path.parent)


def locate(source: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """Return a rule file's path, and the name by which messages call it. It need not exist."""
    if source is None or source == TODAY:
        path = rules.FOLDER / "policy.yaml"
        return path, _shown(path)
    word = os.fspath(source)
    if isinstance(source, str) and _SHIPPED.fullmatch(word):  # whatever a file beside us is called
        path = rules.FOLDER / f"{word}.yaml"
        if not path.is_file() and f"\nversion: {word}\n" in (rules.FOLDER / "policy.yaml").read_text("utf-8"):
            path = rules.FOLDER / "policy.yaml"
        return path, _shown(path)
    return Path(word), word


def _shown(path: Path) -> str:
    # A path below the working folder is shown as a person there would write it.
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return f"rules/{path.name}"


def _whole(source: Source, folder: Path) -> Document:
    document, problems = read_parts(source)
    try:
        whole, misfits = _extended(document, folder, 0)
    except PolicyError as error:
        raise PolicyError([*problems, *error.problems]) from None
    if problems or misfits:
        raise PolicyError([*problems, *misfits, *problems_of(whole)])
    return whole


def _extended(document: Document, folder: Path, depth: int) -> tuple[Document, list[Problem]]:
    if document.extends is None:
        return document, []
    place = document.extends_place or document.place
    if depth >= MAX_EXTENDS:
        help = "a policy must not extend itself"
        raise PolicyError(
            [place.problem("extends-too-deep", f"more than {MAX_EXTENDS} policies extend one another", help)]
        )
    path, name = _base_of(document.extends, folder, place)
    try:
        base = read_document(read(path, name))
    except PolicyError as error:
        if all(not problem.file for problem in error.problems):
            raise PolicyError(
                place.problem(p.code, f"cannot extend: {p.message}", p.help) for p in error.problems
            ) from None
        raise
    base, misfits = _extended(base, path.parent, depth + 1)
    if misfits:
        raise PolicyError(misfits)
    return merge(base, document)


def _base_of(word: str, folder: Path, place: Place) -> tuple[Path, str]:
    if word == TODAY or _SHIPPED.fullmatch(word):
        return locate(word)
    if not word.endswith((".yaml", ".yml")):
        # A message may show a line of the file: what is no rule file by its name is not opened.
        help = "name a shipped version such as 2.0.4, or a path that ends in .yaml"
        raise PolicyError([place.problem("no-file", f"`{word[:100]}` is no policy to extend", help)])
    path = folder / word
    return path, str(path)


def _numbers(gate: Gate, compiler: Compiler) -> list[int]:
    parts = gate.message.parts if gate.message is not None else ()
    return [compiler.add(part.expression.node) for part in parts if isinstance(part, Located)]


def _holds(when: Evaluate | None, scope: Scope) -> tuple[bool, str]:
    if when is None:
        return True, ""
    try:
        value = when(scope)
    except Exception as error:
        return False, _reason(error)
    return (value, "") if isinstance(value, bool) else (False, f"it is {kind_of(value)}, not boolean")


def _first(branches: list[tuple[Any, Evaluate | None, Evaluate | None]], scope: Scope) -> Any:
    for value, when, compute in branches:
        holds, error = _holds(when, scope)
        if error:
            raise ValueError(error)
        if holds:
            found = compute(scope) if compute is not None else value
            if isinstance(found, float) and found - found != 0:
                raise ValueError("it is not a finite number")
            return found
    raise ValueError("no branch matches")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{text} ({type(error).__name__})" if text else type(error).__name__


def _as_text(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)[:300]
