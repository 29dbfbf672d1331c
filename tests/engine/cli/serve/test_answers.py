"""The real openai client against real models of all three backends, by today's policy."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ....tiny.text import ANSWER
from .running import running

if TYPE_CHECKING:
    from openai import OpenAI

pytestmark = pytest.mark.slow


def data_of(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def with_picture(file: Path) -> Any:
    url = {"url": f"data:image/png;base64,{data_of(file)}"}
    return [
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]}
    ]


def with_recording(file: Path) -> Any:
    audio = {"data": data_of(file), "format": "wav"}
    return [{"role": "user", "content": [{"type": "input_audio", "input_audio": audio}]}]


SAID: Any = [{"role": "developer", "content": "Be short."}, {"role": "user", "content": "Hi"}]


class Here(NamedTuple):
    """The client of a server of a model of each backend, and what it may be given to see and to hear."""

    client: OpenAI
    picture: Path
    recording: Path

    def answer(self, model: str, messages: Any, **more: Any) -> Any:
        """What the client is answered."""
        return self.client.chat.completions.create(model=model, messages=messages, max_tokens=30, **more)


def test_the_openai_client(
    text_model: Path, vision_model: Path, speech_model: Path, picture: Path, recording: Path
) -> None:
    """One claim after another of one server, whose models take longer to load than to answer."""
    with running(text_model, vision_model, speech_model, "--only") as server:
        server.status()  # which asks each backend of all models by one child
        here = Here(server.client(), picture, recording)
        for model, messages in (
            ("text", SAID),
            ("vision", with_picture(picture)),
            ("speech", with_recording(recording)),
            ("vision", SAID),
        ):
            a_model_answers(here, model, messages)
            it_streams(here, model, messages)
        for model, messages in (("text", SAID), ("vision", with_picture(picture))):
            a_bias_is_of_a_token_that_there_is(here, model, messages)
            as_many_tokens_may_be_chosen_from_as_there_are(here, model, messages)
        recordings_are_transcribed(here)
        a_recording_that_is_none(here)
        a_completion(here)
        what_a_model_is_not_for_is_blocked(here)
        a_warning_is_a_header_and_not_in_the_text(here)
        assert server.resident() == ["speech", "text", "vision"]
        assert sum("loaded " in line for line in server.said) == 3, "each was loaded once"


def a_model_answers(here: Here, model: str, messages: Any) -> None:
    found = here.answer(model, messages)
    assert found.model == model and found.choices[0].finish_reason == "stop"
    assert found.choices[0].message.content.strip() == ANSWER


def it_streams(here: Here, model: str, messages: Any) -> None:
    chunks = here.answer(model, messages, stream=True)
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices).strip() == ANSWER


def a_bias_is_of_a_token_that_there_is(here: Here, model: str, messages: Any) -> None:
    for seed in (None, 1):  # in a batch, and alone
        # Added where it says, it would be four gigabytes behind the last token's.
        found = here.answer(model, messages, logit_bias={"999999999": 100}, seed=seed)
        assert found.choices[0].message.content.strip() == ANSWER
        found = here.answer(model, messages, logit_bias={"5": 1000, "999999999": 100}, seed=seed)
        assert found.choices[0].message.content.strip() != ANSWER


def as_many_tokens_may_be_chosen_from_as_there_are(here: Here, model: str, messages: Any) -> None:
    for seed in (None, 1):
        said = here.answer(model, messages, temperature=0.01, seed=seed, extra_body={"top_k": 10_000_000})
        assert said.choices[0].message.content.strip() == ANSWER


def recordings_are_transcribed(here: Here) -> None:
    for form in ("json", "text"):
        with here.recording.open("rb") as file:
            found: Any = here.client.audio.transcriptions.create(model="speech", file=file, response_format=form)
        assert (found if form == "text" else found.text).strip() == ANSWER


def a_recording_that_is_none(here: Here) -> None:
    import openai

    with pytest.raises(openai.APIStatusError) as caught:
        here.client.audio.transcriptions.create(model="speech", file=("a.wav", b"no recording"))
    assert caught.value.code in ("backend_failed", "backend_refused")
    assert "/" not in str(caught.value.message)


def a_completion(here: Here) -> None:
    import openai

    assert here.client.completions.create(model="text", prompt="The", max_tokens=20).choices[0].text
    with pytest.raises(openai.BadRequestError) as caught:
        here.client.completions.create(model="vision", prompt="The")
    assert caught.value.code == "unsupported_endpoint"


def what_a_model_is_not_for_is_blocked(here: Here) -> None:
    import openai

    for model, messages in (
        ("text", with_picture(here.picture)),
        ("speech", SAID),
        ("text", with_recording(here.recording)),
    ):
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError) as caught:
                here.answer(model, messages, stream=stream)
            assert caught.value.code == "capability_mismatch"
            assert isinstance(caught.value.body, dict) and caught.value.body["decision"]["decision"] == "block"


def a_warning_is_a_header_and_not_in_the_text(here: Here) -> None:
    # More tokens than the model was made for.
    ask = here.client.chat.completions.with_raw_response.create
    response = ask(model="text", messages=SAID, max_tokens=4000)
    assert "beyond its own maximum" in response.headers["x-mlxk-warning"]
    assert response.parse().choices[0].message.content == ANSWER
