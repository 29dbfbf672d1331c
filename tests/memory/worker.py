"""What MLX takes at most, at load and for each prompt; a process of its own for each model.

python -m tests.memory.worker FOLDER TOKENS...      prints {"load": bytes, "16": bytes, ...}
"""

from __future__ import annotations

import json
import os
import sys

ANSWER = 4  # tokens, counted to the context


def peaks(folder: str, contexts: list[int]) -> dict[str, int]:
    import mlx.core as mx
    from mlx_lm import load, stream_generate

    mx.reset_peak_memory()
    model, tokenizer = load(folder)[:2]
    found = {"load": mx.get_peak_memory()}
    for context in contexts:
        mx.clear_cache()
        mx.reset_peak_memory()
        prompt = [number % 200 for number in range(context)]
        for _ in stream_generate(model, tokenizer, prompt, max_tokens=ANSWER):
            pass
        found[str(context)] = mx.get_peak_memory()
    return found


if __name__ == "__main__":
    os.environ["MLX_DISABLE_COMPILE"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.stdout.write("\n" + json.dumps(peaks(sys.argv[1], [int(word) for word in sys.argv[2:]])) + "\n")
