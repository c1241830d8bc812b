"""Tables of all kinds: each row with the words of its columns, whatever is wrong around it."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_files import ole_file, outline, read, refusal, sheet_rows, xlsx_file

from ingest.chunking import Chunker
from ingest.index.embedding import Embedder
from ingest.loading import limits
from ingest.loading.numbers import Format, builtin_format, format_of, shown
from ingest.loading.tables import looks_numeric, table_lines

WORDS = st.text("abc", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["Name,Age", "Ada,36", "Alan,41"], ["Name | Age", "Name: Ada | Age: 36", "..."]),
        (["Name,,Age", "Ada,x,36"], ["Name | Age", "Name: Ada | x | Age: 36"]),
        (
            ["Costs 2024", "", "Name,Cost", "a,1"],
            ["Costs 2024", "Name | Cost", "Name: a | Cost: 1"],
        ),
        (["Name,Age", "", "Ada,Paris"], ["Name | Age", "Name: Ada | Age: Paris"]),
        (["1,2", "3,4"], ["1 | 2", "3 | 4"]),
        (
            ["Item,2023,2024", "Rent,9,10"],
            ["Item | 2023 | 2024", "Item: Rent | 2023: 9 | 2024: 10"],
        ),
        (["2024-01-01,paid,Ada", "2024-01-02,due,Bo"], ["2024-01-01 | paid | Ada", "..."]),
        (
            [",Men,Men,Women", "Year,in,out,in", "2020,1,2,3"],
            [
                "Men | Women",
                "Year | in | out | in",
                "Year: 2020 | Men in: 1 | Men out: 2 | Women in: 3",
            ],
        ),
        (
            ["a,b", "1,2", "", "c,d,e", "3,4,5"],
            ["a | b", "a: 1 | b: 2", "c | d | e", "c: 3 | d: 4 | e: 5"],
        ),
        (["a,b", "1,2", "", "3,4,5"], ["a | b", "a: 1 | b: 2", "3 | 4 | 5"]),
        (["a,b", "", "c,d", "", "1,2"], ["a | b", "a: c | b: d", "a: 1 | b: 2"]),
        (["x,x,x", "x,y,x"], ["x | x | x", "x | y | x"]),
    ],
)
def test_which_words_a_value_stands_under(rows: list[str], lines: list[str]) -> None:
    found = list(table_lines(row.split(",") for row in rows))
    assert len(found) >= len(lines)
    assert [a for a, b in zip(found, lines, strict=False) if b != "..."] == [
        line for line in lines if line != "..."
    ]


@settings(deadline=None)
@given(st.lists(st.lists(WORDS | st.just(""), max_size=5), max_size=12))
def test_no_value_is_lost(rows: list[list[str]]) -> None:
    lines = list(table_lines(rows))
    for row in rows:
        if any(row):
            assert any(all(value in line for value in row) for line in lines)


@pytest.mark.parametrize(
    "value", ["1", "-2.5", "(81)", "12,553", "$ 9", "1pm", "20-814", "CHF 3", "5 %"]
)
def test_what_looks_like_a_number(value: str) -> None:
    assert looks_numeric(value)


@pytest.mark.parametrize("value", ["Q1", "Sales (a)", "of which 3", "Item 1.", "", "B2B", "n/a"])
def test_what_names_a_column(value: str) -> None:
    assert not looks_numeric(value)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "html"])
def test_any_passage_of_a_long_table_names_its_columns(kind: str, embedder: Embedder) -> None:
    rows = [("River", "Length"), *((f"Number {i}", f"{i} km") for i in range(400))]
    if kind == "csv":
        data = "\n".join(",".join(row) for row in rows).encode()
    elif kind == "xlsx":
        data = xlsx_file(("Rivers", sheet_rows(*rows)))
    else:
        cells = "".join(f"<tr><td>{a}<td>{b}" for a, b in rows)
        data = f"<!doctype html><table>{cells}</table>".encode()
    document = read(f"a.{kind}", data)
    chunks = list(Chunker(embedder.tokenizer, 64).split(document, "0" * 32, ""))
    passages = [chunk for chunk in chunks if chunk.text != "# Rivers"]
    assert len(passages) > 20
    assert all("River" in chunk.text and "Length" in chunk.text for chunk in passages)
    if kind == "xlsx":
        assert {
            chunk.heading for chunk in Chunker(embedder.tokenizer, 64).split(document, "0" * 32, "")
        } == {("Rivers",)}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Name;Age\nAda;36\n", ["Name: Ada | Age: 36"]),
        ("Name\tAge\nAda\t36\n", ["Name: Ada | Age: 36"]),
        ("Name|Age\nAda|36\n", ["Name: Ada | Age: 36"]),
        ('Name,Age\n"King, Ada",36\n', ["Name: King, Ada | Age: 36"]),
        ('Name,Note\nAda,"two\nlines ""quoted"""\n', ['Name: Ada | Note: two lines "quoted"']),
        (
            "Price;Text\n1,5;a, b, c\n2,5;d\n",
            ["Price: 1,5 | Text: a, b, c", "Price: 2,5 | Text: d"],
        ),
        ('Name,Size\nAda,5"\nBo,6"\n', ['Name: Ada | Size: 5"', 'Name: Bo | Size: 6"']),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xls"])
