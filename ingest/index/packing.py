"""Embedding models laid out for the processor: the same vectors in less time.

oneDNN multiplies weights in blocks. torch keeps them in rows, so every call lays a layer's
weights out anew: a quarter of the time of a question, a tenth of that of a batch of passages.
A transformer block of BERT's make is nineteen modules, each called through a dozen lines of
Python that hold the interpreter: another quarter of a question, and what searches at once wait
for. And what follows a multiplication, an activation or a sum, oneDNN does while the numbers are
at hand: another tenth of passages (bench/packing.py). To import this is to import torch.
"""

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import GELUActivation
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.roberta.modeling_roberta import RobertaLayer
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLayer

_BLOCKS = (BertLayer, RobertaLayer, XLMRobertaLayer)
"""Which compute the same thing, each written out by itself."""

_STEP = 16
_FEW_ROWS = 128
"""Up to which number of tokens those of a batch are made up to a multiple of `_STEP`. For each
number oneDNN writes a program of its own, a millisecond for the layers of a block, and keeps the
last ones: so questions of all lengths have theirs ready."""

_multiply = torch.ops.mkldnn._linear_pointwise.default
_multiply_and_add = torch.ops.mkldnn._linear_pointwise.binary


class PackedLinear(nn.Module):
    """What `torch.nn.Linear` computes, on a processor, without gradients.

    Args:
        layers: whose weights to take; what several compute of the same values stands side by side.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        super().__init__()
        weights = torch.cat([layer.weight.detach() for layer in layers])
        self.out_features, self.in_features = weights.shape
        # Models ask a layer's weight for its type. As a plain attribute it is not moved or cast,
        # which this layout does not bear.
        self.weight: Tensor = torch.ops.mkldnn._reorder_linear_weight(weights, None)
        biases = [layer.bias.detach() for layer in layers if layer.bias is not None]
        self.bias = torch.cat(biases) if biases else None

    def forward(self, values: Tensor) -> Tensor:
        """Return `values` of shape (…, in_features) as (…, out_features)."""
        found: Tensor = _multiply(values, self.weight, self.bias, "none", [], "")
        return found

    def gelu(self, values: Tensor) -> Tensor:
        """Return the Gaussian error linear units of what `forward` returns."""
        found: Tensor = _multiply(values, self.weight, self.bias, "gelu", [], "none")
        return found

    def plus(self, values: Tensor, others: Tensor) -> Tensor:
        """Return the sum of `others` and what `forward` returns, of one shape."""
        found: Tensor = _multiply_and_add(values, others, self.weight, self.bias, "add")
        return found


class PackedBlock(nn.Module):
    """What a transformer block of BERT's make computes, in inference and as an encoder.

    Self-attention over all positions, then two layers with an activation between them; to each
    its input is added, and the sum normalised (Devlin et al. 2018, arXiv:1810.04805, section 3;
    Vaswani et al. 2017, arXiv:1706.03762, section 3).

    Its parts are called past `nn.Module.__call__`, which looks for hooks that nobody set.

    Args:
        block: whose weights to take.
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        parts: Any = block
        attention, attended, output = parts.attention.self, parts.attention.output, parts.output
        self._head_size: int = attention.attention_head_size
        self._scale: float = attention.scaling
        self.project = PackedLinear(attention.query, attention.key, attention.value)
        self.gather = PackedLinear(attended.dense)
        self.normalise: nn.LayerNorm = attended.LayerNorm
        self.widen = PackedLinear(parts.intermediate.dense)
        self.activate: nn.Module = parts.intermediate.intermediate_act_fn
        self.narrow = PackedLinear(output.dense)
        self.normalise_again: nn.LayerNorm = output.LayerNorm
        self._is_gelu = type(self.activate) is GELUActivation

    def forward(
        self, values: Tensor, attention_mask: Tensor | None = None, *_: object, **__: object
    ) -> Tensor:
        """Return `values` of shape (texts, tokens, size) as the next block takes them.

        Args:
            attention_mask: which tokens each token looks at, as
                `torch.nn.functional.scaled_dot_product_attention` takes it; None: at all.
        """
        texts, tokens, size = values.shape
        rows = texts * tokens
        values = _filled_up(values.reshape(rows, size))
        projected = self.project.forward(values)[:rows]
        query, key, value = projected.view(texts, tokens, 3, -1, self._head_size).permute(
            2, 0, 3, 1, 4
        )
        found = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=attention_mask, scale=self._scale
        )
        found = _filled_up(found.transpose(1, 2).reshape(rows, size))
        attended = self.normalise.forward(self.gather.plus(found, values))
        if self._is_gelu:
            wide = self.widen.gelu(attended)
        else:
            wide = self.activate.forward(self.widen.forward(attended))
        whole = self.normalise_again.forward(self.narrow.plus(wide, attended))
        return whole[:rows].view(texts, tokens, size)


def _filled_up(rows: Tensor) -> Tensor:
    """Return some rows with as many of zeros as make up a number that is multiplied often."""
    count = len(rows)
    missing = -count % _STEP if count <= _FEW_ROWS else 0
    return functional.pad(rows, (0, 0, 0, missing)) if missing else rows


def pack(model: nn.Module) -> None:
    """Replace a model's blocks and linear layers by packed forms, where this processor has them.

    The model can be used as before, but not trained, moved or saved.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch left it so
        return
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if type(layer) in _BLOCKS and _is_plain(layer):
                setattr(parent, name, PackedBlock(layer))
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if _can_be_packed(layer):
                setattr(parent, name, PackedLinear(layer))


def _can_be_packed(layer: nn.Module) -> TypeGuard[nn.Linear]:
    # Not subclasses: they compute something else, or are read by others.
    return (
        type(layer) is nn.Linear
        and layer.weight.device.type == "cpu"
        and layer.weight.dtype in (torch.float32, torch.bfloat16)
    )


def _is_plain(block: Any) -> bool:
    """Whether a block is an encoder's, computes attention by torch's own, and is packed whole."""
    layers = [layer for layer in block.modules() if isinstance(layer, nn.Linear)]
    return (
        not block.is_decoder
        and not block.chunk_size_feed_forward
        and block.attention.self.config._attn_implementation == "sdpa"
        and isinstance(block.intermediate.intermediate_act_fn, nn.Module)
        and len(layers) == 6
        and all(_can_be_packed(layer) and layer.bias is not None for layer in layers)
    )
