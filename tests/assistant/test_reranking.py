"""A cross-encoder orders what was found, where a setting names one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from assistant.evidence import LEAST_AGREED, USUAL_AGREED
from assistant.reranking import Reranker
from assistant.retrieval import Retriever
from assistant.settings import AssistantSettings
from ingest.index.embedding import Embedder
from ingest.index.errors import ModelError
from ingest.index.index import Index
from ingest.index.tables import Record

Add = Callable[..., Record]

QUESTION = "How tall is the tower?"
TEXTS = [
    "The tower is 300 metres tall.",
    "The tower stands in Paris.",
    "Bees live in a hive.",
    "The hive is a wooden box.",
    "Nobody knows how tall the tower was.",
]


def tiny(folder: Path, embedder: Embedder, labels: int, words: int | None = None) -> str:
    """Make a cross-encoder of a few thousand numbers, with the weights that a seed gives.

    With fewer `words` than its tokenizer has it fails on the others.
    """
    torch.manual_seed(5)
    shape = BertConfig(
        vocab_size=words or embedder.tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label=dict(enumerate("abc"[:labels])),
        initializer_range=1.0,
    )
    BertForSequenceClassification(shape).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # it has no types
        tokenizer_object=embedder.tokenizer, pad_token="[PAD]", sep_token="[SEP]", cls_token="[CLS]"
    )
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> str:
    return tiny(tmp_path_factory.mktemp("one"), embedder, labels=1)


def settings(index: Index, reranker: str | None) -> AssistantSettings:
    return AssistantSettings(data_dir=index.settings.data_dir, reranker=reranker)


def test_passages_come_in_the_cross_encoder_s_order(index: Index, add: Add, model: str) -> None:
    for number, text in enumerate(TEXTS):
        add(f"{number}.txt", text)
    scores = CrossEncoder(model).predict(
        [(QUESTION, text) for text in TEXTS], activation_fn=torch.nn.Sigmoid()
    )
    expected = [text for _, text in sorted(zip(scores, TEXTS, strict=True), reverse=True)]
    plain = [passage.text for passage in Retriever(index).search(QUESTION, 5)]
    found = Retriever(index, settings(index, model)).search(QUESTION, 5)
    assert [passage.text for passage in found] == expected != plain
    assert [passage.score for passage in found] == pytest.approx(
        sorted((float(score) for score in scores), reverse=True), abs=1e-3
    )


def test_a_model_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        Reranker(str(tmp_path / "nowhere")).scores("Why?", ["Because."])
    assert "FOOTNOTE_RERANKER" in caught.value.next_step


def test_a_model_with_several_labels_is_a_sentence(tmp_path: Path, embedder: Embedder) -> None:
    name = tiny(tmp_path, embedder, labels=3)
    with pytest.raises(ModelError, match="3 labels") as caught:
        Reranker(name).scores("Why?", ["Because."])
    assert "FOOTNOTE_RERANKER" in caught.value.next_step


def test_a_model_that_fails_on_a_text_is_a_sentence(tmp_path: Path, embedder: Embedder) -> None:
    name = tiny(tmp_path, embedder, labels=1, words=200)
    with pytest.raises(ModelError, match="cannot be used") as caught:
        Reranker(name).scores(QUESTION, TEXTS)
    assert "FOOTNOTE_RERANKER" in caught.value.next_step


def test_an_empty_setting_is_none() -> None:
    assert AssistantSettings(reranker="").reranker is None


def test_the_scores_of_a_cross_encoder_are_no_evidence(index: Index, add: Add, model: str) -> None:
    for number, text in enumerate(TEXTS):
        add(f"{number}.txt", text)
    reranked = Retriever(index, settings(index, model)).find(QUESTION, 5)
    assert reranked.evidence.agreed == USUAL_AGREED
    plain = Retriever(index).find(QUESTION, 5)
    assert plain.evidence.agreed == max(LEAST_AGREED, plain.passages[0].score)
