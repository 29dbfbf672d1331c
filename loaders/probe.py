"""A model's facts: one plain JSON value that holds everything that a rule may read, as rules/facts.yaml tells."""

from __future__ import annotations

import os

from . import facts_cache, folder, host, plain
from .folder import Listing
from .host import Host, runtime
from .resolve import Resolved, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["CONTEXTS", "probe", "runtime"]

CONTEXTS = ("cli", "server")


def probe(
    model: str | os.PathLike[str] | Resolved,
    name: str | None = None,
    images: bool = False,
    audio: bool = False,
    context: str = "cli",
    trust_remote_code: bool = False,
    context_tokens: int | None = None,
    machine: Host | None = None,
) -> dict[str, Any]:
    """Tells the facts of the folder that MODEL names, or `resolve` told, for a request that carries images or audio.

    `name` stands for model.name, `context` is cli or server; `trust_remote_code` says that the person knows of code in
    the folder (no code of a folder is ever run); `context_tokens` is how long prompt and answer may get; `machine` is
    what `machine()` told, for who asks of many models. The facts are nested by the dots of their names; sizes are in
    bytes. Nothing that the folder holds makes it raise: what could not be read stands in `problems`, with a reason.
    Raises LoaderError as `resolve` does, and ValueError for another context.
    """
    if context not in CONTEXTS:
        raise ValueError(f"context is {context!r}, and must be one of {', '.join(CONTEXTS)}")
    found = model if isinstance(model, Resolved) else resolve(model)
    machine = machine or host.look()
    facts = _facts_of(found.folder, machine)
    facts["model"]["name"] = plain.text(found.name if name is None else name)
    facts["request"] = {
        "images": bool(images),
        "audio": bool(audio),
        "context": context,
        "trust_remote_code": bool(trust_remote_code),
        "context_tokens": context_tokens,
    }
    facts["runtime"] = machine.runtime
    facts["memory"] |= machine.memory
    return facts


def _facts_of(path: str, machine: Host) -> dict[str, Any]:
    """The facts of a folder, with a place for each that is not its own."""
    listing = folder.listing(path)
    of = host.signs(machine.packages, machine.memory["accelerator"])
    kept = facts_cache.get(path, listing, of)
    if kept is not None:
        kept["model"]["snapshots_hold_weights"] = _snapshots_hold_weights(path, listing)
        return kept
    from pathlib import Path

    from . import folder_facts  # a folder whose facts are kept does without all that reads one

    facts = folder_facts.read(Path(path), listing, machine)
    facts["model"]["snapshots_hold_weights"] = _snapshots_hold_weights(path, listing)
    if facts_cache.is_sound(facts):
        facts_cache.put(path, listing, of, facts)
    return facts


def _snapshots_hold_weights(path: str, listing: Listing) -> bool:
    # In the cache every snapshot of the repo counts; elsewhere two levels above is some other folder.
    beside = os.path.dirname(path)
    snapshots = f"{os.path.dirname(beside)}/snapshots"
    if beside == snapshots and any(map(folder.is_weights, listing.root or ())):
        return True
    return folder.holds_weights(snapshots)
