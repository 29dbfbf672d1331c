"""What several commands do alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...problems import UsageError
from ..policies.policy_choice import Choice, choose

MAX_PIXELS = 16_384  # of a side
_OF_HOSTS = ("--split", "--machines", "--python", "--starting-port")

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ....loaders import Probed, Shape, Workers
    from ...policy import Policy


def choice_of(options: dict[str, Any]) -> Choice:
    """Return which policy decides: --policy's, the environment's, the person's own, today's."""
    return choose(options.get("--policy"))


def policy_of(options: dict[str, Any]) -> Policy:
    """Return the policy that decides. Raises PolicyError."""
    return choice_of(options).load()


def has_hosts(options: dict[str, Any]) -> bool:
    """Return whether --hosts names several machines. Raises UsageError for words about them where it does not."""
    if options["--hosts"] is not None:
        return True
    for name in _OF_HOSTS:
        if options.get(name) is not None:
            raise UsageError("usage", f"`{name}` is for several machines", f"give --hosts too, or leave {name} away")
    return False


def model_of(word: str) -> str | Shape:
    """Return the shape of a MODEL such as hf://org/name, and any other MODEL as it is. Raises LoaderError."""
    from ....loaders import is_remote

    if not is_remote(word):
        return word
    from ....loaders import remote
    from ..hub.hub_question import asked_of

    return asked_of(remote(word))


def print_json(value: Any) -> None:
    """Print one JSON value, in ASCII: whatever stands in a model folder, no terminal acts on it."""
    import json

    print(json.dumps(value, indent=2, allow_nan=False))


def probed(options: dict[str, Any], policy: Policy | None = None, to_load: bool = False) -> dict[str, Any]:
    """Return the facts of MODEL for the request that the options describe. Raises LoaderError and UsageError.

    The backends themselves are asked where the policy's decision rests on what they say; without a policy always.
    to_load: the facts say of which files they are, so that these and no others are loaded.
    """
    found, _ = probed_of(options, policy)
    facts = found.pinned(found.facts()) if to_load else found.facts()
    return with_backends(found, facts, bool(options.get("--quick")), policy)


def probed_of(options: dict[str, Any], policy: Policy | None = None) -> tuple[Probed, dict[str, Any]]:
    """Return MODEL's folder, and the request that the options describe. Raises LoaderError and UsageError."""
    from ....loaders import Probed, request_of

    size = _image_size(options.get("--image-size"), policy)
    asked = request_of(
        images=bool(options["--image"]),
        audio=bool(options["--audio"]),
        context="server" if options.get("--server") else "cli",
        trust_remote_code=bool(options.get("--trust-remote-code")),
        context_tokens=None if options.get("--context") is None else number_of(options, "--context", int, least=1),
        image_size=size,
    )
    model = options["MODEL"]
    if isinstance(model, str):
        model = model_of(model)
    return Probed.of(model, asked, machine=_machine(options.get("--set") or ())), asked


def with_backends(
    found: Probed,
    facts: dict[str, Any],
    quick: bool,
    policy: Policy | None = None,
    workers: Workers | None = None,
    ways: bool = False,
) -> dict[str, Any]:
    """Return the facts of a folder with what the backends say of it, where they are to be asked.

    workers: those of who asks more of them. ways: with how several machines would share what one is too small for.
    """
    if quick:
        return facts
    facts = found.told(facts)
    if not found.is_open or (policy is not None and not policy.rests_on(policy.decide_few(facts).gate, "dry_run")):
        return facts
    from ..waiting import waiting

    with waiting("asking the installed backends (--quick does without)"):
        return found.rehearsed(facts, workers=workers, ways=ways)


def _machine(assignments: Iterable[str]) -> Any:
    """Return this machine, with another accelerator where one is set: what a prompt takes depends on it."""
    from ....loaders import machine

    found = machine()
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if name.strip() == "memory.accelerator":
            found = found._replace(memory=found.memory | {"accelerator": value.strip()})
    return found


def _image_size(text: str | None, policy: Policy | None) -> tuple[int, int] | None:
    """Return width and height in pixels: the option's, else those of the policy's limits, else None."""
    if text is None:
        limits = policy.limits if policy is not None else {}
        size = limits.get("image_width"), limits.get("image_height")
        return (int(size[0]), int(size[1])) if size[0] is not None and size[1] is not None else None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()) or not all(
        0 < int(part[:9]) <= MAX_PIXELS for part in (width, height)
    ):
        message = f"`--image-size` is `{text[:40]}`, width and height in pixels are wanted, at most {MAX_PIXELS} each"
        raise UsageError("bad-value", message, "write --image-size 1920x1080")
    return int(width), int(height)


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
