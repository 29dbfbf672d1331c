"""What several commands do alike."""

from __future__ import annotations

from ..choice import Choice, choose
from ..errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..policy import Policy


def choice_of(options: dict[str, Any]) -> Choice:
    """Return which policy decides: --policy's, the environment's, the person's own, today's."""
    return choose(options.get("--policy"))


def policy_of(options: dict[str, Any]) -> Policy:
    """Return the policy that decides. Raises PolicyError."""
    return choice_of(options).load()


def print_json(value: Any) -> None:
    """Print one JSON value, in ASCII: whatever stands in a model folder, no terminal acts on it."""
    import json

    print(json.dumps(value, indent=2, allow_nan=False))


def probed(options: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of MODEL for the request that the options describe. Raises LoaderError."""
    from ...loaders import probe

    return probe(
        options["MODEL"],
        images=bool(options["--image"]),
        audio=bool(options["--audio"]),
        context="server" if options.get("--server") else "cli",
        trust_remote_code=bool(options.get("--trust-remote-code")),
        context_tokens=None if options.get("--context") is None else number_of(options, "--context", int, least=1),
    )


def number_of(options: dict[str, Any], name: str, kind: type[int] | type[float], least: float = 0) -> Any:
    """Return the number that an option gives, of `least` or more. Raises UsageError."""
    text = options[name]
    wanted = f"{'a whole number' if kind is int else 'a number'} of {least:g} or more"
    try:
        number = kind(text)
        if number >= least and number - number == 0:
            return number
    except (ValueError, OverflowError):
        pass
    raise UsageError("bad-value", f"`{name}` is `{text[:40]}`, {wanted} is wanted", f"write {name} 1")
