"""Batches are encoded as sentence-transformers encodes them."""

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ingest.index.embedding import Embedder
from ingest.index.encoding import Task, encode

TEXTS = ["The hare sleeps.", "Ein Hase schläft im Gras, und niemand weckt ihn.", "hare " * 600, ""]

PROMPTS: dict[str, dict[str, str]] = {
    "none": {},
    "of both": {"query": "query: ", "document": "text: "},
    "of passages": {"query": "Look for: ", "passage": "passage: ", "corpus": "corpus: "},
}


@pytest.fixture(scope="module")
def model(embedder: Embedder) -> SentenceTransformer:
    return SentenceTransformer(str(embedder._folder), local_files_only=True).eval()


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=list(PROMPTS))
@pytest.mark.parametrize("truncated", [None, 100])
@pytest.mark.parametrize("task", ["query", "document"])
def test_vectors_are_those_of_sentence_transformers(
    model: SentenceTransformer,
    prompts: dict[str, str],
    task: Task,
    truncated: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model, "prompts", prompts)
    monkeypatch.setattr(model, "truncate_dim", truncated)
    theirs = model.encode_query if task == "query" else model.encode_document
    for texts in ([TEXTS[0]], TEXTS):
        expected = theirs(texts, normalize_embeddings=True)
        np.testing.assert_allclose(encode(model, texts, task), expected, atol=1e-6)


def test_a_default_prompt_is_taken_where_there_is_none_of_its_kind(
    model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "prompts", {"usual": "Say: ", "query": "Ask: "})
    monkeypatch.setattr(model, "default_prompt_name", "usual")
    for task, prompt in (("document", "Say: "), ("query", "Ask: ")):
        found = encode(model, ["a hare"], task)
        expected = model.encode(["a hare"], prompt=prompt, normalize_embeddings=True)
        np.testing.assert_allclose(found, expected, atol=1e-6)
