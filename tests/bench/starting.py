"""Starting: `mlxk-rules explain` on a model with a tokenizer.json of 16 MB, beside a bare Python and mlx-knife."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from .environments import NotInstalled, environment, with_this_project
from .measure import Figure, by_turns, ratios, seconds
from .models import LLAMA, make_model, tokenizer
from .processes import clean_environment, run

SECTION = "starting"
NAME = "mlx-community/of-a-large-vocabulary-4bit"


def figures(quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        places = clean_environment(Path(home))
        words = tokenizer(680_000)
        make_model(Path(places["HF_HUB_CACHE"]), NAME, {"model_type": "llama", **LLAMA}, words, {})
        allowed, blocked = "explain against `python -c pass`", "explain of a blocked model against `python -c pass`"
        try:
            programs = with_this_project("newest")
        except NotInstalled as error:
            for name, goal, at_least in ((allowed, 5.0, False), (blocked, 5.0, False), (_name("2.0.8"), 30.0, True)):
                yield Figure(SECTION, name, None, goal, at_least, "", f"cannot be installed: {error}")
            return
        explain = [str(programs / "mlxk-rules"), "explain", NAME]
        about = f"a tokenizer.json of {len(words) / 1024**2:.1f} MiB"
        rounds = 5 if quick else 25
        yield _against_nothing(places, allowed, programs, explain, rounds, about)
        yield _against_nothing(places, blocked, programs, [*explain, "--image"], rounds, about)
        rounds = 3 if quick else 25
        yield _against_knife(places, _name("2.0.8"), explain, str(programs / "mlxk"), rounds, 30.0)
        pinned = _name("2.0.8 with its own pins, without mlx-vlm and mlx-audio")
        try:
            knife = environment("mlx-knife") / "mlxk"
        except NotInstalled as error:
            yield Figure(SECTION, pinned, None, None, True, "", f"cannot be installed: {error}")
        else:
            yield _against_knife(places, pinned, explain, str(knife), rounds, None)


def _name(knife: str) -> str:
    return f"explain beside `mlxk show` of mlx-knife {knife}"


def _against_nothing(
    places: dict[str, str], name: str, programs: Path, explain: list[str], rounds: int, about: str
) -> Figure:
    python = str(programs / "python")
    run(explain, places)  # by_turns runs each once more beforehand: what is kept between starts is there
    nothing, ours = by_turns(
        [lambda: run([python, "-c", "pass"], places).seconds, lambda: run(explain, places).seconds], rounds
    )
    detail = f"{seconds(median(ours))} against {seconds(median(nothing))}, {about}"
    return Figure(SECTION, name, ratios(ours, nothing), 5.0, False, detail)


def _against_knife(
    places: dict[str, str], name: str, explain: list[str], knife: str, rounds: int, goal: float | None
) -> Figure:
    show = [knife, "show", NAME]
    _same(places, explain, show)
    theirs, ours = by_turns([lambda: run(show, places).seconds, lambda: run(explain, places).seconds], rounds)
    return Figure(
        SECTION, name, ratios(theirs, ours), goal, True, f"{seconds(median(ours))} against {seconds(median(theirs))}"
    )


def _same(places: dict[str, str], explain: list[str], show: list[str]) -> None:
    # What both say of it: its name, that it is of the type llama and made for MLX, and that it may be loaded.
    for command, words in ((explain, (NAME, "llama", "allow", "mlx-lm")), (show, (NAME, "llama", "MLX", "healthy"))):
        done = subprocess.run(command, env=places, capture_output=True, text=True)
        if missing := [word for word in words if word not in done.stdout]:
            raise AssertionError(f"`{' '.join(command[-3:])}` does not say {missing}: {done.stdout}{done.stderr}")
