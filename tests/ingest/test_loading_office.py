"""Presentations and OpenDocument files."""

import pytest
from loading_files import office_file, outline, read, refusal, zip_file

from ingest.loading import limits

_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_O = "urn:oasis:names:tc:opendocument:xmlns"
ODF = "".join(
    f' xmlns:{prefix}="{_O}:{name}:1.0"'
    for prefix, name in {
        **{"office": "office", "text": "text", "table": "table", "draw": "drawing"},
        **{"presentation": "presentation"},
    }.items()
)


def shape(*paragraphs: str, kind: str = "") -> str:
    mark = f'<p:ph type="{kind}"/>' if kind else ""
    texts = "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in paragraphs)
    return f"<p:sp><p:nvSpPr><p:nvPr>{mark}</p:nvPr></p:nvSpPr><p:txBody>{texts}</p:txBody></p:sp>"


def frame(content: str) -> str:
    content = f"<a:graphicData>{content}</a:graphicData>"
    return f"<p:graphicFrame><a:graphic>{content}</a:graphic></p:graphicFrame>"


def slide(*shapes: str) -> str:
    return (
        f'<p:sld xmlns:p="{_P}" xmlns:a="{_A}" xmlns:r="{_R}"><p:cSld><p:spTree>{"".join(shapes)}'
        "</p:spTree></p:cSld></p:sld>"
    )


def pptx_file(
    *slides: str, more: dict[str, str] | None = None, kinds: dict[str, str] | None = None
) -> bytes:
    """Build a presentation; the order of the show is that of `slides`, not of their names."""
    names = [f"ppt/slides/slide{len(slides) - number}.xml" for number in range(len(slides))]
    listed = "".join(f'<p:sldId id="9" r:id="r{n}"/>' for n in range(1, len(slides) + 1))
    parts: dict[str, str | bytes] = {
        "ppt/presentation.xml": (
            f'<p:presentation xmlns:p="{_P}" xmlns:r="{_R}"><p:sldIdLst>{listed}</p:sldIdLst>'
            "</p:presentation>"
        ),
        **dict(zip(names, slides, strict=True)),
        **(more or {}),
    }
    related = {"ppt/presentation.xml": dict.fromkeys(names, "slide"), names[0]: kinds or {}}
    return office_file("ppt/presentation.xml", parts, related)


def test_a_slide_is_a_page_and_its_title_a_heading() -> None:
    cells = "".join(
        "<a:tr>"
        + "".join(
            f"<a:tc><a:txBody><a:p><a:r><a:t>{c}</a:t></a:r></a:p></a:txBody></a:tc>" for c in row
        )
        + "</a:tr>"
        for row in [("Colour", "Size"), ("Red", "5")]
    )
    table = frame(f'<a:tbl><a:tblPr firstRow="1"/>{cells}</a:tbl>')
    first = slide(
        shape("Words", "More"),
        f"<p:grpSp>{shape('In a group')}</p:grpSp>",
        shape("Bees", kind="ctrTitle"),
        table,
    )
    notes = slide(shape("Say this.", kind="body"), shape("7", kind="sldNum"))
    data = pptx_file(
        first,
        slide(),
        slide(shape("Wasps", kind="title")),
        more={"ppt/notes.xml": notes},
        kinds={"ppt/notes.xml": "notesSlide"},
    )
    document = read("a.pptx", data)
    assert document.kind == "pptx"
    assert document.text == (
        "# Bees\n\nWords\nMore\n\nIn a group\n\nColour | Size\nColour: Red | Size: 5\n\n"
        "Notes:\nSay this.\n\n# Wasps\n"
    )
    assert outline(document) == [(1, "Bees"), (1, "Wasps")]
    pages = [(page.number, document.text[page.start : page.end]) for page in document.pages]
    assert [number for number, _ in pages] == [1, 2, 3]
    assert pages[0][1].endswith("Say this.")
    assert pages[1:] == [(2, ""), (3, "# Wasps")]


def test_footers_are_read_once_and_what_is_filled_in_is_not() -> None:
    filled = shape("x", kind="dt").replace("<a:r>", "<a:fld>").replace("</a:r>", "</a:fld>")
    slides = [slide(shape(word), shape("Confidential", kind="ftr"), filled) for word in "ab"]
    assert read("a.pptx", pptx_file(*slides)).text == "a\n\nConfidential\n\nb\n"


def test_the_numbers_of_a_chart() -> None:
    def points(*values: str) -> str:
        return "".join(f'<c:pt idx="{i}"><c:v>{v}</c:v></c:pt>' for i, v in enumerate(values))

    series = (
        f"<c:ser><c:tx>{points('Sales')}</c:tx><c:cat>{points('North', 'South')}</c:cat>"
        f"<c:val>{points('7', '9')}</c:val></c:ser>"
    )
    chart = (
        f'<c:chartSpace xmlns:c="urn:c" xmlns:a="{_A}"><c:chart>{series}</c:chart></c:chartSpace>'
    )
    data = pptx_file(
        slide(frame('<c:chart xmlns:c="urn:c" r:id="r1"/>')),
        more={"ppt/chart.xml": chart},
        kinds={"ppt/chart.xml": "chart"},
    )
    assert read("a.pptx", data).text == "Sales\nNorth | Sales: 7\nSouth | Sales: 9\n"


