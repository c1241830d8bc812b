"""A batch of texts to unit vectors, as sentence-transformers computes them.

`SentenceTransformer.encode` looks at every module of a model for each call: to set it to
inference, and to move it where it is already. That is a sixth of a question's time, and all of
it holds the interpreter, for which searches at once wait (bench/packing.py). To import this is
to import torch.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import batch_to_device
from torch.nn import functional

Task = Literal["query", "document"]

_PROMPTS: dict[Task, tuple[str, ...]] = {
    "query": ("query",),
    "document": ("document", "passage", "corpus"),
}
"""Names under which a model keeps what it puts before a text of each kind, the first one that it
has; the names and their order are those of sentence-transformers."""


def encode(model: SentenceTransformer, texts: Sequence[str], task: Task) -> NDArray[np.float32]:
    """Return what `encode_query` or `encode_document` return of one batch, normalised.

    Args:
        model: set to inference, on the device where it is to run.
        texts: one or more.

    Returns:
        Unit vectors of shape (texts, dimension).
    """
    names = (*_PROMPTS[task], model.default_prompt_name)
    prompt = next((model.prompts[name] for name in names if name in model.prompts), None)
    with torch.inference_mode():
        features = model.preprocess(list(texts), prompt=prompt, task=task)
        found = model(batch_to_device(features, model.device), task=task)["sentence_embedding"]
        if model.truncate_dim is not None:
            found = found[..., : model.truncate_dim]
        vectors: NDArray[np.float32] = functional.normalize(found, dim=1).float().cpu().numpy()
    return vectors
