"""Word documents: what is read of them in which order, and what is wrong with broken ones."""

import zipfile

import pytest
from loading_files import docx_file, outline, paragraph, read, refusal, table, zip_file

from ingest.loading import containers, limits

NUMBERING = """
<w:numbering xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
<w:abstractNum w:abstractNumId="0">
  <w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
  <w:lvl w:ilvl="1"><w:numFmt w:val="lowerRoman"/><w:lvlText w:val="%1.%2)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="1">
  <w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl>
</w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="0"/>
  <w:lvlOverride w:ilvl="0"><w:startOverride w:val="3"/></w:lvlOverride></w:num>
</w:numbering>"""


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def item(text: str, key: int, level: int = 0, style: str = "") -> str:
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    properties = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{key}"/></w:numPr>'
    return f"<w:p><w:pPr>{styled}{properties}</w:pPr>{run(text)}</w:p>"


def text_of(*body: str, **parts: str) -> str:
    """Return the text of a document; parts like its numbering are given by their names."""
    return read("a.docx", docx_file(*body, parts=parts)).text


def test_word_headings_tables_and_text() -> None:
    document = read(
        "a.docx",
        docx_file(
            paragraph("Report", "T"),
            paragraph("Costs", "H1"),
            paragraph("Rent &lt;2024&gt; grew."),
            paragraph("By year", "H2"),
            table(("Year", "Rent"), ("2023", "900")),
        ),
    )
    assert document.kind == "docx"
    assert document.text == (
        "# Report\n\n# Costs\n\nRent <2024> grew.\n\n## By year\n\n"
        "Year | Rent\nYear: 2023 | Rent: 900\n"
    )
    assert outline(document) == [(1, "Report"), (1, "Costs"), (2, "By year")]


def test_a_word_document_without_text_is_refused() -> None:
    assert refusal("a.docx", docx_file(paragraph(" "))).what == "a.docx has no text in it."


def test_a_protected_word_document_is_refused() -> None:
    error = refusal("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "protected by a password" in error.what


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_word_document_is_refused(keep: float) -> None:
    data = docx_file(paragraph("words"))
    error = refusal("a.docx", data[: int(len(data) * keep)])
    assert error.what == "a.docx is damaged and cannot be read."
    assert isinstance(error.__cause__, zipfile.BadZipFile)


@pytest.mark.parametrize("xml", [b"", b"<w:document>", b"words", b"<!DOCTYPE x [<!ENTITY a 'b'>]>"])
def test_a_word_document_with_broken_parts_is_refused(xml: bytes) -> None:
    assert refusal("a.docx", zip_file({"word/document.xml": xml})).__cause__ is not None


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = docx_file(paragraph("words"), extra={"word/media/a.bin": bytes(1_000_000)})
    assert len(data) < 10_000
    assert read("a.docx", data).text == "words\n"
    monkeypatch.setattr(limits, "MAX_UNPACKED", 1_000_000)
    monkeypatch.setattr(containers.Container, "read", lambda *_: pytest.fail("unpacked"))
    assert refusal("a.docx", data).what == "a.docx unpacks to more than 1 MB."


def test_lists_are_numbered_as_a_person_sees_them() -> None:
    text = text_of(
        item("three", 1),
        item("deep", 1, 1),
        item("deeper", 1, 1),
        item("four", 1),
        paragraph("between"),
        item("five", 1),
        item("again three", 3),
        item("point", 2),
        item("unknown", 9),
        item("undefined", 1, 5),
        item("Chapter", 1, style="H1"),
        item("none", 0),
        numbering=NUMBERING,
    )
    assert text == (
        "3. three\n  3.i) deep\n  3.ii) deeper\n4. four\n\nbetween\n\n5. five\n3. again three\n"
        "* point\n* unknown\n          * undefined\n\n# 6. Chapter\n\nnone\n"
    )


def test_footnotes_stand_where_they_are_called() -> None:
    notes = """<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
        <w:footnote w:id="-1" w:type="separator"><w:p/></w:footnote>
        <w:footnote w:id="2"><w:p><w:r><w:footnoteRef/><w:t>A note.</w:t></w:r></w:p></w:footnote>
        </w:footnotes>"""
    body = f'<w:p>{run("Words")}<w:r><w:footnoteReference w:id="2"/></w:r>{run(".")}</w:p>'
    assert text_of(body, footnotes=notes) == "Words (A note.).\n"


def test_headers_and_footers_are_read_once() -> None:
    def part(kind: str, *body: str) -> str:
        space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        return f"<w:{kind} {space}>{''.join(body)}</w:{kind}>"

    number = '<w:p><w:r><w:t>Page </w:t></w:r><w:fldSimple w:instr=" page "><w:r><w:t>7</w:t></w:r>'
    text = text_of(
        paragraph("words"),
        header=part("hdr", paragraph("Carrow Head"), paragraph("Carrow Head"), paragraph("")),
        footer=part("ftr", paragraph("Confidential"), f"{number}</w:fldSimple></w:p>"),
    )
    assert text == "Carrow Head\n\nwords\n\nConfidential\n"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"<w:ins>{run('in')}</w:ins><w:del><w:r><w:delText>out</w:delText></w:r></w:del>", "in"),
        (run("seen") + run("hidden", "<w:vanish/>") + run(".", '<w:vanish w:val="0"/>'), "seen."),
        ("<w:r><w:instrText>PAGE</w:instrText></w:r>" + run("7"), "7"),
        (f"<w:hyperlink><w:smartTag>{run('link')}</w:smartTag></w:hyperlink>", "link"),
        (f"{run('a')}<w:r><w:tab/></w:r>{run('b')}<w:r><w:br/></w:r>{run('c')}", "a b\nc"),
        ('<w:r><w:t>x</w:t><w:sym w:char="F0B4"/><w:noBreakHyphen/><w:t>y</w:t></w:r>', "x´-y"),
        (
            f"<w:sdt><w:sdtPr><w:t>no</w:t></w:sdtPr><w:sdtContent>{run('field')}</w:sdtContent></w:sdt>",
            "field",
        ),
        (
            "<w:r><w:ruby><w:rt><w:r><w:t>no</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>base</w:t></w:r></w:rubyBase></w:ruby></w:r>",
            "base",
        ),
    ],
)
def test_what_of_a_paragraph_is_read(body: str, text: str) -> None:
    assert text_of(f"<w:p>{body}</w:p>") == f"{text}\n"


