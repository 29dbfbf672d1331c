"""Many models: `mlxk-rules list` over a cache of 1,000, beside mlx-knife over the same."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .environments import NotInstalled, environment
from .measure import Figure, Spread, number, ratios, seconds
from .models import make_cache
from .processes import Run, clean_environment, program, run

SECTION = "listing"
LIST = [program("mlxk-rules"), "list"]


def figures(quick: bool) -> Iterator[Figure]:
    count, rounds = (100, 3) if quick else (1_000, 7)
    with tempfile.TemporaryDirectory() as home:
        places = clean_environment(Path(home))
        names = make_cache(Path(places["HF_HUB_CACHE"]), count)
        few_places = clean_environment(Path(home) / "few")
        make_cache(Path(few_places["HF_HUB_CACHE"]), count // 10)
        output = Path(home) / "output"
        run(LIST, places, stdout=output, watch=True)
        _check("mlxk-rules list", output, names)
        ours = [run(LIST, places, watch=True) for _ in range(rounds)]
        few = [run(LIST, few_places, watch=True) for _ in range(rounds)]
        yield _against_knife(places, names, rounds, output)
    first = Spread.of([one.first_line or one.seconds for one in ours])
    detail = f"all {count:,} in {seconds(Spread.of([one.seconds for one in ours]).median)}"
    yield Figure(SECTION, "list, seconds to the first line", first, 0.3, False, detail)
    most, few_most = max(one.peak for one in ours), max(one.peak for one in few)
    ratio = ratios([float(one.peak) for one in ours], [float(one.peak) for one in few])
    detail = f"at most {_mib(most)} against {_mib(few_most)}, all processes"
    # Flat: the same but for where the collector stands.
    yield Figure(SECTION, f"list, memory of {count:,} models against {count // 10}", ratio, 1.2, False, detail)


def _against_knife(places: dict[str, str], names: list[str], rounds: int, output: Path) -> Figure:
    name = f"list of {len(names):,} models beside `mlxk list --all`"
    try:
        # Without --all it leaves out what it would not run; ours always lists every model.
        theirs = [str(environment("mlx-knife") / "mlxk"), "list", "--all"]
    except NotInstalled as error:
        return Figure(SECTION, name, None, 10.0, True, "mlx-knife 2.0.8", f"cannot be installed: {error}")
    run(theirs, places, stdout=output)
    _check("mlxk list", output, names)
    pairs: list[tuple[Run, Run]] = [(run(theirs, places), run(LIST, places)) for _ in range(rounds)]
    them, us = [one.seconds for one, _ in pairs], [one.seconds for _, one in pairs]
    detail = f"{seconds(Spread.of(us).median)} against {seconds(Spread.of(them).median)}, mlx-knife 2.0.8"
    return Figure(SECTION, name, ratios(them, us), 10.0, True, detail)


def _check(what: str, output: Path, names: list[str]) -> None:
    # Every model is in the list; mlxk leaves out the owner `mlx-community`.
    words = set(re.findall(r"\S+", output.read_text("utf-8")))
    if missing := [name for name in names if not words & {name, name.removeprefix("mlx-community/")}]:
        raise AssertionError(f"`{what}` does not list {len(missing)} of {len(names)} models, such as {missing[0]}")


def _mib(size: float) -> str:
    return f"{number(size / 1024**2)} MiB"
