"""How much one file may unpack to, and the sentences for files that hold more."""

from ingest.index.errors import DocumentError

MAX_CHARACTERS = 100_000_000
"""Characters of one document."""

MAX_CELLS = 20_000_000
"""Cells of one workbook."""

MAX_UNPACKED = 500_000_000
"""Bytes that one compressed file may unpack to."""


def too_long(name: str) -> DocumentError:
    """Return the error for a file with more text than is taken."""
    return DocumentError(
        f"{name} holds more than {MAX_CHARACTERS // 1_000_000} million characters.",
        "Split it into smaller files and add those.",
    )


def too_many_cells(name: str) -> DocumentError:
    """Return the error for a workbook of more cells than are taken."""
    return DocumentError(
        f"{name} has more than {MAX_CELLS // 1_000_000} million cells.",
        "Split it into smaller workbooks and add those.",
    )


def unpacks_too_far(name: str) -> DocumentError:
    """Return the error for a compressed file that unpacks to more than is taken."""
    return DocumentError(
        f"{name} unpacks to more than {MAX_UNPACKED // 1_000_000} MB.",
        "Split it into smaller files and add those.",
    )


def protected(name: str) -> DocumentError:
    """Return the error for a file that opens with a password only."""
    return DocumentError(
        f"{name} is protected by a password.", "Save a copy without the password and add that."
    )


def damaged(name: str) -> DocumentError:
    """Return the error for a file that its own format does not allow."""
    return DocumentError(
        f"{name} is damaged and cannot be read.",
        "Open it in the program it came from, save it again, and add the new copy.",
    )
