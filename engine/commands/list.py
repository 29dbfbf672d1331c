"""mlxk-rules list."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ..decision import Decision
from ..library import size_text
from ..policy import Policy
from ..render import BACKENDS
from ..terminal import VERDICT_COLOURS, columns, safe, style_for
from .common import choice_of, print_json

# Without a request of the person's, a model is shown for the first of these that it is allowed for.
EACH = [(False, False), (True, False), (False, True)]
_REQUESTS = {(False, False): "text", (True, False): "images", (False, True): "audio", (True, True): "images+audio"}


def run(options: dict[str, Any]) -> int:
    """Print every cached model with its decision. Returns 0."""
    asked = (bool(options["--image"]), bool(options["--audio"]))
    chosen = choice_of(options)
    rows = list(_rows(chosen.load(), [asked] if any(asked) else EACH))
    if chosen.by:
        print(f"policy {safe(chosen.sentence)}", file=sys.stderr)
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
            row["request"] or "-",
            row["decision"] or "error",
            safe(row["reason"] or ""),
        )
        for row in rows
    ]
    for line, row in zip(
        columns([("MODEL", "SIZE", "BACKEND", "FOR", "VERDICT", "REASON"), *cells], right=(1,)),
        [None, *rows],
        strict=True,
    ):
        name, size, backend, request, verdict, reason = line
        if row is None:
            print(style("  ".join(line).rstrip(), "dim"))
            continue
        colour = VERDICT_COLOURS.get(row["decision"] or "", "red")
        print("  ".join((name, size, backend, request, style(verdict, colour), reason)).rstrip())
    return 0


def _rows(policy: Policy, requests: list[tuple[bool, bool]]) -> Iterator[dict[str, Any]]:
    from ...loaders import LoaderError, cached, probe

    for number, entry in enumerate(cached(), 1):
        _progress(f"{number} {entry.repo}")
        row: dict[str, Any] = dict.fromkeys(
            ("name", "revision", "path", "size_bytes", "request", "decision", "backend", "gate", "error_type", "reason")
        )
        row |= {"name": entry.repo, "backend": "unsupported"}
        try:
            found = entry.found
            if isinstance(found, LoaderError):
                raise found
            facts = probe(found.path, name=found.name)
            request, decision = _first_allowed(policy, facts, requests)
            row |= {"revision": found.revision, "path": str(found.path), "size_bytes": facts["model"]["size_bytes"]}
            row |= {"request": request, "decision": decision.decision, "backend": decision.backend}
            row |= {"gate": decision.gate, "error_type": decision.error_type, "reason": decision.message}
        except LoaderError as error:
            row |= {"error_type": error.code, "reason": error.message}
        yield row
    _progress("")


def _first_allowed(policy: Policy, facts: dict[str, Any], requests: list[tuple[bool, bool]]) -> tuple[str, Decision]:
    decided: list[tuple[str, Decision]] = []
    for request in requests:
        images, audio = request
        asked = {**facts["request"], "images": images, "audio": audio}
        decided.append((_REQUESTS[request], policy.decide({**facts, "request": asked})))
        if decided[-1][1].allowed:
            return decided[-1]
    return decided[0]


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{safe(text)[:70]}", end="", file=sys.stderr, flush=True)
