"""Plain text, and the way from bytes to characters that other families share."""

import codecs
import unicodedata
from collections import Counter
from pathlib import Path

from ingest.index.documents import Document
from ingest.index.errors import DocumentError
from ingest.loading.loaded import Loaded

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SAMPLE = 65_536
_FEWEST = 8
_CONTROLS = dict.fromkeys(set(range(32)) - set(b"\b\t\n\f\r\x1b"))
_MAX_CONTROL_SHARE = 0.1

# In use before UTF-8, one per script; more candidates only make short texts ambiguous.
_LEGACY_CODECS = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("koi8_r", "cp932", "euc_jp", "gb18030", "big5", "euc_kr"),
]

# Where the evidence is about equal, the Western code page is the likeliest by far.
_LEAD = {"cp1252": 0.1}


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a plain text file as it stands."""
    return Loaded(Document(decode(path.read_bytes(), name), "text"))


def decode(data: bytes, name: str) -> str:
    """Return the characters of a text file, line ends untouched, its byte order mark removed.

    Raises:
        DocumentError: if the bytes are not text.
    """
    if codec := wide_codec(data):
        text = data.decode(codec, "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = _decode_unknown(data, name)
    if _is_control_heavy(text[:_SAMPLE]):
        raise not_readable(name)
    return clean(text)


def clean(text: str) -> str:
    """Replace what no database or JSON takes: NULs and halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\ufffd")


def looks_binary(head: bytes) -> bool:
    """Tell from its first bytes whether a file is something else than text."""
    if wide_codec(head):
        return False
    return b"\0" in head or _is_control_heavy(head.decode("latin-1"))


def wide_codec(data: bytes) -> str | None:
    """Return the UTF-16 or UTF-32 codec of `data`, or None if it is in neither."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return codec
    sample = data[:_SAMPLE]
    if 0 not in sample or len(data) % 2:
        return None
    half = len(sample) / 2
    # Without a mark, UTF-16 shows by the zero half of each Latin letter, other scripts by theirs.
    zeros = (sample[::2].count(0), sample[1::2].count(0))
    if min(zeros) < 0.05 * half and max(zeros) > 0.5 * half:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return next((codec for codec in _WIDE if _is_text_in(sample, codec)), None)


def _is_text_in(sample: bytes, codec: str) -> bool:
    """Whether a sample, decoded so, is written in one script: other bytes are in all of them."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return False
    known = sum(unicodedata.category(character)[0] in "LMNPSZ" for character in text)
    if len(text) < _FEWEST or known + sum(map(text.count, "\n\r\t")) < 0.98 * len(text):
        return False
    blocks = Counter(ord(character) >> 8 for character in text)
    del blocks[0xFF]  # full-width Latin letters, or sound: its samples are near zero
    (_, first), (_, second) = (*blocks.most_common(2), (0, 0))[:2]
    kanji = sum(count for block, count in blocks.items() if 0x4E <= block <= 0x9F)
    written = max(first + second, blocks[0x30] + kanji + blocks[0] if blocks[0x30] > kanji else 0)
    return written > 0.95 * len(text)


def not_readable(name: str) -> DocumentError:
    """Return the error for a file that no loader reads."""
    return DocumentError(
        f"{name} is not a type of file that can be read.",
        "Add a PDF, an Office or OpenDocument file, an e-mail, a web page or a text.",
    )


def _decode_unknown(data: bytes, name: str) -> str:
    """Decode bytes that are not valid UTF-8."""
    if b"\0" in data:
        raise not_readable(name)
    repaired = data.decode("utf-8-sig", "replace")
    damaged = repaired.count("\ufffd")
    whole = len(repaired) - len(repaired.encode("ascii", "ignore")) - damaged
    if whole > 10 * damaged:
        return repaired

    from charset_normalizer import from_bytes  # heavy, and seldom needed

    matches = list(from_bytes(data, cp_isolation=_LEGACY_CODECS))
    if not matches:
        raise not_readable(name)
    best = min(matches, key=lambda m: (round(m.chaos, 2), -m.coherence - _LEAD.get(m.encoding, 0)))
    return data.decode(best.encoding, "replace")


def _is_control_heavy(text: str) -> bool:
    controls = len(text) - len(text.translate(_CONTROLS))
    return controls > _MAX_CONTROL_SHARE * len(text)
