"""mlxk-rules list."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from ...facts.wording import BACKENDS, size_text
from ...report.terminal import VERDICT_COLOURS, safe, style_for
from ..requests import EACH, REQUESTS
from .common import choice_of
from .rows import Row, rows


def run(options: dict[str, Any]) -> int:
    """Print every cached model with its decision, each as soon as it is known. Returns 0."""
    asked = (bool(options["--image"]), bool(options["--audio"]))
    chosen = choice_of(options)
    from ....loaders import cache_folder, cached_repos

    repos = cached_repos()
    with closing(
        rows(chosen, repos, [asked] if any(asked) else EACH, sys.stdout.flush, bool(options["--dry-run"]))
    ) as found:
        if chosen.by:
            print(f"policy {safe(chosen.sentence)}", file=sys.stderr)
        if options["--json"]:
            _print_list(_with_progress(found))
        elif repos:
            width = max(len(safe(repo)) for repo in repos)
            _print_table(found if sys.stdout.isatty() else _with_progress(found), width)
        else:
            print(f"no models in {safe(str(cache_folder()))}", file=sys.stderr)
    return 0


def _print_table(found: Iterable[Row], width: int) -> None:
    style = style_for(sys.stdout)
    # Told beforehand, so that no row waits for another: of a size, `1023 bytes` is the longest text.
    backend, request = (max(map(len, words.values())) for words in (BACKENDS, REQUESTS))
    form = f"{{:<{width}}}  {{:>10}}  {{:<{backend}}}  {{:<{request}}}  {{}}  {{:<9}}  {{}}".format
    verdicts = {
        verdict: style(f"{verdict or 'error':<7}", VERDICT_COLOURS.get(verdict or "", "red"))
        for verdict in (*VERDICT_COLOURS, None)
    }
    print(style(form("MODEL", "SIZE", "BACKEND", "FOR", "VERDICT", "REHEARSED", "REASON"), "dim"), flush=True)
    for row in found:
        size = "-" if row["size_bytes"] is None else size_text(row["size_bytes"])
        by = BACKENDS[row["backend"]] if row["backend"] != "unsupported" else "-"
        asked, reason = row["request"] or "-", safe(row["reason"] or "")
        rehearsed = {True: "yes", False: "no", None: "-"}[row["rehearsed"]]
        print(form(safe(row["name"]), size, by, asked, verdicts[row["decision"]], rehearsed, reason).rstrip())


def _print_list(found: Iterable[Row]) -> None:
    """Print the rows as one JSON list as print_json does, and hold none of them."""
    from json import JSONEncoder

    # A row holds no lists: indented by its separators, which the encoder in C has too.
    encode = JSONEncoder(allow_nan=False, separators=(",\n    ", ": ")).encode
    before = "["
    for row in found:
        print(f"{before}\n  {{\n    {encode(row)[1:-1]}\n  }}", end="")
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