def test_text_boxes_are_read_once() -> None:
    box = f"<w:txbxContent>{paragraph('in the box')}</w:txbxContent>"
    both = (
        '<mc:AlternateContent xmlns:mc="urn:mc"><mc:Choice><w:drawing>BOX</w:drawing></mc:Choice>'
        "<mc:Fallback><w:pict>BOX</w:pict></mc:Fallback></mc:AlternateContent>"
    ).replace("BOX", box)
    old = f"<w:pict>{box}</w:pict>"
    for content in [both, old]:
        assert (
            text_of(f"<w:p>{run('before')}<w:r>{content}</w:r></w:p>") == "before\n\nin the box\n"
        )
        cell = f"<w:tc><w:p>{run('cell')}<w:r>{content}</w:r></w:p></w:tc>"
        row = f"<w:tbl><w:tr>{cell}<w:tc>{paragraph('other')}</w:tc></w:tr></w:tbl>"
        assert text_of(row) == "cell | other\n\nin the box\n"


def test_merged_cells_and_header_rows() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"

    def row(*cells: str, head: bool = False) -> str:
        return f"<w:tr><w:trPr>{'<w:tblHeader/>' * head}</w:trPr>{''.join(cells)}</w:tr>"

    wide, start, more = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    text = text_of(
        "<w:tbl>",
        row(cell(""), cell("2024", wide), head=True),
        row(cell("Name"), cell("in"), cell("out"), head=True),
        row(cell("Ada", start), cell("1"), cell("2")),
        row(cell("", more), cell("3"), cell("4")),
        "</w:tbl>",
    )
    assert text.splitlines() == [
        *("2024", "Name | in | out"),
        *("Name: Ada | 2024 in: 1 | 2024 out: 2", "Name: Ada | 2024 in: 3 | 2024 out: 4"),
    ]


def test_tables_in_tables() -> None:
    inner = table(("x", "y"))
    nested = f"<w:tbl><w:tr><w:tc>{paragraph('a')}</w:tc><w:tc>{inner}</w:tc></w:tr></w:tbl>"
    assert text_of(nested) == "a | x y\n"
    frame = f"<w:tbl><w:tr><w:tc>{paragraph('Part', 'H1')}{inner}</w:tc></w:tr></w:tbl>"
    document = read("a.docx", docx_file(frame))
    assert document.text == "# Part\n\nx | y\n"
    assert outline(document) == [(1, "Part")]
    deep = "<w:tbl><w:tr><w:tc>" * 50 + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * 50
    assert text_of(deep) == "deep\n"


def test_headings_by_style_and_by_level() -> None:
    styles = """<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
        <w:style w:styleId="A"><w:name w:val="heading 2"/></w:style>
        <w:style w:styleId="B"><w:name w:val="Mine"/><w:basedOn w:val="A"/></w:style>
        <w:style w:styleId="C"><w:basedOn w:val="D"/>
            <w:pPr><w:outlineLvl w:val="3"/></w:pPr></w:style>
        <w:style w:styleId="D"><w:basedOn w:val="C"/></w:style>
        <w:style w:styleId="E"><w:basedOn w:val="E"/></w:style></w:styles>"""
    own = f'<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr>{run("Own")}</w:p>'
    body = f'<w:p><w:pPr><w:pStyle w:val="A"/><w:outlineLvl w:val="9"/></w:pPr>{run("body")}</w:p>'
    marked = [paragraph(style, style) for style in "ABDE"]
    document = read("a.docx", docx_file(*marked, own, body, parts={"styles": styles}))
    assert outline(document) == [(2, "A"), (2, "B"), (4, "D"), (1, "Own")]
