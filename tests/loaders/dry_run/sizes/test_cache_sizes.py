"""What a cache takes, told by shapes, against what real caches of real tiny models hold."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from mlxk_rules.engine.language.function_code import cache_bytes
from mlxk_rules.loaders.dry_run.sizes import cache_sizes

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("mlx_lm") is None, reason="mlx-lm is not installed")]

COMMON = {"hidden_size": 64, "num_hidden_layers": 4, "intermediate_size": 64, "num_attention_heads": 4,
          "num_key_value_heads": 2, "vocab_size": 100, "rms_norm_eps": 1e-5, "head_dim": 16,
          "max_position_embeddings": 9000, "rope_theta": 10000.0}  # fmt: skip
MODELS: dict[str, dict[str, Any]] = {
    "llama": {},
    "gemma3_text": {"sliding_window": 64, "sliding_window_pattern": 2},
    "minicpm3": {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8,
                 "dim_model_base": 64, "scale_depth": 1.0, "scale_emb": 1.0,
                 "rope_scaling": {"short_factor": 1.0, "long_factor": 1.0}},
    "qwen3_next": {"linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 16,
                   "linear_value_head_dim": 16, "linear_conv_kernel_dim": 4, "num_experts": 4, "num_experts_per_tok": 2,
                   "decoder_sparse_step": 1, "shared_expert_intermediate_size": 32, "mlp_only_layers": [],
                   "moe_intermediate_size": 32, "partial_rotary_factor": 0.5, "full_attention_interval": 2},
    "mamba": {"state_size": 8, "conv_kernel": 4, "use_bias": False, "use_conv_bias": True, "time_step_rank": 4},
}  # fmt: skip


def built(kind: str) -> Any:
    from mlx_lm.utils import _get_classes

    model, arguments = _get_classes({"model_type": kind})
    return model(arguments.from_dict({"model_type": kind, **COMMON, **MODELS[kind]}))


@pytest.mark.parametrize("kind", MODELS)
def test_sizes_are_those_of_a_real_cache(kind: str) -> None:
    import mlx.core as mx
    from mlx_lm.models.cache import make_prompt_cache

    model = built(kind)
    told = cache_sizes.sizes(model, "mlx_lm")
    for tokens in (1, 300, 600):
        cache = make_prompt_cache(model)
        mx.eval(model(mx.zeros((1, tokens), dtype=mx.int32), cache=cache))
        found = {id(array): array.nbytes for array in _arrays(cache, mx.array)}
        real, reckoned = sum(found.values()), cache_bytes(told, tokens)
        # A window that is not full yet grows by whole steps for a single token.
        assert reckoned is not None and reckoned <= real <= reckoned * (300 if tokens == 1 else 1.0)


@pytest.mark.parametrize("window", [32, 200])
def test_a_cache_that_cuts_but_a_part_of_what_it_holds(window: int) -> None:
    """DeepSeek V4.1: a window of the last tokens, and an entry for four tokens of all that were."""
    import mlx.core as mx
    from mlx_lm.models.cache import make_prompt_cache

    model = deepseek_v41(window)
    told = cache_sizes.sizes(model, "mlx_lm")
    assert {part["max_tokens"] for part in told["parts"]} == {window, None}
    for tokens in (8, 129, 300, 1301):
        cache = make_prompt_cache(model)
        mx.eval(model(mx.zeros((1, tokens), dtype=mx.int32), cache=cache))
        real = sum(array.nbytes for array in _arrays(cache, mx.array))
        assert cache_bytes(told, tokens) == pytest.approx(real, abs=512)  # what does not fill an entry yet


def deepseek_v41(window: int) -> Any:
    from mlx_lm.utils import _get_classes

    from ...machines.split.models import configs

    config = {**dict(configs())["deepseek_v41"], "sliding_window": window}
    model, arguments = _get_classes(config)
    return model(arguments.from_dict(config))


def _arrays(value: Any, array: type) -> list[Any]:
    if isinstance(value, array):
        return [value]
    if isinstance(value, list | tuple):
        return [one for item in value for one in _arrays(item, array)]
    return [one for item in vars(value).values() for one in _arrays(item, array)] if hasattr(value, "__dict__") else []


def test_a_window_holds_no_more_than_itself_and_a_step() -> None:
    model = built("gemma3_text")
    told = cache_sizes.sizes(model, "mlx_lm")
    most = {part["max_tokens"] for part in told["parts"]}
    assert most == {None, 64 - 1 + 2048}


@pytest.mark.parametrize("cache", [None, {}, {"fixed_bytes": 1}, {"fixed_bytes": 1, "parts": [{"step_tokens": 0}]}])
def test_what_is_no_cache_is_unknown_and_never_0(cache: Any) -> None:
    assert cache_bytes(cache, 100) is None
