"""What the engine's tests share: good facts, a small policy, and facts with some of them replaced."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

GOOD: dict[str, Any] = {
    "model": {
        "name": "org/hello",
        "path": "/hello",
        "folder": "hello",
        "type": "llama",
        "files": ["config.json", "model.safetensors", "sub/deep/x.json"],
        "size_bytes": 1000,
    },
    "config": {"model_type": "llama", "hidden_size": 64, "rope": {"factor": 2.5}},
    "config_status": "ok",
    "tokenizer_config": {"chat_template": "{{ messages }}"},
    "tokenizer_config_status": "ok",
    "request": {"images": False, "audio": False, "context": "cli"},
    "runtime": {
        "python": [3, 11, 4],
        "mlx_lm": {"installed": True, "version": "0.32.2", "model_types": ["llama"]},
        "mlx_vlm": {"installed": True, "version": "0.7.10", "model_types": []},
        "mlx_audio": {"installed": True, "version": None, "model_types": []},
    },
    "memory": {"total_bytes": 2000},
    "machines": {"hosts": []},
}

REST = "  - id: rest\n    otherwise: true\n    decide: allow\n    backend: mlx_lm\n"


def with_facts(changes: dict[str, Any]) -> dict[str, Any]:
    """Return GOOD with facts by their dotted names replaced."""
    facts = deepcopy(GOOD)
    for name, value in changes.items():
        *parents, last = name.split(".")
        place = facts
        for parent in parents:
            place = place[parent]
        place[last] = value
    return facts


def policy_text(compute: str = "", when: str = "") -> str:
    """Return a policy that derives `value` from an expression, or blocks where a condition holds."""
    derive = f"  value:\n    compute: {quoted(compute)}\n" if compute else ""
    gate = "    decide: block\n    error: refused\n    http: 400\n    message: refused\n"
    return (
        "schema: 1\nname: case\nversion: 1.0.0\n"
        "sets:\n  kinds: [llama, qwen2]\n"
        "limits:\n  share: 0.7\n  whole: 3\n"
        "derive:\n  early:\n    compute: has_text(model.name)\n"
        "  maybe:\n    - when: request.images\n      value: true\n    - otherwise: null\n"
        f"{derive}gates:\n" + (f"  - id: first\n    when: {quoted(when)}\n{gate}" if when else "") + REST
    )


def quoted(text: str) -> str:
    """Return text as a YAML scalar in double quotes."""
    return json.dumps(text, ensure_ascii=False)
