"""What the documentation says of the program is true."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from assistant.settings import AssistantSettings
from ingest.index.settings import PREFIX, PROGRAM_SETTINGS, IndexSettings
from ingest.settings import IngestSettings

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def documented() -> dict[str, tuple[str, str]]:
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    return {name: (default, words) for name, default, words in ROW.findall(text)}


@pytest.mark.parametrize("program", [IngestSettings, AssistantSettings])
def test_every_setting_is_documented_with_its_default(program: type[BaseModel]) -> None:
    rows = documented()
    for name, field in program.model_fields.items():
        default, words = rows[f"{PREFIX}{name.upper()}"]
        assert words == field.description
        if name != "data_dir":
            assert default == ("none" if field.default is None else f"`{_written(field.default)}`")


def _written(value: object) -> str:
    """Return a value as it stands in an environment variable."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = IngestSettings.model_fields.keys() | AssistantSettings.model_fields.keys()
    names = {name for name in documented() if name.startswith(PREFIX)}
    assert names == {f"{PREFIX}{name.upper()}" for name in known}


def test_each_program_knows_the_other_one_s_settings() -> None:
    both = IngestSettings.model_fields.keys() | AssistantSettings.model_fields.keys()
    assert both - IndexSettings.model_fields.keys() == PROGRAM_SETTINGS


def test_every_link_between_documents_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")]
    assert len(pages) > 5
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_s_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"`?make ([a-z-]+)`?", (ROOT / "README.md").read_text("utf-8")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
