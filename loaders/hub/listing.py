"""What a repo of the hub holds at one commit: its files with their true sizes, told by one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from ..facts import plain_json
from ..problems import LoaderError
from . import failures
from .client import Hub
from .names import Remote, is_commit

if TYPE_CHECKING:
    from typing import Any

# As many as a folder's walk looks at, and as deep.
MAX_FILES = 20_000
_MAX_DEPTH = 16
_MAX_NAME = 512
_MAX_PAGES = 50
# More than any file system holds.
_MAX_SIZE = 1 << 46
_WEIGHTS = (".safetensors", ".npz", ".bin", ".gguf", ".pt", ".pth", ".ckpt")


class RemoteFile(NamedTuple):
    """`size` in bytes; `blob`: what names its content in the Hugging Face cache, a sha256 or git's hash, or None."""

    size: int
    blob: str | None


class Listing(NamedTuple):
    """`repo`: its id as the hub has it; `commit`: what everything else is pinned to; `gated`: whether its owner gives
    access only to those who ask; `private`; `files` by their names, sorted; `bases`: the models that it is made of;
    `model_type` as the hub itself read it in config.json."""

    repo: str
    commit: str
    gated: bool
    private: bool
    files: dict[str, RemoteFile]
    bases: tuple[str, ...] = ()
    model_type: str | None = None

    @property
    def size_bytes(self) -> int:
        """The size of all its files."""
        return sum(file.size for file in self.files.values())


def ask(hub: Hub, remote: Remote) -> Listing:
    """Asks for the listing of a repo. Raises LoaderError as failures.py has them, and no_model where it holds none."""
    asked = str(remote)
    revision = "" if remote.revision is None else f"/revision/{quote(remote.revision, safe='')}"
    told, _ = hub.json(f"/api/models/{remote.repo}{revision}?blobs=true", asked)
    if not isinstance(told, dict):
        raise failures.no_hub(hub.endpoint, "its answer is no object")
    commit, siblings = told.get("sha"), told.get("siblings")
    if not isinstance(commit, str) or not is_commit(commit) or not isinstance(siblings, list):
        raise failures.no_hub(hub.endpoint, "its answer names no commit or no files")
    repo = told["id"] if _is_id(told.get("id")) else remote.repo
    entries = [_entry(one, "rfilename") for one in siblings[:MAX_FILES]]
    if any(entry is not None and entry[1] is None for entry in entries):  # a mirror that tells no sizes there
        entries = _tree(hub, remote.repo, commit, asked)
    if any(entry is not None and entry[1] is None for entry in entries):
        raise failures.no_hub(hub.endpoint, "it tells no sizes of files")
    files = {name: RemoteFile(size or 0, blob) for name, size, blob in filter(None, entries)}
    files = _without_clashes(files)
    if not any(name == "config.json" or name.endswith(_WEIGHTS) for name in files):
        message = f"`{asked}` holds no model: no config.json and no weights among its {len(files)} files"
        raise LoaderError("no_model", message, "see its page for where the model is")
    return Listing(repo, commit, bool(told.get("gated")), told.get("private") is True, files, _bases(told), _type(told))


def _bases(told: dict[str, Any]) -> tuple[str, ...]:
    tags = told.get("tags")
    marked = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    names = (tag.rpartition(":")[2] for tag in marked if tag.startswith("base_model:"))
    return tuple(dict.fromkeys(name for name in names if _is_id(name)))[:3]


def _type(told: dict[str, Any]) -> str | None:
    config = told.get("config")
    found = config.get("model_type") if isinstance(config, dict) else None
    return plain_json.text(found)[:200] if isinstance(found, str) else None


def _tree(hub: Hub, repo: str, commit: str, asked: str) -> list[tuple[str, int | None, str | None] | None]:
    """The same by the tree, page after page."""
    found: list[tuple[str, int | None, str | None] | None] = []
    path: str | None = f"/api/models/{repo}/tree/{commit}?recursive=true"
    for _ in range(_MAX_PAGES):
        page, path = hub.json(path, asked)
        if not isinstance(page, list):
            raise failures.no_hub(hub.endpoint, "its listing is no list")
        found += [_entry(one, "path") for one in page if not _is_folder(one)]
        if path is None or len(found) >= MAX_FILES:
            break
    return found[:MAX_FILES]


def _is_folder(one: Any) -> bool:
    return isinstance(one, dict) and one.get("type") == "directory"


def _entry(one: Any, key: str) -> tuple[str, int | None, str | None] | None:
    """A file's name, size and blob; None for what is no file, or has a name that no folder may have."""
    if not isinstance(one, dict):
        return None
    name, size, lfs = one.get(key), one.get("size"), one.get("lfs")
    if not isinstance(name, str) or not _is_safe(name):
        return None
    large = lfs if isinstance(lfs, dict) else {}
    size = large.get("size", size)
    blob = large.get("sha256") or large.get("oid") or one.get("blobId") or one.get("oid")
    fits = type(size) is int and 0 <= size <= _MAX_SIZE
    return name, size if fits else None, blob if isinstance(blob, str) and blob.isalnum() else None


def _is_safe(name: str) -> bool:
    """Whether a name leads to a file below the folder that it is laid in, on any file system."""
    parts = name.split("/")
    return (
        0 < len(name) <= _MAX_NAME
        and len(parts) <= _MAX_DEPTH
        and "\0" not in name
        and all(part not in ("", ".", "..") and len(part.encode("utf-8", "replace")) <= 255 for part in parts)
        and name.encode("utf-8", "replace").decode() == name
    )


def _without_clashes(files: dict[str, RemoteFile]) -> dict[str, RemoteFile]:
    """Without files that another has as its folder."""
    folders = {name[:at] for name in files for at, char in enumerate(name) if char == "/"}
    return {name: file for name, file in sorted(files.items()) if name not in folders}


def _is_id(value: Any) -> bool:
    from .names import remote

    try:
        return isinstance(value, str) and bool(remote(f"hf://{value}"))
    except LoaderError:
        return False
