"""Changes of the frozen policy: whatever the recorded models show of them, the difference must have found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.cases.ordinary_model import put
from mlxk_rules.engine.analysis.difference import difference, outcome
from mlxk_rules.engine.rulefile.checked import check
from mlxk_rules.engine.rulefile.document import Document
from mlxk_rules.engine.rulefile.loading import load_document
from mlxk_rules.loaders import probe

from ...rules.conformance.test_frozen import MODELS, REQUESTS, build

pytestmark = pytest.mark.slow

DOCUMENT = load_document("2.0.4")
OLD = Policy(check(DOCUMENT))
COUNT = len(DOCUMENT.gates) - 1


def mutants() -> list[tuple[str, Document]]:
    gates = DOCUMENT.gates
    found = [(f"without {gates[n].id}", DOCUMENT.changed(gates=gates[:n] + gates[n + 1 :])) for n in range(COUNT)]
    for n in range(COUNT - 1):
        swapped = (*gates[:n], gates[n + 1], gates[n], *gates[n + 2 :])
        found.append((f"{gates[n].id} behind {gates[n + 1].id}", DOCUMENT.changed(gates=swapped)))
    for part in DOCUMENT.sets:
        for word in part.add:
            less = replace(part, add=tuple(other for other in part.add if other != word))
            sets = tuple(less if other is part else other for other in DOCUMENT.sets)
            found.append((f"{part.name} without {word}", DOCUMENT.changed(sets=sets)))
    for number in (0.1, 0.9):
        limits = tuple(replace(limit, value=number) for limit in DOCUMENT.limits)
        found.append((f"limit {number}", DOCUMENT.changed(limits=limits)))
    return found


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    root: Path = tmp_path_factory.mktemp("models")
    found: list[dict[str, Any]] = []
    for number, model in enumerate(MODELS):
        folder = build(model, root / str(number))
        for images, audio in REQUESTS.values():
            probed = probe(folder, name=model["name"], images=images, audio=audio)
            probed["memory"]["total_bytes"] = 2 * probed["model"]["size_bytes"] or None
            for installed in (True, False):
                one = probed
                for backend in ("mlx_lm", "mlx_vlm", "mlx_audio"):
                    one = put(one, f"runtime.{backend}.installed", installed)
                found.append(one)
    return found


@pytest.mark.parametrize("name, document", mutants(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_the_models_show_is_found(name: str, document: Document, facts: list[dict[str, Any]]) -> None:
    new = Policy(check(document))
    shown: set[tuple[Any, Any]] = set()
    for one in facts:
        before, after = OLD.decide(one), new.decide(one)
        if outcome(before) != outcome(after):
            shown.add((before.gate, after.gate))
    found = difference(OLD, new)
    assert found.exact
    assert shown <= {(change.old.id, change.new.id) for change in found.changes}
