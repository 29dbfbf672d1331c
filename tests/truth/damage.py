"""What can be wrong with a model folder, or merely different: one named change each, made on a sound folder."""

from __future__ import annotations

from dataclasses import dataclass

from . import document_damage, weight_damage
from .change import Change


@dataclass(frozen=True)
class Damage:
    name: str
    change: Change
    group: str


def damages() -> list[Damage]:
    """Every named change, the one that changes nothing first."""
    groups = weight_damage.groups() | document_damage.groups()
    found = [Damage("sound", lambda folder: None, "sound")]
    return found + [Damage(name, change, group) for group, named in groups.items() for name, change in named.items()]
