"""mlxk-rules serve."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from ...problems import UsageError
from ...report.terminal import safe
from ...storage.how_installed import install_command
from ..exit_codes import YES
from ..serve.settings import settings_of
from .common import choice_of

_PACKAGES = ("starlette", "uvicorn", "httpx2", "prometheus_client", "python_multipart")


def run(options: dict[str, Any]) -> int:
    """Serve until a signal ends it. Returns 0."""
    if lacking := [name for name in _PACKAGES if find_spec(name) is None]:
        raise UsageError("missing-package", f"serve needs {', '.join(lacking)}", install_command("serve"))
    settings = settings_of(options)
    from ..machines.serving import Spread
    from ..serve.listening import opened, serve
    from ..serve.server import Server

    try:
        spread = Spread.of(options)
        server = Server(settings, choice_of(options), _say, spread)
    except OSError as error:
        raise UsageError(
            "bad-value", f"the decision log cannot be written: {error.strerror}", "name another by --log"
        ) from None
    try:
        listening = opened(settings.host, settings.port)
    except OSError as error:
        message = f"cannot listen at `{settings.host[:100]}` port {settings.port}: {error.strerror or error}"
        raise UsageError("bad-address", message, "name another by --host and --port; port 0 takes a free one") from None
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"http://{safe(host)}:{port}/v1", flush=True)
    rules = server.rule_file.rules
    _say(f"{len(server.catalogue.all())} models, decided by {rules.policy.name} {rules.policy.version}; Ctrl-C ends it")
    for line in spread.not_passed_on if spread else ():
        _say(line)
    serve(server, listening)
    return YES


def _say(line: str) -> None:
    """Say a line to whoever started the server, where somebody still listens."""
    try:
        print(safe(line), file=sys.stderr, flush=True)
    except OSError:
        pass
