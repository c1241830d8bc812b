"""Embedding models laid out for the processor: the same vectors in less time.

oneDNN multiplies weights in blocks. torch keeps them in rows, so every call lays a layer's
weights out anew: a quarter of the time of a question, a tenth of that of a batch of passages.
And a transformer block of BERT's make is nineteen modules, each called through a dozen lines of
Python that hold the interpreter: another quarter of a question, and what searches at once wait
for (bench/packing.py). To import this is to import torch.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.roberta.modeling_roberta import RobertaLayer
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLayer

_BLOCKS = (BertLayer, RobertaLayer, XLMRobertaLayer)
"""Which compute the same thing, each written out by itself."""

_multiply = torch.ops.mkldnn._linear_pointwise.default


class PackedLinear(nn.Module):
    """What `torch.nn.Linear` computes, on a processor, without gradients.

    Args:
        layer: whose weights to take.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        # Models ask a layer's weight for its type. As a plain attribute it is not moved or cast,
        # which this layout does not bear.
        self.weight: Tensor = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None)
        self.bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, values: Tensor) -> Tensor:
        """Return `values` of shape (…, in_features) as (…, out_features)."""
        found: Tensor = _multiply(values, self.weight, self.bias, "none", [], "")
        return found


class PackedBlock(nn.Module):
    """What a transformer block of BERT's make computes, in inference and as an encoder.

    Self-attention over all positions, then two layers with an activation between them; to each
    its input is added, and the sum normalised (Devlin et al. 2018, arXiv:1810.04805, section 3;
    Vaswani et al. 2017, arXiv:1706.03762, section 3).

    Args:
        block: whose layers to use, all of them packed.
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        # Here they are found by whoever counts or reads a model's layers. Those below are called
        # past `nn.Module.__call__`, which looks for hooks that nobody set.
        self.block = block
        parts: Any = block
        attention, attended, output = parts.attention.self, parts.attention.output, parts.output
        self._head_size: int = attention.attention_head_size
        self._scale: float = attention.scaling
        self._projections = [
            layer.forward for layer in (attention.query, attention.key, attention.value)
        ]
        self._gather: _Layer = attended.dense.forward
        self._normalise: _Layer = attended.LayerNorm.forward
        self._widen: _Layer = parts.intermediate.dense.forward
        self._activate: _Layer = parts.intermediate.intermediate_act_fn.forward
        self._narrow: _Layer = output.dense.forward
        self._normalise_again: _Layer = output.LayerNorm.forward

    def forward(
        self, values: Tensor, attention_mask: Tensor | None = None, *_: object, **__: object
    ) -> Tensor:
        """Return `values` of shape (texts, tokens, size) as the next block takes them.

        Args:
            attention_mask: which tokens each token looks at, as
                `torch.nn.functional.scaled_dot_product_attention` takes it; None: at all.
        """
        texts, tokens, size = values.shape
        query, key, value = (
            project(values).view(texts, tokens, -1, self._head_size).transpose(1, 2)
            for project in self._projections
        )
        found = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=attention_mask, scale=self._scale
        )
        found = self._gather(found.transpose(1, 2).reshape(texts, tokens, size))
        attended = self._normalise(found + values)
        found = self._narrow(self._activate(self._widen(attended)))
        return self._normalise_again(found + attended)


_Layer = Callable[[Tensor], Tensor]


def pack(model: nn.Module) -> None:
    """Replace a model's linear layers and blocks by packed forms, where this processor has them.

    The model can be used as before, but not trained, moved or saved.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch left it so
        return
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            # Not subclasses: they compute something else, or are read by others.
            if type(layer) is nn.Linear and _can_be_packed(layer.weight):
                setattr(parent, name, PackedLinear(layer))
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if type(layer) in _BLOCKS and _is_plain(layer):
                setattr(parent, name, PackedBlock(layer))


def _can_be_packed(weight: Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16)


def _is_plain(block: Any) -> bool:
    """Whether a block is an encoder's, computes attention by torch's own, and is packed whole."""
    layers = [layer for layer in block.modules() if isinstance(layer, nn.Linear | PackedLinear)]
    return (
        not block.is_decoder
        and not block.chunk_size_feed_forward
        and block.attention.self.config._attn_implementation == "sdpa"
        and isinstance(block.intermediate.intermediate_act_fn, nn.Module)
        and len(layers) == 6
        and all(isinstance(layer, PackedLinear) for layer in layers)
    )
