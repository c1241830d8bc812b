"""Re-ranking of what was found by a cross-encoder, which reads question and chunk together.

It is slower than the search by far (docs/retrieval.md), so it is used where a setting names one.
"""

import threading
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ingest.index.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class Reranker:
    """A cross-encoder, loaded on first use; calls from several threads are safe.

    Args:
        model: name or folder of a sentence-transformers `CrossEncoder` with one label.
    """

    def __init__(self, model: str) -> None:
        self._name = model
        self._loading = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the question, in [0, 1].

        Raises:
            ModelError: the model cannot be loaded or used.
        """
        import torch

        with self._loading:
            model = self._model
        pairs = [(question, text) for text in texts]
        try:
            found: list[float] = model.predict(
                pairs, activation_fn=torch.nn.Sigmoid(), show_progress_bar=False
            ).tolist()
        except Exception as error:  # a border: a model may fail on what it was not made for
            raise self._fault("used", error) from error
        return found

    @cached_property
    def _model(self) -> "CrossEncoder":
        # transformers draws a progress bar at every load.
        transformers_logging: Any = import_module("transformers.utils.logging")
        transformers_logging.disable_progress_bar()
        try:
            from sentence_transformers import CrossEncoder

            model: CrossEncoder = CrossEncoder(self._name)
        except Exception as error:  # a border: every library below has errors of its own
            raise self._fault("loaded", error) from error
        if model.num_labels != 1:
            raise ModelError(
                f"The model {self._name} has {model.num_labels} labels; re-ranking takes one.",
                "Name a CrossEncoder for passage ranking with FOOTNOTE_RERANKER, or unset it.",
            )
        return model

    def _fault(self, cannot: str, error: Exception) -> ModelError:
        reason = str(error).strip().split("\n")[0][:200]
        return ModelError(
            f"The re-ranking model {self._name} cannot be {cannot} ({reason}).",
            "Check FOOTNOTE_RERANKER, or unset it to search without.",
        )
