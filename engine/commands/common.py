"""What several commands do alike."""

from __future__ import annotations

import json
from typing import Any

from ..choice import Choice, choose
from ..policy import Policy


def choice_of(options: dict[str, Any]) -> Choice:
    """Return which policy decides: --policy's, the environment's, the person's own, today's."""
    return choose(options.get("--policy"))


def policy_of(options: dict[str, Any]) -> Policy:
    """Return the policy that decides. Raises PolicyError."""
    return choice_of(options).load()


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
