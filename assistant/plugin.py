"""Footnote's search as a LangChain retriever, for chains and agents of your own."""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from assistant.retrieval import Retriever
from assistant.scope import Scope
from ingest.index.shapes import passage_shape


class FootnoteRetriever(BaseRetriever):
    """Returns passages as LangChain documents; their place is in the metadata.

    Attributes:
        retriever: searches an opened index.
        k: number of passages.
        collection, document_ids, kinds, since, before: what to search, see
            `assistant.scope.Scope`; None leaves it open.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: Retriever
    k: int = 5
    collection: str | None = None
    document_ids: list[str] | None = None
    kinds: list[str] | None = None
    since: str | None = None
    before: str | None = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        del run_manager
        scope = Scope(self.collection, self.document_ids, self.kinds, self.since, self.before)
        return [
            Document(
                id=passage.chunk_id,
                page_content=passage.text,
                metadata={
                    name: value for name, value in passage_shape(passage).items() if name != "text"
                },
            )
            for passage in self.retriever.search(query, self.k, scope)
        ]
