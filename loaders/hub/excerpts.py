"""Which bytes of which file tell what the model is, and how they are asked for: many at once, the fewest requests.

Documents are read whole, of weights the headers alone, of a large tokenizer.json its ends; everything else is known by
its name and size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from ..facts import safetensors
from . import failures, npz_excerpt, tokenizer_excerpt
from .client import WORKERS, Hub
from .listing import Listing

Piece = tuple[int, bytes]
Span = tuple[int, int]
Told = Callable[[int, int], object]

# Most headers are shorter: a shard of 5 GB in 4 bits has 27 kB.
FIRST_BYTES = 32 << 10
_DOCUMENT_BYTES = 64 << 20
_README_BYTES = 64 << 10
_ALL_HEADERS_BYTES = 160 << 20
# As deep as the shape for a dry run is laid.
_MAX_DEPTH = 3
_MAX_FILES = 4_000
DOCUMENTS = (".json", ".jsonl", ".jinja", ".txt", ".model", ".tiktoken", ".yaml", ".yml", ".vocab", ".spm", ".bpe")
_OF_OTHERS = (".bin.index.json", ".h5.index.json", ".msgpack.index.json", "trainer_state.json")
# Parsed whole by the probe; a smaller one is not worth two requests either.
_CUT_FROM_BYTES = 256 << 10
_CUT_MERGES_BYTES = 256


class _First(NamedTuple):
    """`pieces` that a first look gave, and the `rest` that it asks for."""

    pieces: list[Piece]
    rest: list[Span]


def fetch(hub: Hub, listing: Listing, told: Told | None = None) -> dict[str, list[Piece]]:
    """The pieces of each file that tell something; `told` is called with the files looked at and how many there are.

    Raises LoaderError as client.Hub does.
    """
    # Those of more than one request first, so that nobody waits for the last of them alone.
    chosen = sorted(wanted(listing), key=lambda name: (name != "tokenizer.json", _is_document(name)))
    pieces: dict[str, list[Piece]] = {}
    rest: list[tuple[str, int, int]] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            looks = pool.map(partial(_first, hub, listing), chosen)
            for number, (name, first) in enumerate(zip(chosen, looks, strict=True), 1):
                pieces[name] = first.pieces
                rest += [(name, *span) for span in first.rest]
                if told is not None:
                    told(number, len(chosen))
            if sum(end - begin for _, begin, end in rest) > _ALL_HEADERS_BYTES:
                raise failures.too_much(f"its headers alone take more than {_ALL_HEADERS_BYTES >> 20} MiB")
            more = [pool.submit(hub.piece, listing.repo, listing.commit, *one) for one in rest]
            for (name, begin, _), content in zip(rest, more, strict=True):
                pieces[name].append((begin, content.result()))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return pieces


def wanted(listing: Listing) -> Iterable[str]:
    """The names of the files that are looked into."""
    # A diffusers pipeline has headers by the thousand below its root, and no backend is asked about it.
    depth = 0 if "model_index.json" in listing.files else _MAX_DEPTH
    names = [name for name, file in listing.files.items() if file.size and name.count("/") <= depth]
    return [name for name in names if _is_document(name) or name.endswith((".safetensors", ".npz"))][:_MAX_FILES]


def _is_document(name: str) -> bool:
    return name == "README.md" or (name.endswith(DOCUMENTS) and not name.endswith(_OF_OTHERS))


def _first(hub: Hub, listing: Listing, name: str) -> _First:
    size = listing.files[name].size
    read = partial(hub.piece, listing.repo, listing.commit, name)
    if name.endswith(".safetensors"):
        return _header(read, size)
    if name.endswith(".npz"):
        return _arrays(read, size)
    if name == "README.md":
        return _First([(0, read(0, min(size, _README_BYTES)))], [])
    if size > _DOCUMENT_BYTES:
        return _First([], [])
    if size > _CUT_FROM_BYTES and (content := _tokenizer(name, read, listing)) is not None:
        return _First([(0, content)], [])
    return _First([(0, read(0, size))], [])


def _header(read: Callable[[int, int], bytes], size: int) -> _First:
    head = read(0, min(size, FIRST_BYTES))
    length = int.from_bytes(head[:8], "little")
    end = 8 + length
    if not 0 < length < safetensors.MAX_HEADER_BYTES or end > size:
        return _First([(0, head)], [])
    # What was read of the tensors themselves is not kept.
    return _First([(0, head[:end])], [(len(head), end)] if end > len(head) else [])


def _arrays(read: Callable[[int, int], bytes], size: int) -> _First:
    pieces: list[Piece] = []
    rest: list[Span] = []
    for begin, what in npz_excerpt.spans(read, size):
        if isinstance(what, bytes):
            pieces.append((begin, what))
        else:
            rest.append((begin, what))
    return _First(pieces, rest)


def _tokenizer(name: str, read: Callable[[int, int], bytes], listing: Listing) -> bytes | None:
    """A large file of a tokenizer without most of its vocabulary; None where the whole is to be read."""
    size, first = listing.files[name].size, tokenizer_excerpt.FIRST_BYTES
    if name == "tokenizer.json":
        tail = read(size - tokenizer_excerpt.TAIL_BYTES, size)
        return _grown(read, size, lambda head: tokenizer_excerpt.excerpt(head, tail, size))
    if "tokenizer.json" not in listing.files:  # then these are the tokenizer
        return None
    if name == "merges.txt":
        return tokenizer_excerpt.merges(read(0, _CUT_MERGES_BYTES), size)
    if name == "vocab.json":
        return _grown(read, min(size, first), lambda head: tokenizer_excerpt.vocabulary(head, size))
    return None


def _grown(read: Callable[[int, int], bytes], size: int, made: Callable[[bytes], bytes | None]) -> bytes | None:
    head, wanted_bytes = b"", tokenizer_excerpt.FIRST_BYTES
    while wanted_bytes <= min(size, tokenizer_excerpt.MOST_BYTES):
        head += read(len(head), wanted_bytes)
        try:
            return made(head)
        except tokenizer_excerpt.TooShort:
            wanted_bytes *= 4
    return None
