"""Ends an answer before a text that it is to stop at, wherever the pieces are cut."""

from __future__ import annotations

from collections.abc import Sequence


class Stopping:
    """Takes an answer's pieces and gives what may be shown: all but an end that a text to stop at may begin with."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts, self._held = tuple(texts), ""
        self.stopped = False

    def shown(self, piece: str) -> str:
        """Return what may be shown now; once `stopped`, nothing follows."""
        if not self._texts:
            return piece
        self._held += piece
        places = [(at, text) for text in self._texts if (at := self._held.find(text)) >= 0]
        if places:
            self.stopped = True
            return self._held[: min(places)[0]]
        keep = max(self._begun(text) for text in self._texts)
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def rest(self) -> str:
        """Return what was held back, at the answer's own end."""
        held, self._held = ("" if self.stopped else self._held), ""
        return held

    def _begun(self, text: str) -> int:
        """How many characters at the end are those that a text begins with."""
        longest = min(len(text) - 1, len(self._held))
        return next((size for size in range(longest, 0, -1) if text.startswith(self._held[-size:])), 0)
