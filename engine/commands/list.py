"""mlxk-rules list."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

from ..decision import Decision
from ..library import size_text
from ..policy import Policy
from ..render import BACKENDS
from ..terminal import VERDICT_COLOURS, safe, style_for
from .common import choice_of

Row = dict[str, Any]

# Without a request of the person's, a model is shown for the first of these that it is allowed for.
EACH = [(False, False), (True, False), (False, True)]
_REQUESTS = {(False, False): "text", (True, False): "images", (False, True): "audio", (True, True): "images+audio"}


# So many models are listed sooner than another process is there.
_FEW = 8


def run(options: dict[str, Any]) -> int:
    """Print every cached model with its decision, each as soon as it is known. Returns 0."""
    asked = (bool(options["--image"]), bool(options["--audio"]))
    chosen = choice_of(options)
    policy = chosen.load()
    from ...loaders import cache_folder, cached_repos

    repos = cached_repos()
    if chosen.by:
        print(f"policy {safe(chosen.sentence)}", file=sys.stderr)
    rows = _in_order(_Rows(policy, repos, [asked] if any(asked) else EACH), len(repos))
    if options["--json"]:
        _print_list(_with_progress(rows))
    elif repos:
        _print_table(rows if sys.stdout.isatty() else _with_progress(rows), max(len(safe(repo)) for repo in repos))
    else:
        print(f"no models in {safe(str(cache_folder()))}", file=sys.stderr)
    return 0


def _print_table(rows: Iterable[Row], width: int) -> None:
    style = style_for(sys.stdout)
    # Told beforehand, so that no row waits for another: of a size, `1023 bytes` is the longest text.
    widths = (width, 10, max(map(len, BACKENDS.values())), max(map(len, _REQUESTS.values())), len("VERDICT"))

    def line(cells: tuple[str, ...], colour: str = "") -> str:
        name, size, backend, request, verdict = map(str.ljust, cells, widths)
        shown = style(verdict, colour) if colour else verdict
        return "  ".join((name, size.strip().rjust(widths[1]), backend, request, shown, *cells[5:])).rstrip()

    print(style(line(("MODEL", "SIZE", "BACKEND", "FOR", "VERDICT", "REASON")), "dim"), flush=True)
    for row in rows:
        cells = (
            safe(row["name"]),
            "-" if row["size_bytes"] is None else size_text(row["size_bytes"]),
            BACKENDS[row["backend"]] if row["backend"] != "unsupported" else "-",
            row["request"] or "-",
            row["decision"] or "error",
            safe(row["reason"] or ""),
        )
        print(line(cells, VERDICT_COLOURS.get(row["decision"] or "", "red")), flush=True)


def _print_list(rows: Iterable[Row]) -> None:
    """Print the rows as one JSON list as print_json does, and hold none of them."""
    before = "["
    for row in rows:
        print(before + "\n" + indent(json.dumps(row, indent=2, allow_nan=False), "  "), end="")
        before = ","
    print("[]" if before == "[" else "\n]")


def _with_progress(rows: Iterable[Row]) -> Iterator[Row]:
    shown = sys.stderr.isatty()
    for number, row in enumerate(rows, 1):
        if shown:
            about = safe(f"{number} {row['name']}")[:70]
            print(f"\r\x1b[K{about}", end="", file=sys.stderr, flush=True)
        yield row
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _in_order(rows: _Rows, count: int) -> Iterator[Row]:
    """Yield the first rows at once, and where there are many the rest by all cores."""
    yield from map(rows.row, range(min(count, _FEW)))
    if count > _FEW:
        from ..workers import Workers

        with Workers(rows.block) as workers:
            for start in range(_FEW, count, _FEW):
                for block, _ in workers.results(b"%d" % min(_FEW, count - start), start):
                    yield from json.loads(block)
            for block, _ in workers.rest():
                yield from json.loads(block)


class _Rows:
    """The rows of the cached models, by number; whatever forks after it was made shares what it has looked up."""

    def __init__(self, policy: Policy, repos: Mapping[str, Path], requests: Sequence[tuple[bool, bool]]) -> None:
        from ...loaders import machine

        self._policy, self._requests = policy, requests
        self._repos = list(repos.items())
        self._machine = machine()

    def block(self, block: bytes, number: int) -> tuple[bytes, int]:
        """Return as many rows as the block says, from that number on, as JSON."""
        return json.dumps([self.row(number + count) for count in range(int(block))]).encode("ascii"), 0

    def row(self, number: int) -> Row:
        """Return one row."""
        from ...loaders import LoaderError, cached_model, probe

        repo, folder = self._repos[number]
        row: Row = dict.fromkeys(
            ("name", "revision", "path", "size_bytes", "request", "decision", "backend", "gate", "error_type", "reason")
        )
        row |= {"name": repo, "backend": "unsupported"}
        try:
            found = cached_model(repo, folder)
            facts = probe(found, machine=self._machine)
            request, decision = _first_allowed(self._policy, facts, self._requests)
            row |= {"revision": found.revision, "path": str(found.path), "size_bytes": facts["model"]["size_bytes"]}
            row |= {"request": request, "decision": decision.decision, "backend": decision.backend}
            row |= {"gate": decision.gate, "error_type": decision.error_type, "reason": decision.message}
        except LoaderError as error:
            row |= {"error_type": error.code, "reason": error.message}
        return row


def _first_allowed(
    policy: Policy, facts: dict[str, Any], requests: Sequence[tuple[bool, bool]]
) -> tuple[str, Decision]:
    decided: list[tuple[str, Decision]] = []
    for request in requests:
        images, audio = request
        asked = {**facts["request"], "images": images, "audio": audio}
        decided.append((_REQUESTS[request], policy.decide({**facts, "request": asked})))
        if decided[-1][1].allowed:
            return decided[-1]
    return decided[0]
