"""Linear layers whose weights are laid out once as the processor multiplies them.

oneDNN multiplies weights in blocks. torch keeps them in rows, so every call lays a layer's
weights out anew: a quarter of the time of a question, a tenth of that of a batch of passages
(bench/packing.py). To import this is to import torch.
"""

import torch
from torch import Tensor, nn


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
        found: Tensor = torch.ops.mkldnn._linear_pointwise(
            values, self.weight, self.bias, "none", [], ""
        )
        return found


def pack(model: nn.Module) -> None:
    """Replace each linear layer of a model by its packed form, where this processor has one.

    The model can be used as before, but not trained, moved or saved.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch left it so
        return
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            # Not subclasses: they compute something else, or are read by others.
            if type(layer) is nn.Linear and _can_be_packed(layer.weight):
                setattr(parent, name, PackedLinear(layer))


def _can_be_packed(weight: Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16)
