"""The real openai client against real models of all three backends, by today's policy."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import openai
import pytest

from ....tiny.text import ANSWER
from .running import Running

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


@pytest.fixture(scope="module")
def client(three: Running) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{three.url}/v1", api_key="none", max_retries=0)


@pytest.mark.parametrize("model", ["text", "vision", "speech"])
@pytest.mark.parametrize("stream", [False, True])
def test_answers(model: str, stream: bool, client: openai.OpenAI, picture: Path, recording: Path) -> None:
    messages = {"text": SAID, "vision": with_picture(picture), "speech": with_recording(recording)}[model]
    found: Any = client.chat.completions.create(model=model, messages=messages, stream=stream, max_tokens=30)
    if stream:
        text = "".join(choice.delta.content or "" for chunk in found for choice in chunk.choices)
    else:
        text = found.choices[0].message.content
        assert found.model == model and found.choices[0].finish_reason == "stop"
    assert text.strip() == ANSWER


def test_a_vision_model_answers_text(client: openai.OpenAI) -> None:
    assert client.chat.completions.create(model="vision", messages=SAID).choices[0].message.content == ANSWER


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_transcription(form: Any, client: openai.OpenAI, recording: Path) -> None:
    with recording.open("rb") as file:
        found: Any = client.audio.transcriptions.create(model="speech", file=file, response_format=form)
    assert (found if form == "text" else found.text).strip() == ANSWER


def test_a_recording_that_is_none(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(model="speech", file=("a.wav", b"no recording"))
    assert caught.value.code in ("backend_failed", "backend_refused")
    assert "/" not in str(caught.value.message)


def test_a_completion(client: openai.OpenAI) -> None:
    assert client.completions.create(model="text", prompt="The", max_tokens=20).choices[0].text
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="vision", prompt="The")
    assert caught.value.code == "unsupported_endpoint"


@pytest.mark.parametrize(
    ("model", "kind", "code"),
    [
        ("text", "image", "capability_mismatch"),
        ("speech", "text", "capability_mismatch"),
        ("text", "audio", "capability_mismatch"),
    ],
)
def test_blocks(model: str, kind: str, code: str, client: openai.OpenAI, picture: Path, recording: Path) -> None:
    messages = {"image": with_picture(picture), "text": SAID, "audio": with_recording(recording)}[kind]
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model=model, messages=messages, stream=stream)
        assert caught.value.code == code
        assert isinstance(caught.value.body, dict) and caught.value.body["decision"]["decision"] == "block"


def test_a_warning_is_a_header_and_not_in_the_text(client: openai.OpenAI) -> None:
    # More tokens than the model was made for.
    response = client.chat.completions.with_raw_response.create(model="text", messages=SAID, max_tokens=4000)
    assert "beyond its own maximum" in response.headers["x-mlxk-warning"]
    assert response.parse().choices[0].message.content == ANSWER


def test_each_is_loaded_once(three: Running, client: openai.OpenAI, recording: Path) -> None:
    # Each is asked here, twice: another worker may have done the tests above.
    for model, messages in (("text", SAID), ("vision", SAID), ("speech", with_recording(recording))) * 2:
        assert client.chat.completions.create(model=model, messages=messages, max_tokens=30).choices
    assert three.resident() == ["speech", "text", "vision"]
    assert sum("loaded " in line for line in three.said) == 3
