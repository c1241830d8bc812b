"""Packed layers compute what the layers of torch compute, in models of every common make."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from ingest.index.packing import PackedBlock, PackedLinear, pack

SMALL: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}

MAKES: dict[str, Callable[[], nn.Module]] = {
    "bert": lambda: transformers.BertModel(transformers.BertConfig(**SMALL)),
    "bert with another activation": lambda: transformers.BertModel(
        transformers.BertConfig(**SMALL, hidden_act="gelu_new")
    ),
    "mpnet": lambda: transformers.MPNetModel(transformers.MPNetConfig(**SMALL)),
    "roberta": lambda: transformers.RobertaModel(transformers.RobertaConfig(**SMALL)),
    "xlm-roberta": lambda: transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**SMALL)),
    "modernbert": lambda: transformers.ModernBertModel(
        transformers.ModernBertConfig(**SMALL, bos_token_id=1, eos_token_id=2, cls_token_id=1)
    ),
    "qwen": lambda: transformers.Qwen3Model(
        transformers.Qwen3Config(**SMALL, num_key_value_heads=2, head_dim=8)
    ),
    "distilbert": lambda: transformers.DistilBertModel(
        transformers.DistilBertConfig(vocab_size=60, dim=32, hidden_dim=48, n_layers=2, n_heads=4)
    ),
    "t5": lambda: transformers.T5EncoderModel(
        transformers.T5Config(vocab_size=60, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
    ),
}


BLOCKS = {"bert": 2, "bert with another activation": 2, "roberta": 2, "xlm-roberta": 2}
"""How many blocks of each make are packed whole."""


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("texts", [1, 5])
def test_a_packed_model_computes_the_same(make: str, precision: torch.dtype, texts: int) -> None:
    torch.manual_seed(3)
    model = MAKES[make]().to(precision).eval()
    tokens = torch.randint(3, 60, (texts, 17))
    seen = torch.ones_like(tokens)
    seen[1:, 9:] = 0
    layers = [layer for layer in model.modules() if type(layer) is nn.Linear]
    with torch.inference_mode():
        plain = model(input_ids=tokens, attention_mask=seen).last_hidden_state
        pack(model)
        packed = model(input_ids=tokens, attention_mask=seen).last_hidden_state
    blocks = BLOCKS.get(make, 0)
    assert layers
    assert sum(isinstance(layer, PackedBlock) for layer in model.modules()) == blocks
    # A block's three projections are one layer.
    packed_layers = sum(isinstance(layer, PackedLinear) for layer in model.modules())
    assert packed_layers == len(layers) - 2 * blocks
    assert not any(type(layer) is nn.Linear for layer in model.modules())
    assert packed.dtype == precision
    close = 1e-5 if precision == torch.float32 else 2e-2
    torch.testing.assert_close(packed, plain, rtol=close, atol=close)


def test_layers_that_compute_something_else_are_left() -> None:
    attention = nn.MultiheadAttention(32, 4)
    double = nn.Linear(32, 32).double()
    model = nn.Sequential(nn.Linear(32, 32), nn.ModuleDict({"one": attention, "other": double}))
    pack(model)
    assert isinstance(model[0], PackedLinear)
    assert type(attention.out_proj) is not PackedLinear
    assert model[1]["other"] is double


def test_a_decoder_s_blocks_and_those_of_another_attention_are_left() -> None:
    config = transformers.BertConfig(**SMALL, is_decoder=True)
    eager = transformers.BertModel(transformers.BertConfig(**SMALL, attn_implementation="eager"))
    for model in (transformers.BertModel(config), eager):
        pack(model)
        assert not any(isinstance(layer, PackedBlock) for layer in model.modules())
