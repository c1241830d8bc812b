"""Tesseract and LibreOffice: files that need them, with the programs there, away or failing."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from fpdf import FPDF
from loading_files import (
    docx_file,
    loaded,
    ole_file,
    outline,
    paragraph,
    pdf_file,
    read,
    refusal,
    unpack,
)
from PIL import Image, ImageDraw, ImageFont

from ingest.loading import image, legacy, ocr, pdf

DOC = ole_file({"WordDocument": b"words"})
PPT = ole_file({"PowerPoint Document": b"words"})


def picture(*texts: str, kind: str = "PNG", mode: str = "L") -> bytes:
    """Return a picture of each text; TIFF takes several."""
    pages = []
    for text in texts:
        page = Image.new("L", (1000, 1414), "white")
        font = ImageFont.load_default(size=60)
        ImageDraw.Draw(page).text((40, 60), text, fill="black", font=font)
        pages.append(page.convert(mode))
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if pages[1:] else {}
    pages[0].save(buffer, kind, **more)  # type: ignore[arg-type]  # Pillow's options are of all types
    return buffer.getvalue()


def scan(*pages: tuple[str, bytes | None]) -> bytes:
    """Return a PDF whose pages have a text, a picture over all of it, or both."""
    made = FPDF()
    made.set_font("helvetica", size=12)
    for text, drawn in pages:
        made.add_page()
        if drawn:
            made.image(io.BytesIO(drawn), 0, 0, made.w, made.h)
        if text:
            made.cell(text=text)
    return bytes(made.output())


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found, beside the shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ["cat", "cp", "mkdir", "sleep"]:
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


TESSERACT = (
    'if [ "$1" = --list-langs ]; then echo "List:"; echo deu; echo osd; echo eng; exit; fi\n'
)


@pytest.mark.parametrize("name", ["a.png", "a", "a.pdf", "a.txt"])
def test_a_picture_without_ocr_says_what_would_read_it(programs: Path, name: str) -> None:
    error = refusal(name, picture("words"))
    assert error.what == f"{name} is a picture, and OCR is not installed."
    assert "tesseract-ocr" in error.next_step


def test_a_scan_without_ocr_says_how_many_pages(programs: Path) -> None:
    error = refusal("a.pdf", scan(("", picture("words")), ("", picture("words"))))
    assert error.what == "a.pdf: no text on 2 of 2 pages, and OCR is not installed."
    assert "tesseract-ocr" in error.next_step


def test_text_pages_are_read_though_others_are_scans(programs: Path) -> None:
    found = loaded("a.pdf", scan(("words", None), ("", picture("none"))))
    assert found.document.text.strip() == "words"
    assert found.notice.startswith("Page 2 looks like a scan and was not read. Install Tesseract")


@pytest.mark.parametrize(
    ("scans", "which"), [(3, "Pages 2, 3 and 4 look"), (8, "Pages 2, 3, 4, 5, 6 and 3 more look")]
)
def test_scans_that_were_not_read_are_named(programs: Path, scans: int, which: str) -> None:
    found = loaded("a.pdf", scan(("words", None), *[("", picture("none"))] * scans))
    assert found.notice.startswith(which)


def test_pages_of_a_scan_in_their_order(programs: Path) -> None:
    answer = "cat >/dev/null; echo \"read $4\"; printf 'exam-\\nple\\n\\n\\n\\f'"
    install(programs, "tesseract", TESSERACT + answer)
    stamp = scan(("written", None), ("", picture("x")), ("Page 3", picture("x")), ("", None))
    found = loaded("a.pdf", stamp)
    assert found.notice == ""
    document = found.document
    pages = [document.text[page.start : page.end] for page in document.pages]
    assert pages == ["written", "read eng+deu\nexample", "read eng+deu\nexample", ""]


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$", "sleep 60"])
def test_ocr_that_fails_is_no_text(
    programs: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(ocr, "TIME_LIMIT", 1.0)
    install(programs, "tesseract", TESSERACT + f"exec {script}" if "sleep" in script else script)
    assert refusal("a.png", picture("x")).what == "a.png is a picture without text."
    error = refusal("a.pdf", scan(("", picture("x"))))
    assert error.what == "a.pdf: no text on 1 of 1 page, and OCR finds none."


@pytest.mark.parametrize("cut", [8, 50, 300])
def test_a_damaged_picture_is_refused(programs: Path, cut: int) -> None:
    install(programs, "tesseract", f"{TESSERACT} cat >/dev/null; echo words")
    assert refusal("a.png", picture("x")[:cut]).what == "a.png is damaged and cannot be read."


@pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")
@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "L"), ("TIFF", "1"), ("GIF", "P")]
)
def test_real_ocr_of_pictures(kind: str, mode: str) -> None:
    document = read("a", picture("The brown fox", kind=kind, mode=mode))
    assert (document.kind, document.text) == ("image", "The brown fox\n")


@pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")
def test_real_ocr_of_pages() -> None:
    document = read("a.tiff", picture("The brown fox", "and a dog", kind="TIFF"))
    pages = [document.text[page.start : page.end] for page in document.pages]
    assert pages == ["The brown fox", "and a dog"]
    assert "brown fox" in read("a.pdf", scan(("", picture("The brown fox")))).text


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.doc", DOC, "an old Word document (.doc)"),
        ("a", DOC, "an old Word document (.doc)"),
        ("a.xls", DOC, "an old Word document (.doc)"),
        ("a.txt", PPT, "an old PowerPoint presentation (.ppt)"),
        ("a.wpd", b"\xffWPC\x10\0\0\0\1\n" + bytes(300), "WordPerfect document (.wpd)"),
    ],
)
def test_an_old_format_without_libreoffice_says_so(
    programs: Path, name: str, data: bytes, words: str
) -> None:
    error = refusal(name, data)
    assert words in error.what
    assert "LibreOffice" in error.next_step


def test_an_old_format_is_converted_and_read(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "new.docx").write_bytes(docx_file(paragraph("Bees", "H1"), paragraph("They fly.")))
    script = """
        [ -f "$HOME/started" ] || { echo > "$HOME/started"; exit 81; }
        mkdir "$HOME/out"
        cp NEW "$HOME/out/document.docx"
    """
    install(programs, "soffice", script.replace("NEW", str(tmp_path / "new.docx")))
    document = read("a.doc", DOC)
    assert document.kind == "docx"
    assert outline(document) == [(1, "Bees")]
    assert "They fly." in document.text


@pytest.mark.parametrize(
    ("script", "words"),
    [("exit 0", "cannot read a.doc"), ("exec sleep 60", "busy for more than 1 seconds")],
)
def test_libreoffice_that_fails_is_a_sentence(
    programs: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    monkeypatch.setattr(legacy, "TIME_LIMIT", 1.0)
    install(programs, "soffice", script)
    assert words in refusal("a.doc", DOC).what


@pytest.mark.skipif(not legacy.program(), reason="LibreOffice is not installed")
def test_real_conversion(tmp_path: Path) -> None:
    new = tmp_path / "a.rtf"
    styles = b"{\\stylesheet{\\s1 heading 1;}}"
    new.write_bytes(b"{\\rtf1\\ansi" + styles + b"\\pard\\s1 Bees\\par\\pard They fly.\\par}")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    convert = ["soffice", "--headless", profile, "--convert-to", "doc", "--outdir", str(tmp_path)]
    subprocess.run([*convert, str(new)], check=True, capture_output=True, timeout=100)
    document = read("a", (tmp_path / "a.doc").read_bytes())
    assert outline(document) == [(1, "Bees")]
    assert document.text == "# Bees\n\nThey fly.\n"


def test_a_blank_page_is_not_given_to_ocr(programs: Path) -> None:
    install(programs, "tesseract", f"{TESSERACT} cat >/dev/null; echo invented")
    pages = scan(("", picture("")), ("", picture("x")))
    assert read("a.pdf", pages).text.strip() == "invented"


def test_rich_text_under_an_old_name_needs_no_libreoffice(programs: Path) -> None:
    assert read("a.doc", b"{\\rtf1 words}").kind == "rtf"
    assert read("a.doc", b"<html><body><p>words</p></body></html>").kind == "html"
    assert read("a.doc", b"only words").kind == "text"


def test_what_was_put_on_a_page_is_read() -> None:
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=12)
    made.cell(text="printed")
    made.free_text_annotation("typed onto it", x=50, y=50, w=60, h=20)
    assert read("a.pdf", bytes(made.output())).text == "printed\ntyped onto it"


def test_files_in_a_pdf_are_unpacked() -> None:
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=12)
    made.cell(text="printed")
    made.embed_file(bytes=b"attached", basename="notes.txt")
    assert unpack("a.pdf", bytes(made.output()))[1] == {"notes.txt": b"attached"}
    assert unpack("a.pdf", pdf_file("words"))[1] == {}


def test_a_text_layer_of_no_known_characters_is_read_as_a_scan(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "_text_layer", lambda *_: ("\ue001\ue002 " * 50, []))
    install(programs, "tesseract", f"{TESSERACT} cat >/dev/null; echo words")
    assert read("a.pdf", pdf_file("x")).text == "words"


def test_a_picture_of_too_many_pixels_is_refused(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "tesseract", f"{TESSERACT} cat >/dev/null; echo words")
    monkeypatch.setattr(image, "_MAX_PIXELS", 1_000_000)
    assert "million pixels" in refusal("a.png", picture("x")).what
    bomb = Image.new("1", (20_000, 20_000))
    buffer = io.BytesIO()
    bomb.save(buffer, "PNG")
    assert "million pixels" in refusal("a.png", buffer.getvalue()).what
