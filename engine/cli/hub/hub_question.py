"""A MODEL of the hub, asked about with a bar on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....loaders import Remote, Shape


def asked_of(remote: Remote) -> Shape:
    """Return the shape of a repo of the hub. Raises LoaderError."""
    from ....loaders import look

    if not sys.stderr.isatty():
        return look(remote)
    try:
        from tqdm import tqdm
    except ImportError:
        return look(remote)
    with tqdm(desc="asking the hub", unit=" files", leave=False) as bar:

        def told(done: int, count: int) -> None:
            bar.total = count
            bar.update(done - bar.n)

        return look(remote, told)
