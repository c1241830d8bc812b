"""Settings: what the environment and `.env` say, and what is wrong with it."""

from pathlib import Path

import pytest

from assistant.settings import AssistantSettings
from ingest.index.errors import InputError
from ingest.index.settings import PROGRAM_SETTINGS, IndexSettings, read_settings
from ingest.settings import IngestSettings


def test_nothing_set_means_the_embedded_mode() -> None:
    settings = read_settings(IndexSettings)
    assert settings.qdrant_url is None
    assert settings.database_url is None
    assert settings.data_dir.is_absolute()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "here"))
    monkeypatch.setenv("FOOTNOTE_CHUNK_TOKENS", "99")
    settings = read_settings(IngestSettings)
    assert (settings.data_dir, settings.chunk_tokens) == (tmp_path / "here", 99)


def test_the_home_folder_and_relative_paths_are_made_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", "~/index")
    assert read_settings(IndexSettings).data_dir == tmp_path / "home" / "index"
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", "index")
    assert read_settings(IndexSettings).data_dir == tmp_path / "index"


def test_env_file_is_read_and_the_environment_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("FOOTNOTE_CHUNK_TOKENS=50\nFOOTNOTE_MAX_FILE_MB=7\nOTHER=1\n")
    monkeypatch.setenv("FOOTNOTE_CHUNK_TOKENS", "60")
    settings = read_settings(IngestSettings)
    assert (settings.chunk_tokens, settings.max_file_mb) == (60, 7)


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_misspelt_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    if where == ".env":
        (tmp_path / ".env").write_text("FOOTNOTE_DATADIR=/srv\n")
    else:
        monkeypatch.setenv("FOOTNOTE_DATADIR", "/srv")
    with pytest.raises(InputError, match=r"There is no setting FOOTNOTE_DATADIR\. Correct"):
        read_settings(IngestSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHUNK_TOKENS", "many"),
        ("CHUNK_TOKENS", "1"),
        ("MAX_FILE_MB", "0"),
        ("EMBEDDING_PRECISION", "int8"),
        ("QDRANT_GRPC_PORT", "grpc"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{name}", value)
    with pytest.raises(InputError, match=f"FOOTNOTE_{name} is set to '{value}'.*Correct or unset"):
        read_settings(IngestSettings)


@pytest.mark.parametrize(
    "name", ["qdrant_url", "qdrant_api_key", "qdrant_grpc_port", "database_url"]
)
def test_an_empty_value_is_unset(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{name.upper()}", "")
    assert getattr(read_settings(IndexSettings), name) is None


def test_neither_program_takes_the_other_s_settings_for_misspelt_ones() -> None:
    own = {*IngestSettings.model_fields, *AssistantSettings.model_fields}
    assert own - set(IndexSettings.model_fields) == PROGRAM_SETTINGS
