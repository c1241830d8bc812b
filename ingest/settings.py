"""Settings of the ingestion worker."""

from pydantic import Field

from ingest.index.settings import IndexSettings


class IngestSettings(IndexSettings):
    """The index's settings, and how documents become passages."""

    chunk_tokens: int = Field(
        default=128,
        ge=16,
        le=8192,
        description="Most tokens in a chunk; never more than the embedding model reads.",
    )
    max_file_mb: int = Field(
        default=200, ge=1, description="Largest file that is taken, in megabytes."
    )
    read_seconds: int = Field(
        default=300,
        ge=1,
        description="Most seconds for reading one file, or for each further page of it.",
    )
    read_memory_mb: int = Field(
        default=3072, ge=512, description="Most memory for reading one file, in megabytes."
    )
    read_output_mb: int = Field(
        default=1024,
        ge=1,
        description="Most text and attachments that one file may hold, in megabytes.",
    )
    private_urls: bool = Field(
        default=False,
        description="Whether `ingest add` may read pages of this machine and the local network.",
    )
