"""Starting: `mlxk-rules explain` on a model with a tokenizer.json of 16 MB, beside a bare Python and mlx-knife."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .environments import NotInstalled, environment
from .measure import Figure, by_turns, ratios, seconds
from .models import LLAMA, make_model, tokenizer
from .processes import clean_environment, program, run

SECTION = "starting"
NAME = "mlx-community/of-a-large-vocabulary-4bit"


def figures(quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        places = clean_environment(Path(home))
        words = tokenizer(445_000)
        make_model(Path(places["HF_HUB_CACHE"]), NAME, {"model_type": "llama", **LLAMA}, words, {})
        explain = [program("mlxk-rules"), "explain", NAME]
        # In the order of the figures: by_turns runs each once beforehand, which fills what is kept between starts.
        nothing, ours = by_turns(
            [
                lambda: run([sys.executable, "-c", "pass"], places).seconds,
                lambda: run(explain, places).seconds,
            ],
            5 if quick else 25,
        )
        detail = f"{seconds(sorted(ours)[len(ours) // 2])} against {seconds(sorted(nothing)[len(nothing) // 2])}, "
        detail += f"a tokenizer.json of {len(words) / 1024**2:.1f} MiB"
        yield Figure(SECTION, "explain against `python -c pass`", ratios(ours, nothing), 5.0, False, detail)
        yield _against_knife(places, explain, 3 if quick else 9)


def _against_knife(places: dict[str, str], explain: list[str], rounds: int) -> Figure:
    name = "explain beside `mlxk show`"
    try:
        knife = str(environment("mlx-knife") / "mlxk")
    except NotInstalled as error:
        return Figure(SECTION, name, None, 30.0, True, "mlx-knife 2.0.8", f"cannot be installed: {error}")
    show = [knife, "show", NAME]
    _same(places, explain, show)
    theirs, ours = by_turns([lambda: run(show, places).seconds, lambda: run(explain, places).seconds], rounds)
    detail = f"{seconds(sorted(ours)[len(ours) // 2])} against {seconds(sorted(theirs)[len(theirs) // 2])}"
    return Figure(SECTION, name, ratios(theirs, ours), 30.0, True, f"{detail}, mlx-knife 2.0.8")


def _same(places: dict[str, str], explain: list[str], show: list[str]) -> None:
    # What both say of it: its name, that it is of the type llama and made for MLX, and that it may be loaded.
    for command, words in ((explain, (NAME, "llama", "allow", "mlx-lm")), (show, (NAME, "llama", "MLX", "healthy"))):
        done = subprocess.run(command, env=places, capture_output=True, text=True)
        if missing := [word for word in words if word not in done.stdout]:
            raise AssertionError(f"`{' '.join(command[-3:])}` does not say {missing}: {done.stdout}{done.stderr}")
