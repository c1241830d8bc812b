"""Which files the paths on a command line stand for, and what each is called."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ingest.index.errors import InputError


def named_files(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """Return each file once with its document name, in order.

    A file in a folder is named by its way from that folder (`reports/2024.pdf`), a file
    given by itself by its own name. Where two would get the same name, both get the folder
    above in front of it. Hidden files and folders are left out.

    Raises:
        InputError: a path does not exist, or there is no file in any of them.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            for file in _walk(path):
                found.setdefault(file.resolve(), file.relative_to(path))
        elif path.exists():
            found.setdefault(path.resolve(), Path(path.name))
        else:
            raise InputError(f"There is no file or folder {path}.", "Check the path.")
    if not found:
        raise InputError("There are no files in there.", "Name a folder that holds documents.")
    names = {file: name.as_posix() for file, name in found.items()}
    depth = {file: len(Path(name).parts) for file, name in names.items()}
    while repeated := {name for name, count in Counter(names.values()).items() if count > 1}:
        for file, name in names.items():
            if name in repeated:
                depth[file] += 1
                names[file] = Path(*file.parts[-depth[file] :]).as_posix()
    return list(names.items())


def _walk(folder: Path) -> list[Path]:
    files: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
    return [file for file in files if file.is_file()]
