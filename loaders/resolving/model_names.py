"""MODEL to folder: a path, a repo id in the Hugging Face cache, repo@revision, any part of one local model's name."""

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .. import bounded_files
from ..facts import plain_json
from ..facts.plain_json import shown as _shown
from ..problems import LoaderError
from . import hub_cache

if TYPE_CHECKING:
    from pathlib import Path


HUB_HOSTS = ("huggingface.co", "hf.co", "www.huggingface.co")
_HUB_ID = r"[A-Za-z0-9_.-]{1,96}/[A-Za-z0-9_.-]{1,96}"


class Resolved(NamedTuple):
    """`name`: the repo id, or the folder's own last component; `folder`: from the root on; `repo` and `revision`: the
    repo id and the snapshot's commit where MODEL was a name, else None."""

    name: str
    folder: str
    repo: str | None = None
    revision: str | None = None

    @property
    def path(self) -> "Path":
        """The folder."""
        from pathlib import Path  # which an answer can do without

        return Path(self.folder)


class Cached(NamedTuple):
    """A cached repo: either the snapshot that it resolves to, or why there is none."""

    repo: str
    found: Resolved | LoaderError


def is_remote(model: object) -> bool:
    """Whether MODEL is written as something on the hub. Nothing is asked."""
    return isinstance(model, str) and ("://" in model or model.startswith(tuple(f"{host}/" for host in HUB_HOSTS)))


def resolve(model: str | os.PathLike[str]) -> Resolved:
    """Finds the folder that MODEL names.

    Raises LoaderError: bad_name, model_not_found, ambiguous_model, revision_not_found, ambiguous_revision,
    incomplete_snapshot, not_a_folder, unreadable_folder.
    """
    name = os.fspath(model)
    if not name or "\0" in name:
        raise LoaderError("bad_name", f"`{_shown(name)}` is no name of a model", "give a folder or a repo id")
    path = os.path.expanduser(name)
    if os.path.isdir(path):
        return _folder(path)
    if _is_path(model, name):
        raise _no_folder(path, name)
    try:
        return _cached_model(name)
    except LoaderError:
        if os.path.lexists(path):
            raise _no_folder(path, name) from None
        raise


def cache_folder() -> "Path":
    """The Hugging Face cache's folder; it need not exist."""
    from pathlib import Path

    return Path(hub_cache.folder())


def cached() -> Iterator[Cached]:
    """Every model repo of the Hugging Face cache, sorted by id; a broken one is an entry with its error.

    Raises LoaderError unreadable_folder where the cache itself cannot be listed; without a cache there are none.
    """
    for repo, folder in cached_repos().items():
        try:
            yield Cached(repo, cached_model(repo, folder))
        except LoaderError as error:
            yield Cached(repo, error)


def cached_repos() -> dict[str, str]:
    """The folder of every model repo of the cache, sorted by id: names alone, no snapshot is looked at.

    Raises LoaderError unreadable_folder where the cache itself cannot be listed; without a cache there are none.
    """
    folder = hub_cache.folder()
    try:
        return {plain_json.text(repo): path for repo, path in hub_cache.repos(folder).items()}
    except OSError as error:
        message = f"the cache `{_shown(folder)}` cannot be read: {bounded_files.reason(error)}"
        raise LoaderError("unreadable_folder", message, "HF_HUB_CACHE and HF_HOME say where it is") from None


def cached_model(repo: str, folder: str, revision: str | None = None) -> Resolved:
    """The snapshot of a cached repo that a revision names, or main, or without such a ref the newest.

    Raises LoaderError as `resolve` does of a revision.
    """
    path = hub_cache.snapshot_of_ref(folder, revision or "main")
    if path is None:
        snapshots = hub_cache.snapshots(folder)
        if not snapshots and os.path.islink(folder) and not os.path.isdir(folder):
            message = (
                f"`{_shown(repo)}` in the cache is a link to `{_shown(os.readlink(folder))}`, which cannot be opened: "
                "its drive may be away"
            )
            raise LoaderError("unreadable_folder", message, "connect the drive that it is on, or remove the link")
        if not snapshots:
            message = f"`{_shown(repo)}` is in the cache without a snapshot"
            raise LoaderError("incomplete_snapshot", message, "its download was cut short: fetch it again")
        path = snapshots[0] if revision is None else _by_prefix(repo, folder, snapshots, revision)
    return Resolved(repo, path, repo, plain_json.text(os.path.basename(path)))


def _is_path(model: str | os.PathLike[str], name: str) -> bool:
    return (
        not isinstance(model, str) or name in (".", "..") or name.startswith(("/", "./", "../", "~")) or name[-1] == "/"
    )


def _folder(path: str) -> Resolved:
    absolute = bounded_files.absolute(path)
    try:
        with os.scandir(absolute) as entries:
            next(entries, None)
    except OSError as error:
        message = f"folder `{_shown(path)}` cannot be read: {bounded_files.reason(error)}"
        raise LoaderError("unreadable_folder", message, "it needs the permissions r and x") from None
    return Resolved(plain_json.text(os.path.basename(absolute)) or "/", absolute)


