"""mlxk-rules list."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ..functions import size_text
from ..policy import Policy
from ..render import BACKENDS
from ..terminal import VERDICT_COLOURS, columns, safe, style_for
from .common import policy_of, print_json


def run(options: dict[str, Any]) -> int:
    """Print every cached model with its decision. Returns 0."""
    rows = list(_rows(policy_of(options), bool(options["--image"]), bool(options["--audio"])))
    if options["--json"]:
        print_json(rows)
        return 0
    if not rows:
        from ...loaders import cache_folder

        print(f"no models in {safe(str(cache_folder()))}", file=sys.stderr)
        return 0
    style = style_for(sys.stdout)
    cells = [
        (
            safe(row["name"]),
            "-" if row["size_bytes"] is None else size_text(row["size_bytes"]),
            BACKENDS[row["backend"]] if row["backend"] != "unsupported" else "-",
            row["decision"] or "error",
            safe(row["reason"]),
        )
        for row in rows
    ]
    for line, row in zip(
        columns([("MODEL", "SIZE", "BACKEND", "VERDICT", "REASON"), *cells], right=(1,)), [None, *rows], strict=True
    ):
        name, size, backend, verdict, reason = line
        if row is None:
            print(style("  ".join(line).rstrip(), "dim"))
            continue
        colour = VERDICT_COLOURS.get(row["decision"] or "", "red")
        print("  ".join((name, size, backend, style(verdict, colour), reason)).rstrip())
    return 0


def _rows(policy: Policy, images: bool, audio: bool) -> Iterator[dict[str, Any]]:
    from ...loaders import LoaderError, cached, probe

    for number, entry in enumerate(cached(), 1):
        _progress(f"{number} {entry.repo}")
        row: dict[str, Any] = {"name": entry.repo, "revision": None, "path": None, "size_bytes": None}
        row |= {"decision": None, "backend": "unsupported", "gate": None, "error_type": None, "reason": ""}
        try:
            found = entry.found
            if isinstance(found, LoaderError):
                raise found
            facts = probe(found.path, name=found.name, images=images, audio=audio)
            row |= {"revision": found.revision, "path": str(found.path), "size_bytes": facts["model"]["size_bytes"]}
            decision = policy.decide(facts)
            row |= {"decision": decision.decision, "backend": decision.backend, "gate": decision.gate}
            row |= {"error_type": decision.error_type, "reason": decision.message or ""}
        except LoaderError as error:
            row |= {"error_type": error.code, "reason": error.message}
        yield row
    _progress("")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{safe(text)[:70]}", end="", file=sys.stderr, flush=True)
