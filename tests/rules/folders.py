"""Model folders made of a few files, and what a policy says of them for each of the four requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mlxk_rules.engine import Policy
from mlxk_rules.loaders import machine, probe
from mlxk_rules.loaders.host.this_machine import Host

REQUESTS = {
    "text": (False, False),
    "images": (True, False),
    "audio": (False, True),
    "images+audio": (True, True),
}
BACKENDS = ("mlx_lm", "mlx_vlm", "mlx_audio")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write(folder: Path, files: Mapping[str, Any]) -> Path:
    """Writes text as it is, null as an empty file, anything else as JSON; gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
        file.write_text(text, encoding="utf-8")
    return folder


def in_cache(root: Path, name: str, files: Mapping[str, Any]) -> Path:
    """The same in the layout of the Hugging Face cache: links to blobs, below a folder that is called by a commit."""
    repo = root / f"models--{name.replace('/', '--')}"
    blobs, snapshot = repo / "blobs", repo / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    write(repo / "refs", {"main": COMMIT})
    for number, (file, content) in enumerate(files.items()):
        write(blobs, {f"{number:040x}": content})
        link = snapshot / file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blobs / f"{number:040x}")
    return snapshot


def sound(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with nothing wrong in weights, tokenizer and processor, for what is decided by type and evidence alone.

    These folders hold no real weights, so no backend is asked: tests/zoo and tests/truth ask of what loads.
    """
    facts = {name: value for name, value in facts.items() if name not in ("weights", "dry_run", "sidecars")}
    facts["tokenizer"] = {"chat_template": facts["tokenizer"]["chat_template"]}
    for document in ("preprocessor", "processor", "tokenizer_config"):
        if facts[f"{document}_status"] in ("missing", "empty"):
            facts |= {document: {"made_by": "tests"}, f"{document}_status": "ok"}
    files = facts["model"]["files"]
    if not any(file.endswith((".safetensors", ".npz", ".gguf", ".bin", ".pt", ".pth")) for file in files):
        facts["model"] = {**facts["model"], "files": [*files, "model.safetensors"]}
    return facts


def facts_of(folder: Path, name: str | None = None) -> dict[str, Any]:
    """The folder's facts, but for damage, on a machine where every backend is installed, with memory enough."""
    facts = sound(probe(folder, name=name, dry_run=False, machine=_here()))
    backends = {backend: {**facts["runtime"][backend], "installed": True} for backend in BACKENDS}
    return {
        **facts,
        "memory": {**facts["memory"], "total_bytes": 64 * 1024**3},
        "runtime": {**facts["runtime"], **backends},
    }


@cache
def _here() -> Host:
    """This machine, looked at once: what is installed takes longer to find than most of these folders."""
    return machine()


def requests(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts for each of the four requests."""
    return {
        name: {**facts, "request": {**facts["request"], "images": images, "audio": audio}}
        for name, (images, audio) in REQUESTS.items()
    }


def without_backends(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of the same folder where no backend is installed."""
    gone = {
        backend: {
            fact: False if fact == "installed" else [] if isinstance(value, list) else None
            for fact, value in facts["runtime"][backend].items()
        }
        for backend in BACKENDS
    }
    return {**facts, "runtime": {**facts["runtime"], **gone}}


def verdicts(policy: Policy, facts: dict[str, Any]) -> dict[str, str]:
    """For each request the decision in short: `allow mlx_vlm vision`, `block capability_mismatch speech-only`."""
    found: dict[str, str] = {}
    for name, asked in requests(facts).items():
        decision = policy.decide(asked)
        said = decision.backend if decision.decision != "block" else decision.error_type
        found[name] = f"{decision.decision} {said} {decision.gate}"
    return found