def _no_folder(path: str, name: str) -> LoaderError:
    shown = _shown(name)
    try:
        os.stat(path)
    except PermissionError:
        return LoaderError("unreadable_folder", f"folder `{shown}` cannot be read: permission denied")
    except (OSError, ValueError):
        above, own = os.path.split(path.rstrip("/"))
        near = _near(own, _siblings(above or "."))
        return LoaderError("model_not_found", f"there is no folder `{shown}`", _did_you_mean(near))
    return LoaderError(
        "not_a_folder", f"`{shown}` is a file, not a folder", "a model is the folder that holds config.json"
    )


def _siblings(parent: str) -> list[str]:
    try:
        with os.scandir(parent) as entries:
            return [entry.name for _, entry in zip(range(1000), entries, strict=False) if entry.is_dir()]
    except OSError:
        return []


def _cached_model(name: str) -> Resolved:
    wanted, at, revision = name.partition("@")
    parts = wanted.split("/")
    if any(part in ("", ".", "..") for part in parts) or len(parts) > 2:
        raise LoaderError(
            "bad_name",
            f"`{_shown(name)}` is no repo id",
            "a repo id reads `org/name`; a folder of that name is not here",
        )
    if at and not revision:
        raise LoaderError(
            "bad_name", f"`{_shown(name)}` names no revision after the @", f"`{_shown(wanted)}` takes main"
        )
    if (exact := hub_cache.repo(hub_cache.folder(), wanted)) is not None:
        return cached_model(wanted, exact, revision or None)
    from .places import local_models  # which knows further places than the cache

    models = {model.name: model for model in sorted(local_models(), key=lambda model: (model.cached, model.name))}
    model = models[_repo(wanted, sorted(models))]
    if not model.cached and revision:
        raise LoaderError("revision_not_found", f"`{_shown(model.name)}` is a folder, which has no revisions")
    return cached_model(model.name, model.folder, revision or None) if model.cached else model.resolved()


def _repo(wanted: str, names: list[str]) -> str:
    """The one model that is meant; of the ways to mean one, the strictest that finds any decides."""
    folded = wanted.casefold()
    ways: list[Callable[[str], bool]] = [
        lambda name: name == wanted,
        lambda name: name.split("/")[-1] == wanted,
        lambda name: folded in (name.casefold(), name.split("/")[-1].casefold()),
        lambda name: name.casefold().endswith(folded),
        lambda name: folded in name.casefold(),
    ]
    if "/" in wanted:  # a repo id means that repo, whatever its case, and no other that has it in its name
        ways = [ways[0], lambda name: name.casefold() == folded]
    for way in ways:
        found = [name for name in names if way(name)]
        if len(found) == 1:
            return found[0]
        if found:
            candidates = ", ".join(f"`{_shown(name)}`" for name in found[:8]) + (", ..." if len(found) > 8 else "")
            message = f"`{_shown(wanted)}` may be any of {len(found)} models that are here"
            raise LoaderError("ambiguous_model", message, f"say which: {candidates}")
    near = [name for name in names if folded in name.casefold()][:3]
    near = near or _near(wanted, [*names, *(name.split("/")[-1] for name in names)])
    on_the_hub = f"`hf://{_shown(wanted)}` asks the hub for it" if re.fullmatch(_HUB_ID, wanted) else None
    if near:
        help = "; ".join(filter(None, [_did_you_mean(near), on_the_hub]))
    elif on_the_hub:
        help = f"{on_the_hub}; a folder begins with ./"
    elif names:
        help = f"`mlxk-rules list` shows the {len(names)} model{'s' * (len(names) != 1)} that {_are(names)} here"
    else:
        help = f"no model is in `{_shown(hub_cache.folder())}`; name a model's folder"
    raise LoaderError("model_not_found", f"there is no folder and no cached model `{_shown(wanted)}`", help)


def _are(names: list[str]) -> str:
    return "are" if len(names) != 1 else "is"


def _by_prefix(repo: str, folder: str, snapshots: list[str], prefix: str) -> str:
    commits = [os.path.basename(path) for path in snapshots]
    found = [prefix] if prefix in commits else [commit for commit in commits if commit.startswith(prefix)]
    if len(found) == 1:
        return f"{folder}/snapshots/{found[0]}"
    shown = f"`{_shown(prefix)}` of `{_shown(repo)}`"
    if found:
        hashes = ", ".join(f"`{_shown(commit)}`" for commit in sorted(found)[:8])
        raise LoaderError(
            "ambiguous_revision", f"revision {shown} may be any of {len(found)} snapshots", f"say which: {hashes}"
        )
    if prefix in (refs := hub_cache.refs(folder)):
        message = f"revision {shown} is a ref to a snapshot that is not in the cache"
        raise LoaderError("incomplete_snapshot", message, "its download was cut short: fetch it again")
    names = [plain_json.text(name) for name in (*refs, *(commit[:12] for commit in commits))]
    help = _did_you_mean(_near(prefix, names)) or f"it has {', '.join(f'`{_shown(name)}`' for name in names[:8])}"
    raise LoaderError("revision_not_found", f"there is no revision {shown} in the cache", help)


def _near(wanted: str, names: list[str]) -> list[str]:
    from difflib import get_close_matches  # only an error pays for it

    by_folded = {name.casefold(): name for name in names}
    return [by_folded[match] for match in get_close_matches(wanted.casefold(), by_folded, n=3)]


def _did_you_mean(names: list[str]) -> str | None:
    return f"did you mean {' or '.join(f'`{_shown(name)}`' for name in names)}?" if names else None
