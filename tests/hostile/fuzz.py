"""Looks for hostile input that nobody thought of: folders, headers, facts, policies, expressions, lines.

Usage:
  tests.hostile.fuzz [--minutes N] [--seed N]

Run it as `python -m tests.hostile.fuzz --minutes 60`. Everything is done in this process. What raises, takes longer
than ten seconds, or is answered differently by the two ways of deciding is a find, printed with the seed that makes it.

Options:
  --minutes N  How long to look, in minutes [default: 1].
  --seed N     Where to begin; another one each time where it is left out.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docopt import docopt
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.cli import main as command
from mlxk_rules.loaders import probe
from mlxk_rules.loaders.facts import safetensors

from .folders import HELLO

SECONDS = 10.0
_ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**53 + 1, 10**400, 1e308, -0.0, 0.1, "", "x", "llama", "\x1b[2J", "\ud800", "é" * 300,
    [], {}, [None], [[]], {"": None}, {"model_type": []}, "../..", "a" * 5_000,
]  # fmt: skip
_PIECES = [
    "model.type", "model.files", "config", "config.x", "derived.a", "limits.n", "sets.s", "request.images",
    "memory.total_bytes",
    "'llama'", "`1`", "`[]`", "null", "@", "&", "*", "[*]", "[0]", "[?a]", "[::0]", "{a: b}", "&&",
    "||", "!", "==", "<", ">=", "(",
    ")", ",", ".", "|", "contains(", "glob(", "at_least(", "sum(", "ratio(", "length(", "sort_by(", "map(", "has_any(",
    "lower(",
    "\"", "`", "\\", "🙂", "\u202e", "0777", "size(", "join(", "look_up(", "starts_with(",
]  # fmt: skip


def value(rng: random.Random, depth: int = 3) -> Any:
    """Any JSON value, odd ones more often than not."""
    if depth and rng.random() < 0.3:
        return {
            rng.choice(["a", "model_type", "quantization", ""]): value(rng, depth - 1) for _ in range(rng.randrange(4))
        }
    if depth and rng.random() < 0.2:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return copy.deepcopy(rng.choice(_ODD))  # one value is put into another, and a seed is to make the same again


def bent(rng: random.Random, content: bytes) -> bytes:
    """Bytes with some of them changed, cut off, or doubled."""
    data = bytearray(content)
    for _ in range(rng.randrange(1, 8)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randrange(50)]
        elif kind == 2:
            data[at:at] = data[at : at + rng.randrange(50)]
        else:
            data[at:at] = rng.choice([b"Infinity", b"NaN", b"null", b"[]", b"{", b"9" * 30, b"\0", b"\xff", b'"'])
    return bytes(data)


def folder(rng: random.Random, place: Path) -> None:
    """A folder with documents of odd values, decided both ways."""
    for file in HELLO.iterdir():
        content = file.read_bytes()
        (place / file.name).write_bytes(bent(rng, content) if rng.random() < 0.3 else content)
    config = json.loads((HELLO / "config.json").read_bytes())
    for _ in range(rng.randrange(4)):
        config[rng.choice([*config, "quantization", "vision_config", "audio_config", "auto_map"])] = value(rng)
    if rng.random() < 0.7:
        (place / "config.json").write_text(json.dumps(config), "utf-8", "replace")
    decided(probe(place, images=rng.random() < 0.3, audio=rng.random() < 0.3, dry_run=False))


def facts(rng: random.Random, place: Path) -> None:
    """Facts of a sound folder with odd values in their places, decided both ways."""
    found = probe(HELLO, dry_run=False)
    for _ in range(rng.randrange(1, 4)):
        inner: Any = found
        while isinstance(inner, dict) and inner:
            key = rng.choice(list(inner))
            if not isinstance(inner[key], dict) or rng.random() < 0.3:
                inner[key] = value(rng)
                break
            inner = inner[key]
    decided(found)


def decided(found: dict[str, Any]) -> None:
    """Raises where the two ways differ."""
    for policy in POLICIES:
        fast, exact = policy._decide(found), policy.explain(found).decision
        if fast != exact:
            raise AssertionError(f"decide says {fast}, explain {exact}")


def header(rng: random.Random, place: Path) -> None:
    """The header of a safetensors file, bent."""
    content = (HELLO / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    safetensors.parse(bent(rng, content[8 : 8 + length]), rng.randrange(1 << 40))


def expression(rng: random.Random, place: Path) -> None:
    """A policy whose gate asks something odd: it loads or is refused with a place, and then decides."""
    text = " ".join(rng.choice(_PIECES) for _ in range(rng.randrange(1, 12)))
    written = json.dumps(text)
    rule_file = (
        f"schema: 1\nname: odd\nversion: 1.0.0\nsets: {{s: [llama]}}\nlimits: {{n: 1}}\n"
        f"derive: {{a: [{{otherwise: true}}]}}\ngates:\n"
        f"  - {{id: odd, when: {written}, decide: block, error: e, message: m}}\n"
        f"  - {{id: rest, otherwise: true, decide: allow, backend: mlx_lm}}\n"
    )
    loaded(rule_file)


def rules(rng: random.Random, place: Path) -> None:
    """A shipped rule file, bent."""
    loaded(bent(rng, RULES).decode("utf-8", "surrogateescape"))


def loaded(text: str) -> None:
    """Raises where a policy neither loads nor is refused with a place."""
    try:
        policy = Policy.from_text(text, "odd.yaml")
    except PolicyError as error:
        assert error.problems and all(problem.file == "odd.yaml" for problem in error.problems), error
        return
    found = probe(HELLO, dry_run=False)
    fast, exact = policy._decide(found), policy.explain(found).decision
    if fast != exact:
        raise AssertionError(f"decide says {fast}, explain {exact}")


def line(rng: random.Random, place: Path) -> None:
    """Lines of facts, by the command itself: an answer for each, and no exit code of a bug."""
    (place / "lines").write_bytes(b"\n".join(bent(rng, LINE) for _ in range(3)))
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.redirect_stderr(io.StringIO()) as said:
        code = command(["decide", str(place / "lines")])
    assert code in (0, 1, 2), said.getvalue()


KINDS: tuple[Callable[[random.Random, Path], None], ...] = (folder, facts, header, expression, rules, line)
POLICIES = (Policy.load(), Policy.load("2.0.4"))
RULES = (Path(__file__).parents[2] / "rules/2.0.4.yaml").read_bytes()
LINE = json.dumps(probe(HELLO, dry_run=False)).encode()


def attempt(seed: int) -> str | None:
    """Does what the seed says; returns what was found, or None. What takes long has to do so twice: others run, too."""
    took = SECONDS
    for _ in range(2):
        rng = random.Random(seed)
        kind = rng.choice(KINDS)
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as place:
                kind(rng, Path(place))
        except Exception:
            return f"seed {seed}, {kind.__name__}:\n{traceback.format_exc()}"
        took = time.monotonic() - began
        if took <= SECONDS:
            return None
    return f"seed {seed}, {kind.__name__}: {took:.1f} seconds"


def look(seconds: float, seed: int) -> tuple[int, list[str]]:
    """Look for so long, from this seed on; returns how many were tried, and what was found."""
    finds: list[str] = []
    end, tried = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        if found := attempt(seed + tried):
            finds.append(found)
        tried += 1
    return tried, finds


def main(words: list[str]) -> int:
    options = docopt(__doc__ or "", words)
    seed = int(options["--seed"]) if options["--seed"] else random.SystemRandom().randrange(1 << 40)
    print(f"from seed {seed} on", flush=True)
    tried, finds = look(float(options["--minutes"]) * 60, seed)
    print("\n".join(finds[:20]))
    print(f"{tried} tried, {len(finds)} found")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
