"""Model folders of every kind, one a file in cases/, decided as the file says, whatever the folder is called.

A case: title, name, layout (hf, the Hugging Face cache; or plain), mistakes (those of policy 2.0.4 that it shows
mended), files (text as it is, null for an empty file, anything else as JSON), decisions (for each request: decision,
then backend or error_type, then gate), derived. No backend is asked: these files have no weights to load.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy

from ..case_files import read_yaml
from .folders import REQUESTS, facts_of, in_cache, requests, verdicts, without_backends, write

pytestmark = pytest.mark.slow

CASES = {file.stem: read_yaml(file) for file in sorted(Path(__file__).parent.glob("cases/*.yaml"))}
HTTP = {"capability_mismatch": 400, "remote_code": 403, "insufficient_memory": 507}
# All that 3.0.0 mends; 5, 6 and 9 are not among them.
MENDED = (1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14)
NAMES = (
    "whisper",
    "glm-x",
    "voxtral",
    "parakeet",
    "llava",
    "embed",
    "instruct",
    "chat",
    "mlx-community",
    "gguf",
    "x" * 40,
)


def built(case: dict[str, Any], root: Path) -> dict[str, Any]:
    if case["layout"] == "hf":
        return facts_of(in_cache(root, case["name"], case["files"]), case["name"])
    return facts_of(write(root / case["name"], case["files"]))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(tmp_path: Path, policy: Policy, case: dict[str, Any]) -> None:
    facts = built(case, tmp_path)
    assert verdicts(policy, facts) == case["decisions"]
    trusted = facts | {"request": facts["request"] | {"trust_remote_code": True}}
    assert verdicts(policy, trusted) == case["decisions"], "no code ever runs, so that trust decides nothing"
    for asked in requests(facts).values():
        trace = policy.explain(asked)
        decision = trace.decision
        assert decision == policy.decide(asked)
        if decision.decision == "block":
            assert decision.http_status == HTTP.get(decision.error_type or "", 501)
            assert decision.backend == "unsupported"
            assert decision.message
            assert "unknown" not in decision.message
    derived = policy.explain(facts).derived
    wanted = case.get("derived", {})
    capabilities = list(policy.explain(facts).capabilities)
    assert {name: derived[name] if name != "capabilities" else capabilities for name in wanted} == wanted


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_names_and_layout_never_matter(tmp_path: Path, policy: Policy, case: dict[str, Any]) -> None:
    places = [facts_of(write(tmp_path / "plain" / name, case["files"])) for name in NAMES]
    for number, name in enumerate(("mlx-community/whisper-chat-embed", "org/llava", case["name"])):
        cached = in_cache(tmp_path / f"cache{number}", name, case["files"])
        places += [facts_of(cached, name), facts_of(cached)]
    for facts in places:
        assert verdicts(policy, facts) == case["decisions"], facts["model"]["path"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_without_any_backend_nothing_is_allowed_and_refusals_stay(
    tmp_path: Path, policy: Policy, case: dict[str, Any]
) -> None:
    bare = verdicts(policy, without_backends(built(case, tmp_path)))
    for request, verdict in case["decisions"].items():
        if verdict.startswith("allow") or verdict.endswith(" no-weights"):  # asked of a backend that is there
            assert bare[request].startswith("block missing_dependency"), request
        else:
            assert bare[request] == verdict, request


def test_every_case_is_written_whole() -> None:
    for name, case in CASES.items():
        keys = {"title", "name", "layout", "mistakes", "files", "decisions", "derived"}
        assert case.keys() <= keys, name
        assert list(case["decisions"]) == list(REQUESTS), name


# What these folders cannot show: weights that are damaged, and what a backend or hub says. The policy's own cases do.
DAMAGE = {
    "damaged-weights",
    "gated",
    "half-downloaded",
    "incomplete-download",
    "insufficient-disk",
    "missing-shards",
    "missing-tower",
    "stray-adapter",
    "text-warning",
    "vision-warning",
}
SAID = {
    "asked-code",
    "package",
    "backend-type",
    "unsupported-quantization",
    "quantization",
    "config-keys",
    "missing-tensors",
    "extra-tensors",
    "tokenizer",
    "template",
    "processor",
}


def test_every_mended_mistake_has_two_folders() -> None:
    shown = Counter(number for case in CASES.values() for number in case.get("mistakes", ()))
    assert {number: shown[number] for number in MENDED if shown[number] < 2} == {}
    assert set(shown) <= set(MENDED)


def test_every_gate_that_files_can_fire_fires(policy: Policy) -> None:
    fired = {verdict.split()[2] for case in CASES.values() for verdict in case["decisions"].values()}
    by_machine = {"dependency", "outdated", "version", "vision-python", "too-large"}
    by_machine |= {gate.id for gate in policy.document.gates if "memory" in gate.id}
    beside = ("machines-", "adapter-", "draft-")  # by a hostfile; by what a request to a server names beside its model
    by_machine |= {gate.id for gate in policy.document.gates if gate.id.startswith(beside)}
    # Reached by what-if alone: no type is two things at once in the libraries of today.
    assert {gate.id for gate in policy.document.gates} - fired - by_machine - DAMAGE - SAID == {
        "images-and-audio",
        "path-pattern",
        "unreadable",
    }
