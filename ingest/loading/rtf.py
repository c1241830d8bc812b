"""Rich text (.rtf): its words, headings by their outline level, tables by their rows.

Rich Text Format specification 1.9.1: control words, destinations, and character sets.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.index.documents import Document
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded
from ingest.loading.tables import table_lines

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?[ ]?"
    r"|\\'(?P<hex>[0-9a-fA-F]{2})"
    r"|\\(?P<symbol>[^a-zA-Z'])"
    r"|(?P<brace>[{}])"
    r"|(?P<text>[^\\{}\r\n]+)"
)
_IGNORED = frozenset(
    {
        *("colortbl", "info", "pict", "object", "header", "headerl", "headerr", "headerf"),
        *("footer", "footerl", "footerr", "footerf", "themedata", "colorschememapping"),
        *("datastore", "latentstyles", "listtable", "listoverridetable", "rsidtbl", "fldinst"),
        *("nonshppict", "generator", "xmlnstbl", "filetbl", "revtbl", "annotation", "atnid"),
        *("atnauthor", "atrfstart", "atrfend", "bkmkstart", "bkmkend", "xe", "tc", "template"),
        *("mmathPr", "sp", "pnseclvl", "ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "private"),
    }
)
_READ_THOUGH_STARRED = frozenset({"shpinst", "shptxt", "shppict", "footnote", "fldrslt"})
_CHARACTERS = {
    **{"tab": "\t", "line": "\n", "lbr": "\n", "softline": "\n", "emdash": "—", "endash": "–"},
    **{"bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”"},
    **{"emspace": " ", "enspace": " ", "qmspace": " "},
}
_SYMBOLS = {"~": " ", "_": "-", "\\": "\\", "{": "{", "}": "}", "\n": "\n", "\r": "\n"}
_CODECS = {
    **{0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030"},
    **{136: "cp950", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255"},
    **{178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250"},
}
_HEADING_STYLE = re.compile(r"(?:heading ([1-9])|title);", re.IGNORECASE)
_PARAGRAPH_ENDS = frozenset({"par", "sect", "page", "column"})
_DEEPEST = 9


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits from the group around it."""

    destination: str = ""
    ignored: bool = False
    hidden: bool = False
    codec: str = ""
    skip: int = 1
    level: int = 0
    in_table: bool = False


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a rich text file."""
    return Loaded(from_rtf(path.read_bytes(), "rtf", name))


def from_rtf(data: bytes, kind: str, name: str) -> Document:
    """Return the document of kind `kind` that rich text says."""
    reader = _Reader(Builder(kind, name))
    reader.read(data.decode("latin-1"))
    return reader.finish()


class _Reader:
    """Follows control words, and adds paragraphs and tables to a builder."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._state = _State()
        self._stack: list[_State] = []
        self._starred = False
        self._default = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._style = 0
        self._levels: dict[int, int] = {}
        self._bytes = bytearray()
        self._skip = 0
        self._surrogate = 0
        self._paragraph: list[str] = []
        self._cells: list[str] = []
        self._rows: list[list[str]] = []
        self._header_rows = 0

    def read(self, source: str) -> None:
        """Take the whole file, one character a byte."""
        position = 0
        while match := _TOKEN.search(source, position):
            position = match.end()
            if match["word"]:
                number = int(match["number"]) if match["number"] else None
                if match["word"] == "bin":
                    position += max(number or 0, 0)
                else:
                    self._flush()
                    self._control(match["word"], number)
            elif match["hex"]:
                if self._skip:
                    self._skip -= 1
                else:
                    self._bytes.append(int(match["hex"], 16))
            elif match["brace"]:
                self._flush()
                self._group(match["brace"])
            elif match["symbol"]:
                self._flush()
                self._symbol(match["symbol"])
            else:
                text = match["text"][self._skip :]
                self._skip = max(0, self._skip - len(match["text"]))
                self._bytes += text.encode("latin-1")

    def finish(self) -> Document:
        """Return the document."""
        self._flush()
        self._end_paragraph()
        self._end_table()
        return self._builder.document()

    def _group(self, brace: str) -> None:
        self._skip = 0
        self._starred = False
        if brace == "{":
            self._stack.append(self._state)
        elif self._stack:
            if self._state.destination == "footnote" != self._stack[-1].destination:
                self._add(")")
            self._state = self._stack.pop()

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._starred = True
        elif self._skip:
            self._skip -= 1
        elif symbol in "\r\n":
            self._end_paragraph()
        else:
            self._add(_SYMBOLS.get(symbol, ""))

    def _control(self, word: str, number: int | None) -> None:
        state = self._state
        starred, self._starred = self._starred, False
        if self._destination(word, starred):
            return
        if word == "u" and number is not None:
            self._unicode(number % 65_536)
            self._skip = state.skip
        elif word == "uc":
            self._state = replace(state, skip=max(number or 0, 0))
        elif word == "ansicpg" and number:
            self._default = f"cp{number}"
        elif word in {"f", "fcharset"}:
            self._choose_font(word, number or 0)
        elif word in {"s", "outlinelevel"}:
            self._choose_level(word, number or 0)
        elif word in {"v", "deleted"}:
            self._state = replace(state, hidden=number != 0)
        elif word in {"pard", "plain"}:
            if word == "pard":
                self._state = replace(state, level=0, in_table=False)
            else:
                self._state = replace(state, hidden=False)
        elif word == "intbl":
            self._state = replace(state, in_table=True)
        else:
            self._text_control(word)

    def _text_control(self, word: str) -> None:
        if self._state.ignored:
            return
        if word in _CHARACTERS:
            self._add(_CHARACTERS[word])
        elif word in _PARAGRAPH_ENDS:
            if self._state.in_table or self._cells or self._state.destination == "footnote":
                self._add(" ")
            else:
                self._end_paragraph()
        elif word in {"cell", "nestcell"}:
            self._cells.append("".join(self._paragraph))
            self._paragraph.clear()
        elif word in {"row", "nestrow"}:
            self._rows.append(self._cells)
            self._cells = []
        elif word == "trhdr" and self._header_rows == len(self._rows):
            self._header_rows += 1

    def _destination(self, word: str, starred: bool) -> bool:
        """Enter a destination; return whether the word was one."""
        state = self._state
        if word in {"fonttbl", "stylesheet"}:
            self._state = replace(state, destination=word, ignored=True)
        elif word in {"listtext", "pntext"}:
            self._state = replace(state, ignored=True)
            if not state.ignored and not self._paragraph:
                self._paragraph.append("* ")
        elif word in _IGNORED or (starred and word not in _READ_THOUGH_STARRED):
            self._state = replace(state, ignored=True, destination=word)
        elif word == "footnote":
            self._add(" (")
            self._state = replace(state, destination=word)
        else:
            return starred
        return True

    def _choose_font(self, word: str, number: int) -> None:
        if word == "f":
            self._font = number
        if self._state.destination == "fonttbl":
            if word == "fcharset" and number in _CODECS:
                self._fonts[self._font] = _CODECS[number]
        elif word == "f":
            self._state = replace(self._state, codec=self._fonts.get(number, ""))

    def _choose_level(self, word: str, number: int) -> None:
        if self._state.destination == "stylesheet":
            if word == "s":
                self._style = number
            elif number < _DEEPEST:
                self._levels[self._style] = number + 1
        elif word == "s":
            self._state = replace(self._state, level=self._levels.get(number, 0))
        else:
            self._state = replace(self._state, level=number + 1 if number < _DEEPEST else 0)

    def _unicode(self, code: int) -> None:
        if 0xD800 <= code < 0xDC00:
            self._surrogate = code
        elif 0xDC00 <= code < 0xE000:
            if self._surrogate:
                self._add(chr(0x10000 + ((self._surrogate - 0xD800) << 10) + code - 0xDC00))
            self._surrogate = 0
        else:
            # Symbol fonts put their characters into the private area.
            self._add(chr(code - 0xF000) if 0xF020 <= code <= 0xF0FF else chr(code))

    def _flush(self) -> None:
        """Decode the bytes collected so far, which may be halves of characters one by one."""
        if not self._bytes:
            return
        if self._state.destination == "stylesheet" and (
            match := _HEADING_STYLE.match(self._bytes.decode("latin-1"))
        ):
            self._levels.setdefault(self._style, int(match[1] or 1))
        if not self._state.ignored and not self._state.hidden:
            try:
                text = self._bytes.decode(self._state.codec or self._default, "replace")
            except LookupError:
                text = self._bytes.decode("cp1252", "replace")
            self._add(text)
        self._bytes.clear()

    def _add(self, text: str) -> None:
        if text and not self._state.ignored and not self._state.hidden:
            self._paragraph.append(text)

    def _end_paragraph(self) -> None:
        text = "".join(self._paragraph)
        self._paragraph.clear()
        if self._cells:  # a table that ends without the end of its row
            self._rows.append([*self._cells, text])
            self._cells = []
            text = ""
        if not text.strip():
            if self._rows:
                self._end_table()
            return
        self._end_table()
        if self._state.level:
            self._builder.heading(self._state.level, text)
        else:
            self._builder.paragraph("\n".join(line.strip() for line in text.split("\n")))

    def _end_table(self) -> None:
        header = self._header_rows if 0 < self._header_rows < len(self._rows) else None
        self._builder.lines(table_lines(self._rows, header))
        self._rows = []
        self._header_rows = 0
