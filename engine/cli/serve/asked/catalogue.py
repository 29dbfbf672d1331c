"""What may be asked for: the models of this machine and those that the command line named, by id, and nothing else."""

from __future__ import annotations

import time

from .....loaders import LoaderError, Local, Resolved, local_models, resolve
from ....problems import UsageError, did_you_mean
from .refusals import Refusal, of_loader

_FRESH_SECONDS = 5.0


class Catalogue:
    """The ids that /v1/models lists. A path or a name that is none of them opens nothing."""

    def __init__(self, words: tuple[str, ...], only: bool = False) -> None:
        """words: MODELs of the command line, each a folder or a name. Raises LoaderError and UsageError."""
        self._named: dict[str, Resolved] = {}
        self._words: dict[str, str] = {}
        for word in words:
            found = resolve(word)
            if found.name in self._named:
                message = f"two models are called `{found.name}`, and a request could mean either"
                raise UsageError("same-name", message, "rename one of the folders")
            self._named[found.name] = found
            self._words[found.name] = word
        self._only, self._looked = only, 0.0
        self._seen: dict[str, Resolved | Local] = {**self._named}
        self.all()

    def all(self) -> dict[str, Resolved | Local]:
        """Return every model by its id, sorted; looked at anew where that was seconds ago."""
        if not self._only and time.monotonic() - self._looked > _FRESH_SECONDS:
            try:
                here = {model.name: model for model in local_models()}
            except LoaderError:  # a cache that cannot be listed has no models
                here = {}
            self._seen, self._looked = dict(sorted((here | self._named).items())), time.monotonic()
        return self._seen

    def word(self, id: str) -> str:
        """Return what other machines may know a model by: a repo with its revision; else as the command line said it,
        or its folder. Raises Refusal."""
        found = self.find(id)
        if found.repo is not None:
            return f"{found.repo}@{found.revision}" if found.revision else found.repo
        return self._words.get(id) or found.folder

    def find(self, id: str, field: str = "model") -> Resolved:
        """Return the folder of the model that a field names. Raises Refusal model_not_found where none has that id."""
        named = self._seen.get(id) or self.all().get(id)
        if named is None:
            help = did_you_mean(id, self._seen) or "/v1/models lists what there is"
            raise Refusal(404, "model_not_found", f"there is no model `{id[:200]}` here: {help}", field)
        try:
            return named if isinstance(named, Resolved) else named.resolved()
        except LoaderError as error:
            raise of_loader(error) from None
