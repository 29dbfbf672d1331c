"""hf://org/name[@revision], or a page of the hub as pasted from a browser: which repo, in which revision."""

import os
from typing import NamedTuple

from ..facts.plain_json import shown
from ..problems import LoaderError
from ..resolving.model_names import HUB_HOSTS

_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"  # compiled where it is needed, which is seldom
_OTHERS = ("datasets", "spaces", "kernels", "buckets", "collections", "papers", "docs", "blog", "api")
_HELP = "write hf://org/name, or hf://org/name@revision"


class Remote(NamedTuple):
    """A repo of the hub, and the branch, tag or commit that was asked for: None is its main."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"


def remote(model: str) -> Remote:
    """The repo that such a MODEL names. Raises LoaderError bad_name."""
    scheme, _, rest = model.partition("://") if "://" in model else ("https", "", model)
    if scheme == "hf":
        return _checked(model, *_from_uri(rest))
    host, _, path = rest.partition("/")
    if scheme not in ("http", "https") or host.rpartition("@")[2].lower() not in (*HUB_HOSTS, _own_host()):
        raise LoaderError("bad_name", f"`{shown(model)}` is no page of the hub", _HELP)
    return _checked(model, *_from_page(path.partition("?")[0].partition("#")[0]))


def is_commit(revision: str) -> bool:
    """Whether a revision is a whole commit, which always names the same."""
    return len(revision) == 40 and set(revision) <= set("0123456789abcdef")


def _from_uri(rest: str) -> tuple[str, str | None]:
    name, at, revision = rest.rstrip("/").partition("@")
    return name.removeprefix("models/"), revision if at else None


def _from_page(path: str) -> tuple[str, str | None]:
    from urllib.parse import unquote  # only a page pays for it

    parts = [unquote(part) for part in path.split("/") if part]
    parts = parts[1:] if parts[:1] == ["models"] else parts
    at = next((at for at in (1, 2) if parts[at : at + 1] and parts[at] in ("tree", "blob", "resolve", "commit")), None)
    if at is None:
        return "/".join(parts[:2]), None
    # refs/pr/3 is one revision of three parts.
    revision = parts[at + 1 : at + (4 if parts[at + 1 : at + 2] == ["refs"] else 2)]
    return "/".join(parts[:at]), "/".join(revision) or None


def _checked(model: str, repo: str, revision: str | None) -> Remote:
    import re

    parts = repo.split("/")
    if parts[0] in _OTHERS:
        raise LoaderError("bad_name", f"`{shown(model)}` is no model's page: it is one of {parts[0]}", _HELP)
    if len(parts) > 2 or not all(re.fullmatch(_PART, part) and ".." not in part and "--" not in part for part in parts):
        raise LoaderError("bad_name", f"`{shown(model)}` names no repo of the hub", _HELP)
    if revision is not None and not (
        0 < len(revision) <= 200 and revision.isprintable() and not re.search(r"\.\.|[\s\\?*:^~\[]|^/|/$|//", revision)
    ):
        raise LoaderError("bad_name", f"`{shown(model)}` names no revision after the @", _HELP)
    return Remote(repo, revision)


def _own_host() -> str:
    return os.environ.get("HF_ENDPOINT", "").partition("://")[2].partition("/")[0].lower() or HUB_HOSTS[0]
