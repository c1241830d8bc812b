"""Settings of the index: where it lives and which model it is built with.

Every setting is an environment variable with the prefix `FOOTNOTE_`, or a line of a
`.env` file in the working directory. `docs/settings.md` lists them all; a test compares.
"""

import os
from pathlib import Path
from typing import Literal, TypeVar

from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest.index.errors import InputError

PREFIX = "FOOTNOTE_"
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

PROGRAM_SETTINGS = frozenset(
    {
        *("chunk_tokens", "max_file_mb", "private_urls"),
        *("read_seconds", "read_memory_mb", "read_output_mb"),
        *("host", "port", "allowed_hosts", "workers", "upload_mb", "top_k"),
        *("abstain_below", "reranker"),
        *("llm", "llm_base_url", "llm_api_key", "llm_context", "llm_temperature"),
        *("llm_seed", "llm_reasoning", "llm_judge", "llm_keep_alive", "llm_timeout"),
    }
)
"""Names that belong to `ingest.settings` and `assistant.settings`. Both programs read one
environment, and neither may take the other's settings for misspelt ones; a test compares."""

Precision = Literal["auto", "float32", "bfloat16"]

S = TypeVar("S", bound="IndexSettings")


class IndexSettings(BaseSettings):
    """What the writer and the reader must agree on."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore")

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("footnote"),
        description="Folder that holds everything Footnote writes.",
    )
    qdrant_url: str | None = Field(
        default=None,
        description="Address of a Qdrant server. Unset: Qdrant Edge inside this process.",
    )
    qdrant_api_key: str | None = Field(
        default=None, description="Key for the Qdrant server, where it asks for one."
    )
    qdrant_grpc_port: int | None = Field(
        default=6334,
        description="gRPC port of the Qdrant server; empty or 0 to use HTTP alone.",
    )
    qdrant_collection: str = Field(
        default="footnote", description="Name of the collection on the Qdrant server."
    )
    qdrant_quantization: Literal["none", "int8"] = Field(
        default="none",
        description="`int8`: the server searches vectors of a quarter of the size, in memory, and "
        "rescores what it finds with the whole ones.",
    )
    database_url: str | None = Field(
        default=None,
        description="PostgreSQL address of the catalogue, `postgresql+pg8000://…`. Unset: SQLite.",
    )
    files_url: str | None = Field(
        default=None,
        description="Folder or fsspec address for originals and texts. Unset: in the data folder.",
    )
    embedding_model: str | None = Field(
        default=None,
        description="sentence-transformers model, by name or folder. Unset: what the index has; "
        f"a new one gets `{DEFAULT_MODEL}`.",
    )
    embedding_precision: Precision = Field(
        default="auto",
        description="`float32`, `bfloat16`, or `auto`: what the index has, else the faster one.",
    )

    @field_validator("data_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("embedding_model")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        return model_name(value) if value is not None else None

    @field_validator(
        "qdrant_url",
        "qdrant_api_key",
        "qdrant_grpc_port",
        "database_url",
        "files_url",
        "embedding_model",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value in ("", "0", 0) else value


def model_name(name: str) -> str:
    """Return an embedding model's name, or the whole path where it is a folder."""
    folder = Path(name).expanduser()
    return str(folder.absolute()) if folder.is_dir() else name


def read_settings(kind: type[S]) -> S:
    """Read the settings of one program, given by its settings class, from the environment.

    Raises:
        InputError: a value is not of its type, or a `FOOTNOTE_` variable is misspelt.
    """
    given = {name for name in (*os.environ, *dotenv_values(".env")) if name.startswith(PREFIX)}
    names = {name.removeprefix(PREFIX).lower() for name in given}
    unknown = sorted(names - set(kind.model_fields) - PROGRAM_SETTINGS)
    if unknown:
        raise InputError(
            f"There is no setting {PREFIX}{unknown[0].upper()}.",
            "Correct its name or unset it; docs/settings.md lists them all.",
        )
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise InputError(
            f"{name} is set to {first['input']!r}, which it cannot be: {first['msg']}.",
            "Correct or unset it; docs/settings.md tells what it takes.",
        ) from error
