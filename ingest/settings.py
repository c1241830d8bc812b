"""Settings of the ingestion worker."""

from pydantic import Field

from ingest.index.settings import IndexSettings


class IngestSettings(IndexSettings):
    """The index's settings, and how documents become passages."""

    chunk_tokens: int = Field(
        default=200,
        ge=16,
        le=8192,
        description="Most tokens in a passage; never more than the embedding model reads.",
    )
    max_file_mb: int = Field(
        default=200, ge=1, description="Largest file that is taken, in megabytes."
    )