def test_separators_and_quotes_are_found(text: str, rows: list[str], name: str) -> None:
    document = read(name, text.encode())
    assert document.kind == "csv"
    assert document.text.splitlines()[1:] == rows


def test_the_separator_that_is_declared_or_likely() -> None:
    assert (
        read("a.csv", b"sep=:\r\nName:Age\r\nAda:36\r\n").text
        == "Name | Age\nName: Ada | Age: 36\n"
    )
    both = b"Name, first\tAge, about\nKing, Ada\t36, or so\n"
    assert "Name, first: King, Ada" in read("a.tsv", both).text
    assert "Name: King" in read("a.csv", both).text


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_a_table(codec: str) -> None:
    text = "Straße,Größe\nKönigsallee,5\nMünzstraße,7\n"
    assert "Straße: Königsallee | Größe: 5" in read("a.csv", text.encode(codec)).text


def test_a_table_without_columns_is_the_text_that_it_is() -> None:
    document = read("a.csv", b"one\ntwo words\n")
    assert (document.kind, document.text) == ("text", "one\ntwo words\n")


def test_a_quotation_mark_that_nothing_closes_swallows_no_rows() -> None:
    data = b'Name,Note\n"Ada,1\n' + b"Bo,2\n" * 500
    assert read("a.csv", data).text.count("Name: Bo | Note: 2\n") == 500


def test_a_workbook_in_full() -> None:
    formats = (
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/></numFmts><cellXfs>'
        '<xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/><xf numFmtId="21"/></cellXfs>'
        "</styleSheet>"
    )
    strings = (
        "<sst><si><t>Name</t><rPh><t>ruby</t></rPh></si>"
        "<si><r><t>Day</t></r><r><t>s</t></r></si></sst>"
    )
    rows = (
        '<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c>'
        '<c r="D1" t="inlineStr"><is><t>Share</t></is></c><c t="str"><v>At</v></c></row>'
        '<row r="2"><c r="A2" t="str"><f>1</f><v>Ada</v></c><c r="C2" s="1"><v>45292.5</v></c>'
        '<c r="D2" s="2"><v>0.125</v></c><c r="E2" s="3"><v>0.75</v></c></row>'
        '<row r="9"><c r="A9" t="b"><v>1</v></c><c r="C9"><f>SUM(C1:C2)</f></c><c r="D9" t="e">'
        "<v>#N/A</v></c><c><v>0.30000000000000004</v></c></row></sheetData>"
    )
    parts = {"sharedStrings": strings, "styles": formats}
    document = read("a.xlsx", xlsx_file(("One &amp; two", rows), ("Empty", ""), parts=parts))
    assert document.text == (
        "# One & two\n\nName | Days | Share | At\n"
        "Name: Ada | Days: 2024-01-01 12:00 | Share: 12.5% | At: 18:00\n"
        "Name: TRUE | Days: =SUM(C1:C2) | Share: #N/A | At: 0.3\n"
    )
    assert outline(document) == [(1, "One & two")]


