"""Holds a case file to its policy: names that the policy has, facts of the right type, `each` repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..facts.types import kind_of
from ..facts.vocabulary import vocabulary
from ..policy import Policy
from ..problems import PolicyError, Problem, did_you_mean
from ..rulefile.document import Place
from .cases import Case, Each, Equivalent, Folder, Run, Setting, Suite
from .facts import completed, filled, merged, placeholders, settled

Probe = Callable[[Folder, Place], dict[str, Any]]
_SURROUNDINGS = ("runtime", "memory", "request")  # of a probed folder these come from the case, not this machine


def bound(suite: Suite, policy: Policy, probe: Probe) -> list[Run]:
    """Return the suite's cases ready to run, each as often as its `each` says.

    probe: tells the facts of a case's folder. Raises PolicyError with every problem: unknown gates, sets, derived
    facts and placeholders, facts of the wrong type.
    """
    binding = _Binding(suite, policy, probe)
    binding.filled(suite.defaults, {})
    runs = [run for case in suite.cases for run in binding.runs(case)]
    if binding.problems:
        raise PolicyError(dict.fromkeys(binding.problems))
    return runs


def explained(suite: Suite, policy: Policy) -> list[tuple[str, Equivalent]]:
    """Return the mutants that the suite calls equivalent, by id. Raises PolicyError."""
    binding = _Binding(suite, policy, _no_probe)
    found = [
        (filled(mutant, row), part)
        for part in suite.equivalent
        for _, row in binding.rows(part.each)
        for mutant in part.mutants
    ]
    if binding.problems:
        raise PolicyError(binding.problems)
    return found


class _Binding:
    def __init__(self, suite: Suite, policy: Policy, probe: Probe) -> None:
        self.suite, self.policy, self.probe = suite, policy, probe
        self.problems: list[Problem] = []
        gates = policy.document.gates
        self.words: Mapping[str, tuple[str, Iterable[str]]] = {
            "gate": ("unknown-gate", [gate.id for gate in gates]),
            "error_type": ("unknown-error", {gate.error for gate in gates if gate.error} | {"policy_error"}),
        }

    def note(self, place: Place, code: str, message: str, help: str) -> None:
        self.problems.append(place.problem(code, message, help))

    def runs(self, case: Case) -> Iterator[Run]:
        rows = self.rows(case.each)
        known = set(rows[0][1]) if rows else set[str]()
        for place, value in [
            (case.place, case.name),
            *((s.place, s.value) for s in (*case.settings, *case.derived)),
            *((e.place, e.value) for e in case.expect),
        ]:
            # Without `each` text stands as it is: a chat template is full of braces.
            unfilled = placeholders(value) - known if case.each is not None else placeholders(value) & {"entry"}
            for key in sorted(unfilled if rows else ()):
                help = did_you_mean(key, known) or (f"there is {', '.join(known)}" if known else "add `each:`")
                self.note(place, "unknown-placeholder", f"nothing fills `{{{{ {key} }}}}`", help)
        for entry, row in rows:
            name = filled(case.name, row)
            if entry and name == case.name:
                name = f"{name} [{entry}]"
            expect = {part.key: filled(part.value, row) for part in case.expect}
            for part in case.expect:
                self.expected_names(part.place, part.key, expect[part.key])
            yield Run(
                name=str(name),
                facts=self.facts(case, row),
                expect=expect,
                place=case.place,
                set=case.each.of if case.each is not None and isinstance(case.each.of, str) else "",
                entry=entry,
                skip=case.skip,
            )

    # --- each

    def rows(self, each: Each | None) -> list[tuple[str, dict[str, Any]]]:
        """Return what fills the placeholders, once for each time: a word for the name, and a row."""
        if each is None:
            return [("", {})]
        names = [*([each.of] if isinstance(each.of, str) else []), *each.within, *each.without]
        for name in names:
            if name not in self.policy.sets:
                help = did_you_mean(name, self.policy.sets) or "name one of the policy's sets"
                self.note(each.place, "unknown-set", f"unknown set `{name[:60]}`", help)
                return []
        entries: Iterable[Any] = self.policy.sets[each.of] if isinstance(each.of, str) else each.of
        rows: list[tuple[str, dict[str, Any]]] = []
        for entry in entries:
            if any(entry not in self.policy.sets[name] for name in each.within):
                continue
            if any(entry in self.policy.sets[name] for name in each.without):
                continue
            row: dict[str, Any] = entry if isinstance(entry, dict) else {"entry": entry}
            shown = entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
            rows.append((" ".join(str(shown).split())[:100], row))
        if not rows:
            self.note(each.place, "no-entries", "`each` leaves nothing to repeat for", "check `in` and `not_in`")
        return rows

    # --- facts

    def facts(self, case: Case, row: Mapping[str, Any]) -> dict[str, Any]:
        defaults, own = self.suite.defaults, self.filled(case.settings, row)
        if case.folder is None:
            facts = completed(settled((*defaults, *own)))
        else:
            probed = self.probe(case.folder, case.place)
            around = completed(settled((*(part for part in defaults if part.path[0] in _SURROUNDINGS), *own)))
            facts = {**probed, **{name: around[name] for name in _SURROUNDINGS}}
            facts = merged(facts, settled(part for part in own if part.path[0] not in _SURROUNDINGS))
        derived = [Setting(part.path, filled(part.value, row), part.place) for part in case.derived]
        for setting in derived:
            self.derived_fact(setting)
        return {**facts, "derived": {part.name: part.value for part in derived}} if derived else facts

    def filled(self, settings: Iterable[Setting], row: Mapping[str, Any]) -> list[Setting]:
        whole = [Setting(part.path, filled(part.value, row), part.place) if row else part for part in settings]
        found = [deeper for part in whole for deeper in self.spread(part)]
        for setting in found:
            fact = vocabulary().facts.get(setting.name)
            value = settled([setting])
            for part in setting.path:
                value = value[part]
            if fact is not None and (fault := fact.fault(value)):
                self.note(setting.place, "wrong-type", f"`{setting.name}` {fault}", fact.means)
        return found

    def spread(self, setting: Setting) -> list[Setting]:
        """Return the single facts of a row that fills a section such as `weights` with several."""
        known = vocabulary().facts
        above = [".".join(setting.path[:length]) for length in range(1, len(setting.path) + 1)]
        if any(name in known for name in above):
            return [setting]
        if not isinstance(setting.value, dict) or not any(name.startswith(f"{setting.name}.") for name in known):
            help = did_you_mean(setting.name, known) or "rules/facts.yaml has them all"
            self.note(setting.place, "unknown-fact", f"unknown fact `{setting.name[:60]}`", help)
            return []
        return [
            deeper
            for key, value in setting.value.items()
            for deeper in self.spread(Setting((*setting.path, *str(key).split(".")), value, setting.place))
        ]

    def derived_fact(self, setting: Setting) -> None:
        wanted = self.policy.derived_types.get(setting.name)
        if wanted is None:
            help = did_you_mean(setting.name, self.policy.derived_types) or "name what the policy derives"
            self.note(setting.place, "unknown-derived", f"unknown derived fact `{setting.name[:60]}`", help)
        elif kind_of(setting.value) not in wanted.kinds:
            message = f"`derived.{setting.name}` is {kind_of(setting.value)}, {wanted} is wanted"
            self.note(setting.place, "wrong-type", message, "set what the policy could derive")

    # --- expect

    def expected_names(self, place: Place, key: str, value: Any) -> None:
        if key in self.words:
            self.known(place, key, value)
        for gate in value if key == "not_gates" else ():
            self.known(place, "gate", gate)
        for name in value if key == "derived" and isinstance(value, dict) else ():
            if name not in self.policy.derived_types:
                help = did_you_mean(name, self.policy.derived_types) or "name what the policy derives"
                self.note(place, "unknown-derived", f"unknown derived fact `{name[:60]}`", help)

    def known(self, place: Place, key: str, word: Any) -> None:
        code, words = self.words[key]
        if isinstance(word, str) and word not in words and not placeholders(word):
            help = did_you_mean(word, words) or f"`{self.policy.name} {self.policy.version}` has no such {key}"
            self.note(place, code, f"unknown {key} `{word[:60]}`", help)


def _no_probe(folder: Folder, place: Place) -> dict[str, Any]:
    raise AssertionError("no folder is probed here")
