"""Downloads into the Hugging Face cache, by huggingface_hub: the files that one backend loads, of one commit."""

from __future__ import annotations

import errno
import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...engine.storage import whole_files
from ..problems import LoaderError
from ..resolving import hub_cache
from ..resolving.model_names import Resolved
from . import client, failures
from .names import Remote, is_commit
from .shape import Shape

_SECONDS = 10.0


def download(remote: Remote, shape: Shape, names: Iterable[str], progress: bool = True) -> Resolved:
    """Fetches these files of a repo, or what is not here yet of them; gives the folder in the Hugging Face cache.

    `remote` is what was asked for, and `shape` what it was found to be: exactly that commit is fetched. `progress`
    shows huggingface_hub's own bars. Raises LoaderError download_failed, and as shape.look does.
    """
    hub = client.Hub()  # says what is missing, or that the hub is not to be asked
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    if not progress:
        disable_progress_bars()
    repo, commit = shape.listing.repo, shape.listing.commit
    patterns = [glob.escape(name) for name in names]
    cache = hub_cache.folder()
    try:
        folder = snapshot_download(
            repo,
            revision=commit,
            cache_dir=cache,
            allow_patterns=patterns,
            endpoint=hub.endpoint,
            etag_timeout=_SECONDS,
            library_name="mlxk-rules",
            max_workers=client.WORKERS,
        )
        if remote.revision is None or not is_commit(remote.revision):
            _refer(Path(folder).parents[1], remote.revision or "main", commit)
    except Exception as error:
        raise _failure(error, str(remote), hub) from error
    return Resolved(repo, folder, repo, commit)


def _refer(repo: Path, name: str, commit: str) -> None:
    """Lets a branch or tag name the commit, as huggingface_hub does for one that it was given by that name."""
    ref = repo / "refs" / name
    ref.parent.mkdir(parents=True, exist_ok=True)
    whole_files.write(ref, commit)


def _failure(error: Exception, asked: str, hub: client.Hub) -> LoaderError:
    """What huggingface_hub raised, told by what lies below it: its own words often speak of the cache."""
    cause: BaseException | None = error
    while cause is not None:
        response: Any = getattr(cause, "response", None)
        if response is not None:
            return failures.of_status(response, str(response.url), asked, hub.signed_in)
        if getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            full = "the disk of the Hugging Face cache is full"
            return LoaderError("download_failed", full, "free some of it, and pull again")
        if isinstance(cause, Exception) and not isinstance(cause, OSError | ValueError):
            try:
                return failures.of_exception(cause, hub.endpoint, client.SILENT_SECONDS)
            except Exception:  # none of the network's
                pass
        cause = cause.__cause__ or cause.__context__
    words = failures.words(str(error)) or type(error).__name__
    return LoaderError("download_failed", f"the download of `{asked}` broke off: {words}", "pull again: it goes on")
