"""Which backend is asked what of a folder, and why others are not."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..host.installed import BACKENDS, NAMES
from . import outcome

if TYPE_CHECKING:
    from ..facts.folder import Listing


class Question(NamedTuple):
    """One backend, asked of one folder for one kind of request.

    `image_size` is a picture's width and height in pixels, None where the request has none; `of` is all that the answer
    depends on besides the folder, whose state `marks` tells, changed last at `changed_ns`.
    """

    backend: str
    folder: str
    image_size: tuple[int, int] | None
    audio: bool
    accelerator: str | None
    of: str
    marks: str
    changed_ns: int
    ranks: tuple[int, ...] = ()


def questions(
    path: str, listing: "Listing", facts: Mapping[str, Any], of: str
) -> tuple[list[Question], dict[str, dict[str, Any]]]:
    """Who is to be asked of the folder at `path`, and the facts of those that are not, with the reason.

    `facts` are the folder's others; `of` tells of what is installed.

    A backend is asked where it is installed, has the model's type, takes what the request carries, and would find
    weights that are whole: of all others it is known that they do not load the folder, or not for this request.
    """
    request = facts["request"]
    size = (request["image_width"], request["image_height"]) if request["images"] else None
    asked: list[Question] = []
    others: dict[str, dict[str, Any]] = {}
    for backend in BACKENDS:
        reason = _reason_not(backend, facts)
        if reason is not None:
            others[backend] = outcome.not_done(backend, reason)
            continue
        accelerator = facts["memory"]["accelerator"]
        asked.append(
            Question(backend, path, size, request["audio"], accelerator, of, listing.marks, listing.changed_ns)
        )
    return asked, others


def of_ranks(question: Question, ranks: tuple[int, ...], accelerator: str | None) -> Question:
    """The same backend and folder, asked how it splits the model among so many ranks, which compute with that."""
    of = f"{question.of} {accelerator}"
    return question._replace(image_size=None, audio=False, accelerator=accelerator, of=of, ranks=ranks)


def _reason_not(backend: str, facts: Mapping[str, Any]) -> str | None:
    name, runtime, request, weights = NAMES[backend], facts["runtime"][backend], facts["request"], facts["weights"]
    if not runtime["installed"]:
        return f"{name} is not installed"
    if facts["config_status"] != "ok":
        return f"config.json is {facts['config_status']}"
    more_than_text = request["images"] or request["audio"]
    if (backend == "mlx_audio" and not request["audio"]) or (backend == "mlx_lm" and more_than_text):
        return f"{name} is not for such a request"
    if not _has_type(backend, facts):
        return f"{name} does not have the type"
    if not weights[backend]["files"]:
        return f"there are no weights that {name} looks for"
    if weights[backend]["faults"]:
        return f"the weights that {name} would load are damaged"
    return None


def _has_type(backend: str, facts: Mapping[str, Any]) -> bool:
    """Whether an installed backend may have the folder's type; one whose types could not be listed is asked."""
    types, model_type = facts["runtime"][backend]["model_types"], facts["model"]["type"]
    if not types:
        return True
    if model_type is None:  # Parakeet's conversions keep NeMo's config, which has a `target` and no type
        return backend == "mlx_audio" and isinstance(facts["config"].get("target"), str)
    return (model_type.lower() if backend == "mlx_vlm" else model_type) in types
