"""What a request is refused with: an HTTP status, and OpenAI's error object with the decision beside it."""

from __future__ import annotations

from typing import Any, NoReturn

from ....decision import Decision

# What an exception of the loaders means to who asked for a model over HTTP.
_STATUS = {
    "model_not_found": 404,
    "took_too_long": 504,
    "out_of_memory": 507,
    "backend_not_installed": 501,
    "remote_code": 403,
    "path_mismatch": 409,
    "adapter_mismatch": 400,
    "draft_unsupported": 400,
    "ranks_differ": 409,
    "rank_failed": 502,
    "host_unreachable": 502,
    "rank_silent": 504,
}


class Refusal(Exception):
    """A request that is not answered.

    status: HTTP's. code: a stable word, which clients see as the error's. param: the field that is wrong, or None.
    retry_after: seconds after which asking again may help, or None. decision: the policy's, where it was asked.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        retry_after: int | None = None,
        decision: Decision | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param
        self.retry_after, self.decision = retry_after, decision

    def body(self) -> dict[str, Any]:
        """Return the error as OpenAI's API has it, `decision` beside."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": "invalid_request_error" if self.status < 500 else "server_error",
            "param": self.param,
            "code": self.code,
        }
        if self.decision is not None:
            error["decision"] = self.decision.to_dict()
        return {"error": error}

    def headers(self) -> dict[str, str]:
        """Return the headers that say whether, and when, to ask again: the openai client heeds both."""
        if self.retry_after is None:
            return {"X-Should-Retry": "false"}
        return {"Retry-After": str(self.retry_after), "X-Should-Retry": "true"}


def wrong(param: str, wanted: str, code: str = "invalid_value") -> NoReturn:
    """Refuse a request for one field, `param`. Raises Refusal, which says what is `wanted`."""
    raise Refusal(400, code, f"`{param[:80]}`: {wanted}", param[:80])


def blocked(decision: Decision) -> Refusal:
    """Return the refusal of a request that the policy blocks."""
    message = decision.message or f"the gate `{decision.gate}` refuses it"
    return Refusal(decision.http_status or 501, decision.error_type or "blocked", message, "model", decision=decision)


def of_loader(error: Any, decision: Decision | None = None) -> Refusal:
    """Return the refusal that a LoaderError of a model leads to."""
    message = f"{error.message}; {error.help}" if error.help else error.message
    if (own := getattr(error, "decision", None)) is not None:  # of a rank, on its machine
        decision = Decision(*(own.get(name) for name in Decision.__match_args__))
        status = decision.http_status if decision.http_status in range(400, 600) else None
        return Refusal(status or 501, error.code, message, "model", decision=decision)
    return Refusal(_STATUS.get(error.code, 500), error.code, message, "model", decision=decision)
