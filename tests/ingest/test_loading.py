"""Which loader reads which file, what it refuses, and plain text to the last character."""

import codecs
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from loading_files import docx_file, paragraph, pdf_file, read, refusal, zip_file

from ingest.index.errors import DocumentError
from ingest.loading import SUPPORTED, limits, load
from ingest.loading.sniffing import FAMILIES, TEXTUAL

GERMAN = "Die schöne Frau ging über die Straße. „Ja“ – sagte sie, und es wurde still.\n"
RUSSIAN = "Привет, как дела? Это простой текст на русском языке, без всяких хитростей.\n"
JAPANESE = "これは日本語の文章です。東京に行きました。天気がとても良かったです。\n"
HTML = b"<!DOCTYPE html><html><body><p>A page.</p></body></html>"
WRITTEN = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t")


@settings(deadline=None)
@given(
    st.text(WRITTEN),
    st.sampled_from(["a.txt", "a.md", "a.log", "a.py", "a.rst", "a.org", "LICENSE.toml"]),
)
def test_any_utf8_text_is_kept_to_the_last_character(text: str, name: str) -> None:
    assume(text.removeprefix("\ufeff").strip())
    assert read(name, text.encode()).text == text.removeprefix("\ufeff")


@settings(deadline=None)  # the first file of a family imports its libraries
@given(st.binary(min_size=1, max_size=300), st.sampled_from(sorted(SUPPORTED | {"", ".xyz"})))
def test_any_bytes_give_clean_text_or_a_sentence(data: bytes, suffix: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # LibreOffice takes a second a file
        try:
            document = read(f"a{suffix}", data)
        except DocumentError:
            return
    assert document.text.encode().decode() == document.text
    assert "\0" not in document.text
    assert document.text.strip()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_are_kept(line_end: str) -> None:
    text = f"one{line_end}two{line_end}{line_end}three"
    assert read("a.txt", text.encode()).text == text


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + GERMAN.encode(),
        GERMAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"),
        GERMAN.encode("utf-16-le"),
        GERMAN.encode("utf-16-be"),
        GERMAN.encode("utf-32"),
        GERMAN.encode("utf-32-le"),
        GERMAN.encode("utf-32-be"),
        codecs.BOM_UTF32_BE + GERMAN.encode("utf-32-be"),
        GERMAN.encode("cp1252"),
    ],
)
def test_encodings_of_one_text(data: bytes) -> None:
    assert read("a.txt", data).text == GERMAN


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Café déjà vu", "cp1252"),
        ("The naïve owner said that it was “fine” and left the building. " * 20, "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (JAPANESE, "shift_jis"),
        (RUSSIAN, "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
        (RUSSIAN, "utf-32-le"),
        (JAPANESE, "utf-16-le"),
        (JAPANESE, "utf-16-be"),
        ("这是一个中文文本，用来测试编码检测。", "gb18030"),
    ],
)
def test_legacy_encodings_are_recognised(text: str, codec: str) -> None:
    assert read("a.txt", text.encode(codec)).text == text


def test_one_broken_character_does_not_spoil_a_utf8_file() -> None:
    data = RUSSIAN.encode() + b"\xd0\n" + RUSSIAN.encode()
    assert read("a.log", data).text == f"{RUSSIAN}\ufffd\n{RUSSIAN}"


def test_a_few_nuls_are_replaced_one_by_one() -> None:
    assert (
        read("a.log", b"before the crash" + b"\0" + b"after").text == "before the crash\ufffdafter"
    )


USUAL = {family: suffix for suffix, family in reversed(FAMILIES.items())}
PLAIN = sorted(USUAL[family] for family in TEXTUAL - {"mail"})


@pytest.mark.parametrize("suffix", PLAIN)
@pytest.mark.parametrize("data", [b"", b" \r\n\t\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_a_file_without_text_is_refused(suffix: str, data: bytes) -> None:
    error = refusal(f"notes{suffix}", data)
    assert error.what in {f"notes{suffix} is empty.", f"notes{suffix} has no text in it."}
    assert error.next_step == "Add a file that has text in it."


@pytest.mark.parametrize("text", ["\u200b\u00ad\n", "\ufffd" * 9, "\x0c\u2028", "\u2060\t"])
def test_text_that_nobody_sees_is_none(text: str) -> None:
    assert refusal("a.txt", text.encode()).what == "a.txt has no text in it."
    assert read("a.txt", f"{text}!".encode()).text == f"{text}!"


def test_a_heading_of_any_length_is_short_where_passages_carry_it() -> None:
    (heading,) = read("a.md", b"# " + b"word " * 10_000).headings
    assert heading.title == ("word " * 40).rstrip() + "…"
    assert heading.end == 50_002


@pytest.mark.parametrize("name", [f"a{suffix}" for suffix in USUAL.values()] + ["a.xyz"])
def test_a_file_without_bytes_is_empty_whatever_its_name(name: str) -> None:
    assert refusal(name, b"").what == f"{name} is empty."


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.txt", pdf_file("words"), "pdf"),
        ("a", pdf_file("words"), "pdf"),
        ("a.pdf", b"\r\njunk\r\n" + pdf_file("words"), "pdf"),
        ("a.pdf", HTML, "html"),
        ("a.docx", HTML, "html"),
        ("a.pdf", b"only words", "text"),
        ("a.docx", b"only words", "text"),
        ("a", docx_file(paragraph("words")), "docx"),
        ("a.txt", docx_file(paragraph("words")), "docx"),
        ("a", HTML, "html"),
        ("a.txt", b"\xef\xbb\xbf\n<!-- saved -->\n<HTML lang=en><p>words</p>", "html"),
        ("a.txt", HTML.decode().encode("utf-16"), "html"),
        ("a.txt", b"The <html> element comes first.", "text"),
        ("a.md", b"words", "markdown"),
        ("a.MARKDOWN", b"words", "markdown"),
        ("folder.pdf/a.TXT", b"words", "text"),
        ("settings.toml", b"key = 1", "text"),
    ],
)
def test_content_decides_before_the_name(name: str, data: bytes, kind: str) -> None:
    assert read(name, data).kind == kind


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sound.wav", b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0" + bytes(range(256)) * 8),
        ("program", b"\x7fELF\2\1\1" + bytes(200)),
        ("archive.7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(range(256))),
        ("controls.txt", bytes(range(1, 32)) * 10),
        ("nul.md", b"\0"),
        ("letter.pages", zip_file({"Index/Document.iwa": b"words"})),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    ],
)
def test_other_types_are_refused_with_the_types_that_can_be_read(name: str, data: bytes) -> None:
    error = refusal(name, data)
    assert error.what in {
        f"{name} is not a type of file that can be read.",
        f"{name} is damaged and cannot be read.",
        f"{name} is a Pages, Numbers or Keynote file.",
    }


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.md"])
def test_text_without_end_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 1_000)
    assert len(read(name, b"a" * 999).text.strip()) == 999
    assert "holds more than" in refusal(name, b"a" * 1_001).what
    assert "holds more than" in refusal(name, b"a" * 4_001).what


def test_a_file_that_is_not_there_is_refused_with_its_cause(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(DocumentError, match=r"^a\.txt cannot be opened\.") as caught:
            load(path, "a.txt", tmp_path)
        assert isinstance(caught.value.__cause__, OSError)


def test_importing_the_room_imports_no_library() -> None:
    heavy = "{'pypdfium2', 'lxml', 'olefile', 'xlrd', 'PIL', 'charset_normalizer'}"
    code = f"import sys, ingest.loading; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