def test_merged_cells_count_for_all_that_they_cover() -> None:
    rows = sheet_rows(("", "In", "", "Out"), ("Name", "a", "b", "c"), ("x", 1, 2, 3), ("", 4, 5, 6))
    merged = '<mergeCells><mergeCell ref="B1:C1"/><mergeCell ref="A3:A4"/></mergeCells>'
    text = read("a.xlsx", xlsx_file(("S", rows + merged))).text
    assert text.splitlines()[-2:] == [
        "Name: x | In a: 1 | In b: 2 | Out c: 3",
        "Name: x | In a: 4 | In b: 5 | Out c: 6",
    ]


def test_a_million_rows_that_are_not_there_cost_nothing() -> None:
    rows = (
        '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData>'
    )
    assert read("a.xlsx", xlsx_file(("S", rows))).text == "# S\n\n1\n2\n"


def test_more_cells_than_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CELLS", 1_000_000)
    rows = "<sheetData>" + '<row><c r="XFD1"><v>1</v></c></row>' * 100 + "</sheetData>"
    assert "million cells" in refusal("a.xlsx", xlsx_file(("S", rows))).what


def test_text_that_a_workbook_repeats_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 10_000)
    strings = f"<sst><si><t>{'x' * 200}</t></si></sst>"
    rows = "<sheetData>" + '<row><c t="s"><v>0</v></c></row>' * 100 + "</sheetData>"
    assert (
        "holds more than"
        in refusal("a.xlsx", xlsx_file(("S", rows), parts={"sharedStrings": strings})).what
    )


def test_a_workbook_with_entities_is_refused() -> None:
    rows = "<sheetData><row><c t='str'><v>&a;</v></c></row></sheetData>"
    data = xlsx_file(("S", rows))
    assert "damaged" in refusal("a.xlsx", data).what


@pytest.mark.parametrize("name", ["a.xlsx", "a.docx", "a"])
def test_a_protected_office_file_is_refused(name: str) -> None:
    data = ole_file({"EncryptionInfo": b"x", "EncryptedPackage": b"y"})
    assert refusal(name, data).what == f"{name} is protected by a password."


def biff(*records: tuple[int, bytes]) -> bytes:
    """Return the stream of an Excel 2 sheet ([MS-XLS] names its records)."""
    records = ((9, struct.pack("<HH", 2, 0x10)), *records, (10, b""))
    return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in records)


def test_an_old_workbook() -> None:
    head = struct.Struct("<HH3x")
    cells = [
        *((4, head.pack(0, i) + bytes([len(t)]) + t) for i, t in enumerate([b"Name", b"Age"])),
        (4, head.pack(1, 0) + b"\3Ada"),
        (3, head.pack(1, 1) + struct.pack("<d", 36.5)),
    ]
    document = read("a.xls", biff(*cells))
    assert document.kind == "xls"
    assert document.text == "# Sheet 1\n\nName | Age\nName: Ada | Age: 36.5\n"


@pytest.mark.parametrize("data", [b"", b"\x09\x08\x10\0", bytes(range(256)) * 20])
def test_a_broken_old_workbook_is_refused(data: bytes) -> None:
    assert "damaged" in refusal("a.xls", ole_file({"Workbook": data})).what


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("General", "45292", "45292"),
        ("0.00", "0.1", "0.1"),
        ("yyyy-mm-dd", "60", "1900-02-28"),
        ('d" of "mmmm', "45292", "2024-01-01"),
        ("[h]:mm", "1.5", "36:00:00"),
        ("h:mm AM/PM", "0.25", "06:00"),
        ('0.0"days"', "3", "3"),
        ("[Red]0%;[Blue]-0%", "0.5", "50%"),
        ("yyyy", "-1", "-1"),
        ("yyyy", "1e300", "1e+300"),
        ("0", "not a number", "not a number"),
        ("0", "1e-5", "0.00001"),
    ],
)
def test_numbers_as_they_are_shown(code: str, value: str, text: str) -> None:
    assert shown(value, format_of(code)) == text


def test_days_that_count_from_1904() -> None:
    assert shown("0", Format.DATE, since_1904=True) == "1904-01-01"
    assert builtin_format("14") is Format.DATE
    assert builtin_format("x") is Format.PLAIN
