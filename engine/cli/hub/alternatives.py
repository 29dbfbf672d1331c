"""Other forms of a model of the hub, each decided by the same policy for the same request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...facts.wording import BACKENDS, size_text
from ...problems import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ....loaders import Shape
    from ...policy import Policy

Row = dict[str, "Any"]


def alternatives(options: dict[str, Any], policy: Policy, model: str | Shape) -> list[Row]:
    """Return a row for each conversion that the hub knows of: model, decision, download_bytes; or model and error.

    Raises LoaderError, and UsageError where the model is none of the hub's.
    """
    from ....loaders import LoaderError, relatives
    from ..commands.common import probed
    from .hub_question import asked_of

    if isinstance(model, str):
        raise UsageError("usage", "`--alternatives` asks the hub, and this model is here", "name it as hf://org/name")
    rows: list[Row] = []
    for remote in relatives(model.listing):
        try:
            trace = policy.explain(probed({**options, "MODEL": asked_of(remote)}, policy), terms=False)
        except LoaderError as error:
            rows.append({"model": remote.repo, "error": {"code": error.code, "message": error.message}})
            continue
        size = trace.derived.get("download_bytes")
        rows.append({"model": remote.repo, "decision": trace.decision.to_dict(), "download_bytes": size})
    return rows


def lines(rows: Sequence[Row]) -> list[str]:
    """Return them as text: a heading, then one a line."""
    if not rows:
        return ["other forms of it: the hub knows of none for MLX"]
    return ["other forms of it that the hub knows of", *(f"  {_line(row)}" for row in rows)]


def _line(row: Row) -> str:
    if "error" in row:
        return f"{row['model']}: {row['error']['message']}"
    decision, size = row["decision"], row["download_bytes"]
    by = f" by {BACKENDS[decision['backend']]}" if decision["backend"] in BACKENDS else ""
    much = f", {size_text(size)} to download" if isinstance(size, int) else ""
    reason = f": {decision['message']}" if decision["message"] else ""
    return f"{decision['decision']}{by}{much}  hf://{row['model']}{reason}"
