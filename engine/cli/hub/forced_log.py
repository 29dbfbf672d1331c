"""What a person downloaded against the policy's word, a line each, in a file that they may read."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...decision import Trace


def log_forced(trace: Trace, commit: str) -> str | None:
    """Note a decision that was overridden; return the file, $XDG_STATE_HOME/mlxk-rules/forced.jsonl, or None."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    file = f"{base}/mlxk-rules/forced.jsonl"
    about = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "model": trace.facts["model"]["name"]}
    line = json.dumps({**about, "commit": commit, "decision": trace.decision.to_dict()})
    try:
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        with open(file, "a", encoding="ascii") as opened:
            opened.write(f"{line}\n")
    except OSError:
        return None
    return file
