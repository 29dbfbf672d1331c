"""mlxk-rules list."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ...problems import UsageError, did_you_mean
from ...report.model_table import Table
from ...report.terminal import safe, screen_for
from ..default_request import EACH
from ..exit_codes import YES
from ..listing.rows import Row, rows
from .common import choice_of

if TYPE_CHECKING:
    from ....loaders import Local

# What rows may be sorted by, and how: the largest first, what is not known last.
_SORTS: dict[str, Callable[[Row], Any] | None] = {
    "name": None,
    "size": lambda row: -(row["size_bytes"] or 0),
    "memory": lambda row: -(row["memory_ratio"] or 0),
}


def run(options: dict[str, Any]) -> int:
    """Print every model that is here with its decision, each as soon as it is known. Returns 0."""
    asked = (bool(options["--image"]), bool(options["--audio"]))
    order = options["--sort"]
    if order not in _SORTS:
        raise UsageError(
            "bad-value", f"`--sort` is `{order[:40]}`", did_you_mean(order, _SORTS) or "name, size, memory"
        )
    chosen = choice_of(options)
    models = _models(options["WHAT"])
    pause = sys.stdout.flush
    with closing(rows(chosen, models, [asked] if any(asked) else EACH, pause, bool(options["--dry-run"]))) as found:
        if chosen.by:
            print(f"policy {safe(chosen.sentence)}", file=sys.stderr)
        wanted = _ordered(_filtered(found, options), _SORTS[order])
        if options["--json"]:
            _print_list(_with_progress(wanted))
        elif models:
            _print_table(wanted, models, any(asked), quiet=sys.stdout.isatty() and order == "name")
        else:
            from ....loaders import cache_folder

            print(f"no models in {safe(str(cache_folder()))}", file=sys.stderr)
    return YES


def _models(what: str | None) -> list[Local]:
    """Return the models to list: of all places, of one folder, or those whose names have a part."""
    from ....loaders import local_models, models_in

    if what is None:
        return local_models()
    if os.path.isdir(path := os.path.expanduser(what)):
        return models_in(path)
    found = [model for model in local_models() if what.casefold() in model.name.casefold()]
    if not found:
        raise UsageError("usage", f"there is no folder, and no model's name has `{what[:100]}`", "mlxk-rules list")
    return found


def _filtered(found: Iterable[Row], options: dict[str, Any]) -> Iterator[Row]:
    for row in found:
        if options["--blocked"] and row["decision"] in ("allow", "warn"):
            continue
        if options["--fits"] and (row["decision"] in ("block", None) or row["error_type"] == "insufficient_memory"):
            continue
        yield row


def _ordered(found: Iterable[Row], key: Callable[[Row], Any] | None) -> Iterable[Row]:
    return found if key is None else sorted(found, key=key)


def _print_table(found: Iterable[Row], models: list[Local], asked: bool, quiet: bool) -> None:
    table = Table(
        screen_for(sys.stdout), [model.name for model in models], one_line=not sys.stdout.isatty(), asked=asked
    )
    print(table.head(), flush=True)
    count = unasked = 0
    for row in found if quiet else _with_progress(found):
        print("\n".join(table.lines(row)))
        count, unasked = count + 1, unasked + (row["rehearsed"] is False)
    if sys.stderr.isatty():
        sys.stdout.flush()
        more = f"; {unasked} of them by their files alone: --dry-run asks the backends" if unasked else ""
        print(f"{count} of {len(models)} model{'s' * (len(models) != 1)}{more}", file=sys.stderr)


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
