"""Every type that transformers or an MLX library has, decided for four requests and held against the libraries.

    python -m tests.types.sweep             prints the misses and the counts; exit code 1 with an unexplained miss
    python -m tests.types.sweep 10          every tenth type alone

What a backend takes is told by tests/rules/oracle.py, from the libraries' own classes. A type that transformers alone
has must be refused. A miss is explained where explained.yaml names it, and an explanation that no miss needs is a miss.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxk_rules.engine import Policy

from ..case_files import read_yaml
from ..rules.folders import facts_of, requests, write

HERE = Path(__file__).parent
ORACLE = HERE.parent / "rules" / "oracle.py"
Told = dict[str, dict[str, list[str]]]

SECTIONS = {"images": "vision_config", "audio": "audio_config"}


@dataclass(frozen=True)
class Case:
    """`type` is what config.json says, `layout` bare (config.json alone) or published (with the usual side files)."""

    name: str
    type: str
    layout: str
    source: str
    files: dict[str, Any]

    @property
    def config(self) -> dict[str, Any]:
        return self.files["config.json"]


@dataclass(frozen=True)
class Miss:
    case: Case
    request: str
    said: str
    wanted: str

    @property
    def line(self) -> str:
        return f"{self.case.name} ({self.case.layout}), {self.request}: {self.said}; wanted {self.wanted}"


def ask(program: Path) -> Any:
    """What a program of ours prints as JSON in its last line."""
    done = subprocess.run([sys.executable, "-W", "ignore", str(program)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def cases(told: Told, configs: dict[str, Any]) -> Iterator[Case]:
    """The types of transformers with their default configs, and those without one by their names alone."""
    for name, made in configs.items():
        if "skipped" in made:
            made = {"config": {"model_type": name}, "architecture": None, "files": {}}
        yield from _layouts(name, made["config"], told, made["architecture"], made["files"])
    written = {made["config"]["model_type"] for made in configs.values() if "config" in made} | set(configs)
    for name in sorted({name for backend in told.values() for name in backend} - written):
        yield from _layouts(name, {"model_type": name}, told, None, {})


def _layouts(
    name: str, config: dict[str, Any], told: Told, architecture: str | None, files: dict[str, Any]
) -> Iterator[Case]:
    kind = config["model_type"]
    source = "mlx" if listed(told, kind) else "transformers"
    yield Case(name, kind, "bare", source, {"config.json": config})
    published = {
        "config.json": config | ({"architectures": [architecture]} if architecture else {}),
        "model.safetensors": None,
        "tokenizer.json": {},
        "tokenizer_config.json": {"chat_template": "{{ messages }}"},
        "generation_config.json": {"do_sample": False},
        **files,
    }
    yield Case(name, kind, "published", source, published)


def listed(told: Told, kind: str) -> bool:
    """Whether a library has the type, whatever it does with it."""
    return any((kind.lower() if backend == "mlx_vlm" else kind) in types for backend, types in told.items())


def takes(told: Told, kind: str) -> dict[str, set[str]]:
    """By backend, what it takes for a config.json of this type; mlx-vlm lowers the case, the others do not."""
    return {
        "mlx_lm": set(told["mlx_lm"].get(kind, [])),
        "mlx_vlm": set(told["mlx_vlm"].get(kind.lower(), [])),
        "mlx_audio": set(told["mlx_audio"].get(kind, [])),
    }


def wanted(told: Told, case: Case, request: str) -> tuple[set[str], tuple[str, ...]]:
    """The backends that take the request; and, where there is none, the errors that may say so."""
    by_backend = takes(told, case.type)
    kinds = set(request.split("+"))
    config = case.config
    # A null says that this checkpoint was made without the tower.
    gone = {kind for kind, key in SECTIONS.items() if key in config and config[key] is None}
    text = str((config.get("architectures") or [""])[0]).endswith("ForCausalLM")
    if by_backend["mlx_lm"] and by_backend["mlx_audio"] and (text or "audio" in gone):
        by_backend["mlx_audio"] = set()  # one name for two models, and the config says which
    backends = {name for name, has in by_backend.items() if has >= kinds and not kinds & gone}
    return backends, _refusals(listed(told, case.type), any(by_backend.values()), kinds, config)


def _refusals(known: bool, answers: bool, kinds: set[str], config: dict[str, Any]) -> tuple[str, ...]:
    """The errors that may say of a request that no backend takes it."""
    if known and not answers:
        return ("not_generative",)
    if known:
        # What the config speaks of, and no library has for this type, is more than a mismatch.
        towers = any(config.get(SECTIONS[kind]) for kind in kinds - {"text"})
        return ("capability_mismatch", *(("unsupported_model_type", "unknown_audio_backend") if towers else ()))
    if kinds == {"text"}:
        return ("unsupported_model_type", "not_generative")
    # What the folder is not said to take is a mismatch; what it takes, and no library has, is unsupported.
    audio = ("unknown_audio_backend",) if "audio" in kinds else ()
    return ("capability_mismatch", "unsupported_model_type", "not_generative", *audio)


def misses(policy: Policy, told: Told, every: Iterable[Case]) -> tuple[list[Miss], int]:
    """What is decided otherwise than wanted, and how many questions were asked."""
    found: list[Miss] = []
    count = 0
    with tempfile.TemporaryDirectory() as place:
        for number, case in enumerate(every):
            facts = facts_of(write(Path(place) / str(number), case.files))
            for request, asked in requests(facts).items():
                backends, errors = wanted(told, case, request)
                decision = policy.decide(asked)
                if backends:
                    agreed = decision.decision == "allow" and decision.backend in backends
                else:
                    agreed = decision.decision == "block" and decision.error_type in errors
                count += 1
                if not agreed:
                    said = f"{decision.gate} says {decision.error_type or decision.backend}"
                    found.append(Miss(case, request, said, " or ".join(sorted(backends)) or f"{' or '.join(errors)}"))
    return found, count


def explanations() -> dict[tuple[str, str], str]:
    """Reasons by type and request; a request of `any` is all four."""
    entries = read_yaml(HERE / "explained.yaml") or []
    return {(entry["type"], entry["request"]): entry["reason"] for entry in entries}


def explain(miss: Miss, reasons: dict[tuple[str, str], str]) -> tuple[str, str] | None:
    """The key of the explanation that speaks of it."""
    keys = ((miss.case.name, miss.request), (miss.case.name, "any"))
    return next((key for key in keys if key in reasons), None)


def main(words: list[str]) -> int:
    step = int(words[0]) if words else 1
    told, configs = ask(ORACLE), ask(HERE / "configs.py")
    every = list(cases(told, configs))
    names = list(dict.fromkeys(case.name for case in every))
    chosen = set(names[::step])
    found, count = misses(Policy.load(), told, [case for case in every if case.name in chosen])
    reasons = explanations()
    used = {key for miss in found if (key := explain(miss, reasons))}
    unexplained = [miss for miss in found if not explain(miss, reasons)]
    for miss in unexplained:
        sys.stdout.write(f"{miss.line}\n")
    stale = sorted(set(reasons) - used) if step == 1 else []
    for name, request in stale:
        sys.stdout.write(f"{name}, {request}: explained, and no miss\n")
    for name, made in configs.items():
        if "skipped" in made:
            sys.stdout.write(f"skipped {name}: {made['skipped']}\n")
    alone = sum(case.source == "transformers" and case.layout == "bare" for case in every if case.name in chosen)
    sys.stdout.write(
        f"{len(chosen)} types ({alone} of transformers alone), {count} questions: {count - len(found)} agree, "
        f"{len(found) - len(unexplained)} explained, {len(unexplained)} unexplained\n"
    )
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
