"""Other forms of the same model, as far as the hub itself knows them: by the relation `base_model` of its repos."""

from __future__ import annotations

from urllib.parse import urlencode

from ..problems import LoaderError
from .client import Hub
from .listing import Listing
from .names import Remote, remote

MOST = 5


def relatives(listing: Listing) -> list[Remote]:
    """Conversions for MLX of the same model, the most downloaded first; none where the hub knows of none.

    Raises LoaderError as client.Hub does.
    """
    hub = Hub()
    found: dict[str, Remote] = {}
    for base in (listing.repo, *listing.bases):
        wanted = {"filter": f"base_model:quantized:{base}", "library": "mlx", "sort": "downloads", "limit": MOST + 1}
        answer, _ = hub.json(f"/api/models?{urlencode(wanted)}", base)
        for one in answer if isinstance(answer, list) else []:
            name = one.get("id") if isinstance(one, dict) else None
            try:
                found |= {name: remote(f"hf://{name}")} if isinstance(name, str) and name != listing.repo else {}
            except LoaderError:
                continue  # a name that no repo has
    return list(found.values())[:MOST]
