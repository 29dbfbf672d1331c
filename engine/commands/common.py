"""What several commands do alike."""

from __future__ import annotations

import json
from typing import Any

from ..policy import Policy

TODAY = "today's"


def policy_of(options: dict[str, Any]) -> Policy:
    """Return the policy that --policy names, today's without it. Raises PolicyError."""
    wanted = options.get("--policy")
    return Policy.load(None if wanted in (None, TODAY) else wanted)


def print_json(value: Any) -> None:
    """Print one JSON value, in ASCII: whatever stands in a model folder, no terminal acts on it."""
    print(json.dumps(value, indent=2, allow_nan=False))


def probed(options: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of MODEL for the request that the options describe. Raises LoaderError."""
    from ...loaders import probe

    return probe(
        options["MODEL"],
        images=bool(options["--image"]),
        audio=bool(options["--audio"]),
        context="server" if options.get("--server") else "cli",
        trust_remote_code=bool(options.get("--trust-remote-code")),
    )
