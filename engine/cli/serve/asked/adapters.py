"""The adapters that may be asked for: those that the command line named, by the names of their folders."""

from __future__ import annotations

from .....loaders import Adapter, LoaderError, adapter_in
from ....problems import UsageError, did_you_mean
from .refusals import Refusal, of_loader


class Adapters:
    """Adapters by their ids. A path, or a name that is none of them, opens nothing."""

    def __init__(self, words: tuple[str, ...]) -> None:
        """words: folders of the command line. Raises LoaderError not_an_adapter, UsageError same-name."""
        self._named: dict[str, Adapter] = {}
        for word in words:
            found = adapter_in(word)
            if found.id in self._named:
                message = f"two adapters are called `{found.id}`, and a request could mean either"
                raise UsageError("same-name", message, "rename one of the folders")
            self._named[found.id] = found

    def ids(self) -> list[str]:
        """Return all ids, sorted."""
        return sorted(self._named)

    def find(self, id: str) -> Adapter:
        """Return an adapter, as its folder is now. Raises Refusal: adapter_not_found, or what is wrong with it."""
        named = self._named.get(id)
        if named is None:
            help = did_you_mean(id, self._named) or "`mlxk-rules serve --adapter FOLDER` names what may be asked for"
            raise Refusal(404, "adapter_not_found", f"there is no adapter `{id}` here: {help}", "adapters")
        try:
            return adapter_in(named.folder)
        except LoaderError as error:
            raise of_loader(error) from None