def test_a_presentation_without_text_is_refused() -> None:
    assert refusal("a.pptx", pptx_file(slide())).what == "a.pptx has no text in it."
    assert "damaged" in refusal("a.pptx", zip_file({"ppt/presentation.xml": b"<p"})).what


def opendocument(kind: str, body: str, more: dict[str, bytes] | None = None) -> bytes:
    content = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    content = f"<office:document-content{ODF}>{content}</office:document-content>"
    mimetype = f"application/vnd.oasis.opendocument.{kind}".encode()
    return zip_file({"mimetype": mimetype, "content.xml": content.encode()} | (more or {}))


ODT = (
    "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
    '<text:h text:outline-level="1">Bees<text:s text:c="2"/>fly</text:h>'
    "<text:p>One<text:tab/>two<text:line-break/>three<text:note><text:note-citation>1"
    "</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note>."
    "</text:p>"
    "<text:list><text:list-item><text:p>a</text:p><text:list><text:list-item><text:p>b</text:p>"
    "</text:list-item></text:list></text:list-item></text:list>"
    "<text:p>Box:<draw:frame><draw:text-box><text:p>inside</text:p></draw:text-box></draw:frame>"
    "</text:p>"
    "<text:p><office:annotation><text:p>comment</text:p></office:annotation></text:p>"
    '<text:list><text:list-item><text:h text:outline-level="2">Listed</text:h></text:list-item>'
    "</text:list>"
    '<table:table table:name="T"><table:table-header-rows><table:table-row>'
    "<table:table-cell><text:p>Name</text:p></table:table-cell>"
    "<table:table-cell><text:p>Age</text:p></table:table-cell></table:table-row>"
    "</table:table-header-rows><table:table-row><table:table-cell><text:p>Ada</text:p>"
    "</table:table-cell><table:table-cell><text:p>36</text:p></table:table-cell></table:table-row>"
    "</table:table>"
)
ODT_TEXT = (
    "# Bees fly\n\nOne\ttwo\nthree (A note.).\n\n* a\n  * b\n\nBox:\n\ninside\n\n## Listed\n\n"
    "Name | Age\nName: Ada | Age: 36\n"
)


def test_an_opendocument_text() -> None:
    document = read("a.odt", opendocument("text", ODT))
    assert (document.kind, document.text) == ("odt", ODT_TEXT)
    assert outline(document) == [(1, "Bees fly"), (2, "Listed")]


def test_an_opendocument_text_as_one_xml_file() -> None:
    flat = f"<office:body><office:text>{ODT}</office:text></office:body>"
    flat = f'<?xml version="1.0"?><office:document{ODF}>{flat}</office:document>'
    for name in ["a.fodt", "a.xml", "a"]:
        assert read(name, flat.encode()).text == ODT_TEXT


def test_an_opendocument_spreadsheet() -> None:
    def row(*cells: str, repeated: int = 1) -> str:
        start = f'<table:table-row table:number-rows-repeated="{repeated}">'
        return f"{start}{''.join(cells)}</table:table-row>"

    def cell(text: str, attributes: str = "") -> str:
        return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"

    gap = '<table:table-cell table:number-columns-repeated="2"/>'
    end = '<table:table-cell table:number-columns-repeated="16384"/>'
    body = "".join(
        [
            row(cell("Name"), gap, cell("Born"), end),
            row(cell("Ada"), gap, cell("10.12.15", 'office:date-value="1815-12-10"'), end),
            row(end, repeated=1_048_576),
        ]
    )
    sheets = (
        f'<table:table table:name="People">{body}</table:table><table:table table:name="Empty"/>'
    )
    document = read("a.ods", opendocument("spreadsheet", sheets))
    assert document.text == "# People\n\nName | Born\nName: Ada | Born: 1815-12-10\n"
    assert outline(document) == [(1, "People")]


def test_an_opendocument_presentation() -> None:
    page = (
        '<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>Bees</text:p>'
        "</draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>fly</text:p></draw:text-box>"
        "</draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>Say so.</text:p>"
        "</draw:text-box></draw:frame></presentation:notes></draw:page>"
    )
    document = read("a.odp", opendocument("presentation", page * 2))
    assert document.text.startswith("# Bees\n\nfly\n\nNotes:\nSay so.\n\n# Bees")
    assert [page.number for page in document.pages] == [1, 2]


def test_a_protected_opendocument_is_refused() -> None:
    manifest = {"META-INF/manifest.xml": b"<m><encryption-data/></m>"}
    assert "password" in refusal("a.odt", opendocument("text", "", manifest)).what


def test_more_cells_than_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CELLS", 1_000_000)
    cell = '<table:table-cell table:number-columns-repeated="1000"><text:p>x</text:p>'
    row = f'<table:table-row table:number-rows-repeated="999">{cell}</table:table-cell>'
    sheet = f'<table:table table:name="S">{f"{row}</table:table-row>" * 2}</table:table>'
    assert "million cells" in refusal("a.ods", opendocument("spreadsheet", sheet)).what
