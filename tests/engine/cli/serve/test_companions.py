"""Adapters and draft models at a request's wish: the real client, real children, and mlx-lm's own answers beside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders import machine

from ....rehearsing import rehearser
from ....tiny.adapter import adapter
from ....tiny.text import ANSWER, text
from ...command_line import HELLO, Capture, ran
from .running import QUICK, Running, running

if TYPE_CHECKING:
    from openai import OpenAI

SAID: Any = [{"role": "user", "content": "Hi there"}]
ALLOWING = """schema: 1
name: allowing
version: 1.0.0
extends: today
sets:
  allowed_adapters: { add: [tuned, dora, holey, foreign, gone] }
  allowed_draft_models: { add: [small, wrong, other, text, two, vision, nowhere] }
"""


class Here(NamedTuple):
    """Folders of models and adapters, a server of them by a policy that allows most, and its log."""

    root: Path
    server: Running
    log: Path
    client: OpenAI

    def answer(self, **body: Any) -> str:
        """What the client is answered."""
        found: Any = self.client.chat.completions.create(
            model="text", messages=SAID, max_tokens=24, temperature=0, extra_body=body
        )
        return found.choices[0].message.content

    def own(self, name: str | None) -> str:
        """What mlx-lm itself answers with an adapter."""
        from mlx_lm import generate, load

        path = None if name is None else str(self.root / name)
        model, tokenizer = load(str(self.root / "text"), adapter_path=path)[:2]
        prompt: Any = tokenizer.apply_chat_template(SAID, add_generation_prompt=True)
        return generate(model, tokenizer, prompt, max_tokens=24)

    def refused(self, **body: Any) -> tuple[int, str, str]:
        """Status, code and message of a request that is refused."""
        response = self.server.chat("text", max_tokens=8, **body)
        error = response.json()["error"]
        assert "Traceback" not in response.text and str(self.root) not in response.text
        return response.status_code, error["code"], error["message"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, vision_model: Path) -> Path:
    import mlx.core as mx

    root = tmp_path_factory.mktemp("companions")
    model = text(root / "text")
    text(root / "small", model_type="mistral")
    text(root / "other", "Another vocabulary has this one.")
    shutil.copytree(vision_model, root / "vision")
    wrong = shutil.copytree(model, root / "wrong")
    weights: Any = mx.load(str(wrong / "model.safetensors"))
    weights["lm_head.weight"] = mx.roll(weights["lm_head.weight"], 1, axis=0)  # it drafts a wrong token each time
    mx.save_safetensors(str(wrong / "model.safetensors"), weights, {"format": "mlx"})
    adapter(root / "tuned", model)
    adapter(root / "dora", model, "dora")
    adapter(root / "unnamed", model)
    adapter(root / "foreign", text(root / "two", layers=2), layers=2)
    holey = adapter(root / "holey", model, keys=("mlp.down_proj", "mlp.up_proj"))
    weights = mx.load(str(holey / "adapters.safetensors"))
    mx.save_safetensors(
        str(holey / "adapters.safetensors"), {name: one for name, one in weights.items() if "up_proj" not in name}
    )
    (root / "allowing.yaml").write_text(ALLOWING)
    return root


@pytest.fixture(scope="module")
def here(root: Path) -> Generator[Here]:
    log = root / "log"
    models = [root / name for name in ("text", "small", "wrong", "other", "two", "vision")]
    words = [word for name in ("tuned", "dora", "holey", "foreign", "unnamed") for word in ("--adapter", root / name)]
    with running(*models, "--only", *words, "--policy", root / "allowing.yaml", "--log", log) as server:
        yield Here(root, server, log, server.client())


@pytest.mark.slow
def test_at_a_request_s_wish(here: Here) -> None:
    """One claim after another of one server, whose models and adapters take longer to load than to be asked."""
    here.server.status()  # which asks a backend of all models by one child
    an_adapter_answers_as_mlx_lm_does_with_it(here)
    a_stream_and_a_completion_with_an_adapter(here)
    a_draft_model_changes_no_answer(here)
    both_at_once_and_what_they_take_is_logged(here)
    what_is_not_allowed_or_does_not_go_together(here)
    an_adapter_that_does_not_fit_is_never_left_out(here)
    images_are_for_mlx_vlm_which_takes_neither(here)
    an_adapter_that_changes_is_loaded_anew(here)
    decided_without_a_load(here)


def an_adapter_answers_as_mlx_lm_does_with_it(here: Here) -> None:
    plain, tuned = here.answer(), here.answer(adapters="tuned")
    assert plain == here.own(None) == ANSWER
    assert tuned == here.own("tuned") != plain
    assert here.answer(adapter="tuned") == tuned and here.answer() == plain
    assert here.answer(adapters="dora") == here.own("dora")
    assert {"text", "text (adapter tuned)", "text (adapter dora)"} <= set(here.server.resident())


def a_stream_and_a_completion_with_an_adapter(here: Here) -> None:
    stream: Any = here.client.chat.completions.create(
        model="text", messages=SAID, max_tokens=24, temperature=0, stream=True, extra_body={"adapters": "tuned"}
    )
    pieces = "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert pieces == here.own("tuned")
    texts = [
        here.client.completions.create(model="text", prompt="The", max_tokens=9, extra_body=body).choices[0].text
        for body in ({}, {"adapters": "tuned"})
    ]
    assert texts[0] != texts[1]


def a_draft_model_changes_no_answer(here: Here) -> None:
    for draft in ("small", "wrong", "text"):
        for drafted in (1, 3):
            assert here.answer(draft_model=draft, num_draft_tokens=drafted) == ANSWER
        assert f"text (draft {draft})" in here.server.resident()


def both_at_once_and_what_they_take_is_logged(here: Here) -> None:
    assert here.answer(adapters="tuned", draft_model="wrong") == here.own("tuned")
    line = json.loads(here.log.read_text().splitlines()[-1])
    tensors = (here.root / "tuned" / "adapters.safetensors").stat().st_size
    assert (line["request"]["adapter"], line["request"]["draft_model"]) == ("tuned", "wrong")
    assert 0 < line["adapter"]["bytes"] < tensors
    assert line["draft"]["decision"] == "allow" and line["draft"]["unlike"] is None
    weights = (here.root / "wrong" / "model.safetensors").stat().st_size
    assert line["draft"]["bytes"] > line["draft"]["cache_bytes"] > 0 and line["draft"]["bytes"] > weights * 0.9
    sizes = {one["model"]: one["bytes"] for one in here.server.status()["resident"]}
    beside = line["adapter"]["bytes"] + line["draft"]["bytes"]
    assert sizes["text (adapter tuned, draft wrong)"] > beside


REFUSED = {
    "an adapter that is not allowed": ({"adapters": "unnamed"}, 403, "not_allowed", "allowed_adapters"),
    "a path that leads to one": ({"adapters": "../tuned"}, 403, "not_allowed", "allowed_adapters"),
    "a path from the root": ({"adapters": "/etc"}, 403, "not_allowed", "allowed_adapters"),
    "an adapter that is allowed and not here": ({"adapters": "gone"}, 404, "adapter_not_found", "--adapter FOLDER"),
    "a draft model that is not allowed": ({"draft_model": "org/large"}, 403, "not_allowed", "allowed_draft_models"),
    "a draft model that is not here": ({"draft_model": "nowhere"}, 404, "model_not_found", "nowhere"),
    "a draft model by its path": ({"draft_model": "./small"}, 403, "not_allowed", "allowed_draft_models"),
    "a draft model of other words": ({"draft_model": "other"}, 400, "vocabulary_mismatch", "token 256"),
    "a draft model of other kind": ({"draft_model": "vision"}, 400, "draft_refused", "not for mlx-lm"),
    "both, and one is not allowed": ({"adapters": "tuned", "draft_model": "x"}, 403, "not_allowed", "`x`"),
}


def what_is_not_allowed_or_does_not_go_together(here: Here) -> None:
    for name, (body, *wanted, word) in REFUSED.items():
        for stream in (False, True):
            status, code, message = here.refused(stream=stream, **body)
            assert [status, code] == wanted and word in message, name


def an_adapter_that_does_not_fit_is_never_left_out(here: Here) -> None:
    for name, tensor in (
        ("foreign", "model.layers.1.mlp.down_proj.lora_a"),
        ("holey", "model.layers.0.mlp.up_proj.lora_a"),
    ):
        status, code, message = here.refused(adapters=name)
        assert (status, code) == (400, "adapter_mismatch") and tensor in message
        assert f"text (adapter {name})" not in here.server.resident()
        assert here.refused(adapters=name) == (status, code, message)  # and nothing was loaded, or sent away, for that
        assert sum(f"could not load text (adapter {name})" in line for line in here.server.said) == 1
        assert here.answer() == ANSWER


def images_are_for_mlx_vlm_which_takes_neither(here: Here) -> None:
    for body in ({"adapters": "tuned"}, {"draft_model": "small"}):
        response = here.server.chat("vision", **body)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (400, "capability_mismatch"), error


def an_adapter_that_changes_is_loaded_anew(here: Here) -> None:
    before = here.answer(adapters="tuned")
    file = here.root / "tuned" / "adapters.safetensors"
    kept = file.read_bytes()
    import mlx.core as mx

    try:
        weights: Any = mx.load(str(file))
        mx.save_safetensors(str(file), {name: one * 0 for name, one in weights.items()})
        assert here.answer(adapters="tuned") == ANSWER != before
        file.write_bytes(kept[:100])
        status, code, message = here.refused(adapters="tuned")
        assert (status, code) == (500, "not_an_adapter") and "cut off" in message
    finally:
        file.write_bytes(kept)
    assert here.answer(adapters="tuned") == before


def decided_without_a_load(here: Here) -> None:
    for body, gate in (
        ({"adapters": "tuned"}, "text"),
        ({"adapters": "unnamed"}, "adapter-not-allowed"),
        ({"draft_model": "other"}, "draft-vocabulary"),
    ):
        found = here.server.ask("/policy/decide", model="text", **body).json()
        assert found["decision"]["gate"] == gate
    assert here.server.status()["adapters"] == ["dora", "foreign", "holey", "tuned", "unnamed"]


@pytest.mark.slow
def test_with_a_draft_model_it_is_larger_and_others_go_for_it(root: Path, tmp_path: Path) -> None:
    with rehearser() as probed:
        alone = [Policy.load().explain(probed.facts(root / name, context="server")) for name in ("text", "small")]
    limit = sum(one.derived["needed_bytes"] for one in alone) * 1.15 / machine().memory["total_bytes"]
    file = tmp_path / "small.yaml"
    file.write_text(ALLOWING.replace("sets:", f"limits: {{ memory_ratio: {limit:.12f} }}\nsets:"))
    log = tmp_path / "log"
    with running(root / "text", root / "small", "--only", "--policy", file, "--log", log) as server:
        assert server.chat("text").status_code == server.chat("small").status_code == 200
        assert server.resident() == ["small", "text"]
        assert server.chat("text", draft_model="small").status_code == 200
        assert server.resident() == ["text (draft small)"]
        assert server.chat("small").status_code == 200
        assert server.resident() == ["small"]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [one["logged"]["decision"]["decision"] for one in lines if one["request"]["draft_model"]] == ["allow"]


@pytest.mark.slow
def test_the_shipped_policy_and_the_frozen_one_allow_none(root: Path) -> None:
    for policy, gates in (((), ("adapter-not-allowed", "draft-not-allowed")), (QUICK, None)):
        with running(root / "text", root / "small", "--only", "--adapter", root / "tuned", *policy) as server:
            for place, body in enumerate(({"adapters": "tuned"}, {"draft_model": "small"})):
                response = server.chat("text", **body)
                error = response.json()["error"]
                assert (response.status_code, error["code"]) == (403, "not_allowed")
                assert gates is None or error["decision"]["gate"] == gates[place]
            assert server.resident() == []


def test_an_adapter_that_is_none_is_said_before_anything_is_served(tmp_path: Path, capsys: Capture) -> None:
    code, _, err = ran(capsys, "serve", HELLO, "--only", "--adapter", str(tmp_path))
    assert code == 2 and "error[not_an_adapter]" in err
    assert "no adapter of mlx-lm: its adapter_config.json is missing" in err
