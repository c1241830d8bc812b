"""Formats that only LibreOffice reads: it converts them to one that is read here."""

import os
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

from ingest.index.errors import DocumentError
from ingest.loading.loaded import Loaded, Loader

TIME_LIMIT = 180.0
"""Seconds for one file."""

_START_AGAIN = 81
_MODULES = {"docx": "word", "pptx": "slides", "xlsx": "spreadsheet", "pdf": "pdf"}

CONVERSIONS = {
    **dict.fromkeys((".doc", ".dot", ".wri"), ("docx", "an old Word document")),
    **dict.fromkeys((".ppt", ".pps", ".pot"), ("pptx", "an old PowerPoint presentation")),
    **dict.fromkeys((".wps", ".wpd"), ("docx", "a Works or WordPerfect document")),
    **dict.fromkeys((".sxw", ".sdw"), ("docx", "an old StarOffice text")),
    **dict.fromkeys((".sxi", ".sdd"), ("pptx", "an old StarOffice presentation")),
    **dict.fromkeys((".sxc", ".sdc"), ("xlsx", "an old StarOffice spreadsheet")),
    **dict.fromkeys((".vsd", ".vsdx"), ("pdf", "a Visio drawing")),
    ".xlsb": ("xlsx", "a binary Excel workbook"),
    ".pub": ("pdf", "a Publisher document"),
}
"""Extension to the format it is converted to, and what to call it."""


def load(path: Path, name: str, scratch: Path) -> Loaded:
    """Read a file through LibreOffice."""
    from ingest.loading.sniffing import legacy_suffix

    suffix = legacy_suffix(path, name)
    target, words = CONVERSIONS[suffix]
    soffice = program()
    if soffice is None:
        raise DocumentError(
            f"{name} is {words} ({suffix}), which only LibreOffice reads, and it is not installed.",
            f"Install LibreOffice and retry it, or save the file as .{target} and add that.",
        )
    source = scratch / "libreoffice" / f"document{suffix}"
    source.parent.mkdir()
    shutil.copyfile(path, source)
    converted = _convert(soffice, source, target, name)
    loader: Loader = import_module(f"ingest.loading.{_MODULES[target]}").load
    return loader(converted, name, scratch)


def program() -> str | None:
    """Return the program that converts, or None if LibreOffice is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found is None:
        return None
    # `soffice` starts another process; to stop that one, it must be the one started.
    binary = Path(found).resolve().with_name("soffice.bin")
    return str(binary) if binary.exists() else found


def _convert(soffice: str, source: Path, target: str, name: str) -> Path:
    """Return the converted file, beside `source`."""
    folder = source.parent
    command = [
        soffice,
        *("--headless", "--norestore", "--nolockcheck", "--nodefault", "--nofirststartwizard"),
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        *("--convert-to", target, "--outdir", str(folder / "out"), str(source)),
    ]
    try:
        # A first start sets the profile up, and asks for another by its status.
        if _run(command, folder) == _START_AGAIN:
            _run(command, folder)
    except subprocess.TimeoutExpired as error:
        raise DocumentError(
            f"{name} keeps LibreOffice busy for more than {TIME_LIMIT:.0f} seconds.",
            f"Save it as .{target} and add that.",
        ) from error
    converted = folder / "out" / f"{source.stem}.{target}"
    if not converted.exists():
        raise DocumentError(
            f"LibreOffice cannot read {name}; it is damaged or protected by a password.",
            f"Open it in the program it came from, save it as .{target}, and add that.",
        )
    return converted


def _run(command: list[str], home: Path) -> int:
    """Run LibreOffice and return its exit status; it writes nowhere but in `home`."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIME_LIMIT,
        check=False,
        env=os.environ | {"HOME": str(home), "SAL_USE_VCLPLUGIN": "svp"},
    ).returncode
