"""The sections of the bench, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from .measure import Figure

SECTIONS = ("deciding", "growing", "starting", "listing")


def measured(sections: Sequence[str], quick: bool) -> list[Figure]:
    """Measure sections and print each figure as it comes, and how many goals are met."""
    found: list[Figure] = []
    for section in sections:
        print(section, flush=True)
        for figure in import_module(f".{section}", __package__).figures(quick):
            found.append(figure)
            print(figure.line, flush=True)
    goals = [figure for figure in found if figure.goal is not None]
    print(f"{sum(figure.met for figure in goals)} of {len(goals)} goals met", flush=True)
    return found
