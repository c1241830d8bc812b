"""Which files the paths on a command line stand for, and what each is called."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder.

    Attributes:
        files: by document name, as `named_files` names them.
        closed: names of the folders and files in it that could not be looked at.
    """

    files: Mapping[str, Path]
    closed: Sequence[str]

    def tells_of(self, name: str) -> bool:
        """Whether a name that is not among the files is not in the folder."""
        return not any(one == "." or f"{name}/".startswith(f"{one}/") for one in self.closed)


def list_folder(folder: Path) -> Listing:
    """Return the files of a folder, hidden ones left out, each file once."""
    closed: list[Path] = []
    files: dict[Path, str] = {}
    for file in _walk(folder, closed.append):
        files.setdefault(file.resolve(), file.relative_to(folder).as_posix())
    return Listing(
        {name: folder / name for name in files.values()},
        [path.relative_to(folder).as_posix() for path in closed],
    )


def _walk(folder: Path, on_closed: Callable[[Path], None] = lambda _: None) -> list[Path]:
    """Return the files below a folder; `on_closed` is told what cannot be looked at."""
    found: list[Path] = []

    def failed(error: OSError) -> None:
        on_closed(Path(error.filename))

    for parent, folders, names in os.walk(folder, onerror=failed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            try:
                if not name.startswith(".") and path.is_file():
                    found.append(path)
            except OSError:
                on_closed(path)
    return found
