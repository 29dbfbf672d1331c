"""What goes wrong between here and the hub, each as one LoaderError with a code of its own."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

from ...engine.storage.how_installed import install_command
from ..problems import LoaderError

_SECONDS = re.compile(r";\s*t\s*=\s*(\d+)")


def offline() -> LoaderError:
    """HF_HUB_OFFLINE is set."""
    return LoaderError(
        "hub_offline", "the hub is not asked: HF_HUB_OFFLINE is set", "unset it, or name a model that is here"
    )


def not_installed() -> LoaderError:
    """The package that speaks with the hub is not there, or is older than what is worked with here."""
    try:
        version = metadata.version("huggingface_hub")
        found = f"the installed huggingface_hub {version} is older than what is worked with here"
    except metadata.PackageNotFoundError:
        found = "huggingface_hub is not installed"
    return LoaderError("hub_not_installed", found, install_command("hub"))


def no_hub(url: str, found: str) -> LoaderError:
    """What answers is no hub: a proxy's or a hotel's page, or another server."""
    return LoaderError(
        "no_hub_answer",
        f"what answers at {host(url)} is not the hub: {found}",
        "sign in to this network if it asks for that, and see HTTPS_PROXY and HF_ENDPOINT",
    )


def too_much(what: str) -> LoaderError:
    """The repo asks for more than an answer before the download is worth."""
    return LoaderError(
        "hub_too_much", f"it takes too much to tell from afar: {what}", "download it, and explain it then"
    )


def too_slow(url: str, seconds: float) -> LoaderError:
    """No answer in time."""
    return LoaderError("hub_timeout", f"{host(url)} did not answer within {seconds:g} seconds", "try again later")


def of_exception(error: Exception, url: str, seconds: float) -> LoaderError:
    """An exception of the HTTP client. Raises the exception itself where it is none of the network's."""
    name = {kind.__name__ for kind in type(error).__mro__}
    if "OfflineModeIsEnabled" in name:
        return offline()
    if "TimeoutException" in name:
        return too_slow(url, seconds)
    reason = words(str(error)) or type(error).__name__
    if "ProxyError" in name:
        return LoaderError("no_network", f"the proxy lets nothing through to {host(url)}: {reason}", "see HTTPS_PROXY")
    if name & {"InvalidURL", "UnsupportedProtocol", "DecodingError"}:
        return no_hub(url, reason)
    if name & {"TransportError", "StreamError", "RequestError"}:
        return LoaderError(
            "no_network", f"{host(url)} cannot be reached: {reason}", "check the network, and HF_ENDPOINT"
        )
    raise error


def of_status(response: Any, url: str, asked: str, signed_in: bool) -> LoaderError:
    """An answer of another status than success: `asked` is the repo with its revision."""
    status, headers = int(response.status_code), response.headers
    code = headers.get("X-Error-Code", "")
    if code == "GatedRepo":
        return LoaderError("gated_repo", f"`{asked}` is gated, and this token has no access", _access(asked, signed_in))
    if code == "RevisionNotFound":
        return LoaderError(
            "revision_not_found", f"the hub has no revision `{asked}`", "its page lists branches and tags"
        )
    if code == "EntryNotFound":
        return LoaderError("hub_refused", f"the hub lists a file of `{asked}` that it does not have", "try again later")
    if status == 401 and "Invalid" in headers.get("X-Error-Message", ""):
        return LoaderError(
            "not_signed_in",
            "the hub does not know the token that is set here",
            "sign in again: hf auth login, or HF_TOKEN",
        )
    if code == "RepoNotFound" or status in (401, 404):
        help = "check the spelling" if signed_in else "check the spelling; if it is private, sign in: hf auth login"
        return LoaderError("repo_not_found", f"the hub has no repo `{asked}`, or it is private", help)
    if status == 429:
        return LoaderError("rate_limited", f"{host(url)} takes no more requests for now", f"try again {_when(headers)}")
    if status == 407:
        return LoaderError("no_network", "the proxy wants a password", "HTTPS_PROXY may hold one")
    if status >= 500:
        return LoaderError("hub_fault", f"{host(url)} failed (HTTP {status})", "try again later")
    said = words(headers.get("X-Error-Message", ""))
    return LoaderError("hub_refused", f"{host(url)} refuses (HTTP {status}){': ' if said else ''}{said}", None)


def host(url: str) -> str:
    """The host of a URL, with its port, as part of a message."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'the hub'}{f':{parts.port}' if parts.port else ''}"


def words(text: str) -> str:
    """Words of a stranger's as part of a message of one line."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))[:160]


def _access(asked: str, signed_in: bool) -> str:
    page = f"ask for access on its page, https://huggingface.co/{asked.partition('@')[0]}"
    return page if signed_in else f"{page}, and sign in: hf auth login"


def _when(headers: Any) -> str:
    told = _SECONDS.search(headers.get("RateLimit", "")) if "Retry-After" not in headers else None
    text = told[1] if told else headers.get("Retry-After", "").strip()
    return f"in {int(text[:9])} seconds" if text.isdecimal() else "in some minutes"
