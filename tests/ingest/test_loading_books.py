"""E-books and rich text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_files import outline, read, refusal, zip_file

from ingest.index.documents import Document


def epub_file(chapters: dict[str, str], title: str = "", encrypted: str = "") -> bytes:
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in reversed(range(len(chapters))))
    package = (
        f"<package><metadata><title>{title}</title></metadata><manifest>{items}</manifest>"
        f"<spine>{spine}</spine></package>"
    )
    container = (
        '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": container,
        "OEBPS/book.opf": package,
        **{f"OEBPS/{name}": text for name, text in chapters.items()},
    }
    if encrypted:
        parts["META-INF/encryption.xml"] = f'<e><CipherReference URI="{encrypted}"/></e>'
    return zip_file({name: text.encode() for name, text in parts.items()})


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    chapters = {
        "b.xhtml": "<html><body><h1>Two</h1><p>later</p><script>no</script></body></html>",
        "text/a.xhtml": (
            "<?xml version='1.0'?><html><head><title>One</title></head>"
            "<body><p>first</p></body></html>"
        ),
    }
    document = read("a.epub", epub_file(chapters, "The Book"))
    assert document.kind == "epub"
    assert document.text == "# The Book\n\n## One\n\nfirst\n\n## Two\n\nlater\n"
    assert outline(document) == [(1, "The Book"), (2, "One"), (2, "Two")]


def test_a_book_that_begins_with_its_title() -> None:
    chapters = {"a.xhtml": "<html><body><h1>The Book</h1><h6>Deep</h6><p>words</p></body></html>"}
    assert outline(read("a.epub", epub_file(chapters, "The Book"))) == [
        (1, "The Book"),
        (6, "Deep"),
    ]
    document = read("a.epub", epub_file(chapters, "Another"))
    assert outline(document) == [(1, "Another"), (2, "The Book"), (6, "Deep")]
    assert document.text == "# Another\n\n## The Book\n\n###### Deep\n\nwords\n"


def test_a_locked_book_is_refused_and_a_locked_font_is_not() -> None:
    chapters = {"a.xhtml": "<html><body><p>words</p></body></html>"}
    assert "DRM" in refusal("a.epub", epub_file(chapters, encrypted="OEBPS/a.xhtml")).what
    assert read("a.epub", epub_file(chapters, encrypted="OEBPS/font.otf")).text == "words\n"


FONTS = "{\\fonttbl{\\f1\\fcharset204 A;}{\\f2\\fcharset128 B;}}"


def rtf(text: str) -> Document:
    return read("a.rtf", ("{\\rtf1\\ansi\\ansicpg1252" + text + "}").encode("cp1252"))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("one\\par two\\line three", "one\n\ntwo\nthree\n"),
        ("one\r\ntwo", "onetwo\n"),
        ("\\'e4\\'f6 \\u8364?\\u-10179?\\u-8704? ä", "äö €😀 ä\n"),
        ("{\\uc2 \\u228ab}c {\\uc0 \\u228}d", "äc äd\n"),
        (f"{FONTS}{{\\f1 \\'cf\\'f0}}{{\\f2\\'93\\'fa}}", "Пр日\n"),
        ("{\\colortbl;\\red0;}{\\*\\generator x;}{\\info{\\title no}}words", "words\n"),
        ("{\\pict\\wmetafile8 0102ffee}a{\\bin3 }}}b", "ab\n"),
        ("a\\emdash b\\~c\\_d\\-e\\{\\}\\\\", "a—b c-de{}\\\n"),
        ("seen{\\v hidden} too\\v no\\v0 .", "seen too.\n"),
        ("a{\\footnote\\pard\\plain Note.}b", "a (Note.)b\n"),
        ("{\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt link}}", "link\n"),
        ("{\\listtext\\'b7\\tab}item\\par", "* item\n"),
        (
            "\\trowd\\intbl a\\cell b\\cell\\row\\intbl 1\\cell 2\\cell\\row\\pard end",
            "a | b\na: 1 | b: 2\n\nend\n",
        ),
        ("\\intbl a\\par b\\cell c\\cell\\row", "a b | c\n"),
        (
            "\\trhdr\\intbl 1\\cell 2\\cell\\row\\trowd\\intbl 3\\cell 4\\cell\\row",
            "1 | 2\n1: 3 | 2: 4\n",
        ),
        ("}}}a{{{", "a\n"),
    ],
)
def test_rich_text(source: str, text: str) -> None:
    assert rtf(source).text == text


def test_headings_of_rich_text() -> None:
    document = rtf(
        "{\\stylesheet{\\s1 heading 1;}{\\s2\\outlinelevel1 Other;}{\\s3 Body;}}"
        "\\pard\\s1 One\\par\\pard\\s3 words\\par\\pard\\s2 Two\\par"
        "\\pard\\outlinelevel2 Three\\par"
    )
    assert outline(document) == [(1, "One"), (2, "Two"), (3, "Three")]
    assert document.text == "# One\n\nwords\n\n## Two\n\n### Three\n"


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "{",
                "}",
                "\\par",
                "\\cell",
                "\\row",
                "\\*",
                "\\u8364?",
                "\\'e4",
                " x",
                "\\bin2",
                "\\v",
            ]
        )
    )
)
def test_any_rich_text_is_read(parts: list[str]) -> None:
    text = rtf("words " + "".join(parts)).text
    assert "words" in text
