"""Other systems with their defaults, on the embedding model that Footnote uses.

Each is a context that takes the embedder and groups of (name, text), and yields one search per
group: from a question and a number to the places that it returns.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ingest.chunking import Chunker
from ingest.index.documents import Document
from ingest.index.embedding import Embedder, Vectors

Place = tuple[str, int, int]
"""A document's name, and a span of it."""

Texts = Sequence[tuple[str, str]]
Searches = Sequence[Callable[[str, int], Sequence[Place]]]

TXTAI_TOKENS = 200


@contextmanager
def langchain(embedder: Embedder, groups: Sequence[Texts]) -> Iterator[Searches]:
    """RecursiveCharacterTextSplitter(1000, 200) and InMemoryVectorStore, as its tutorial has it."""
    from langchain_core.documents import Document as Text
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import InMemoryVectorStore
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    class Same(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            vectors: list[list[float]] = embedder.embed_passages(texts).tolist()
            return vectors

        def embed_query(self, text: str) -> list[float]:
            vector: list[float] = embedder.embed_question(text).tolist()
            return vector

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=1000, chunk_overlap=200, add_start_index=True
    )

    def searching(texts: Texts) -> Callable[[str, int], Sequence[Place]]:
        store = InMemoryVectorStore(Same())
        store.add_documents(
            splitter.split_documents([Text(text, metadata={"name": name}) for name, text in texts])
        )

        def search(question: str, top: int) -> list[Place]:
            found = store.similarity_search(question, k=top)
            starts = [(one.metadata["name"], one.metadata["start_index"]) for one in found]
            return [
                (name, start, start + len(one.page_content))
                for (name, start), one in zip(starts, found, strict=True)
            ]

        return search

    yield [searching(texts) for texts in groups]


@contextmanager
def llamaindex(embedder: Embedder, groups: Sequence[Texts]) -> Iterator[Searches]:
    """VectorStoreIndex.from_documents and its retriever, as its tutorial has it."""
    from llama_index.core import Document as Text
    from llama_index.core import VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding

    class Same(BaseEmbedding):  # type: ignore[misc]  # not typed where it is not installed
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            vectors: list[list[float]] = embedder.embed_passages(texts).tolist()
            return vectors

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            vector: list[float] = embedder.embed_question(query).tolist()
            return vector

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    def searching(texts: Texts) -> Callable[[str, int], Sequence[Place]]:
        index = VectorStoreIndex.from_documents(
            [Text(text=text, metadata={}, doc_id=name) for name, text in texts],
            embed_model=Same(),
        )

        def search(question: str, top: int) -> list[Place]:
            nodes: list[Any] = index.as_retriever(similarity_top_k=top).retrieve(question)
            return [
                (one.node.ref_doc_id, one.node.start_char_idx, one.node.end_char_idx)
                for one in nodes
            ]

        return search

    yield [searching(texts) for texts in groups]


@contextmanager
def txtai(embedder: Embedder, groups: Sequence[Texts]) -> Iterator[Searches]:
    """Embeddings(hybrid=True), over chunks of 200 tokens from Footnote's chunker."""
    from txtai.embeddings import Embeddings

    chunker = Chunker(embedder.tokenizer, TXTAI_TOKENS)

    def transform(texts: Sequence[str]) -> Vectors:
        return embedder.embed_passages(texts)

    def searching(texts: Texts) -> Callable[[str, int], Sequence[Place]]:
        places: list[Place] = []
        rows: list[tuple[int, str, None]] = []
        for name, text in texts:
            for chunk in chunker.split(Document(text, "text"), "", ""):
                rows.append((len(places), chunk.text, None))
                places.append((name, chunk.start, chunk.end))
        index = Embeddings(
            method="external",
            transform=transform,
            hybrid=True,
            backend="numpy",
        )
        index.index(rows)
        return lambda question, top: [places[int(row)] for row, _ in index.search(question, top)]

    yield [searching(texts) for texts in groups]


PEERS: dict[str, Callable[[Embedder, Sequence[Texts]], AbstractContextManager[Searches]]] = {
    "langchain": langchain,
    "llamaindex": llamaindex,
    "txtai": txtai,
}
