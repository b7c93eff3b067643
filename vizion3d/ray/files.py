"""Folders of files: on this machine, in S3, in Google's or Azure's storage ..., by pyarrow."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from vizion3d.core.files import write_atomic
from vizion3d.errors import InvalidConfigError, MissingDependencyError

_BY_PYARROW = frozenset({"file", "gs", "gcs", "abfs", "abfss", "hdfs"})
_PART = 8 << 20


@dataclass(frozen=True)
class Files:
    """What lies below an address; can be handed to another process.

    Attributes:
        address: A path, or a URI: ``s3://bucket/photos``, ``gs://...``, ``az://...``. Credentials
            come from where the storage's own tools look for them; ``AWS_ENDPOINT_URL`` names
            another S3 server.
    """

    address: str

    @property
    def is_local(self) -> bool:
        """Whether it is a path on this machine."""
        return "://" not in self.address

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        return _open(self.address)

    def __getstate__(self) -> dict[str, Any]:
        return {"address": self.address}

    def is_folder(self) -> bool:
        """Whether files may lie below it."""
        filesystem, root = self._opened
        return bool(filesystem.get_file_info(root).type.name == "Directory")

    def listed(self) -> dict[str, int]:
        """Every file below: its path from here -> its size in bytes; empty if there is none.

        Files whose name, or a folder's, begins with a dot are left out.
        """
        from pyarrow.fs import FileSelector

        filesystem, root = self._opened
        found = filesystem.get_file_info(FileSelector(root, allow_not_found=True, recursive=True))
        sizes = {}
        for info in found:
            relative = info.path[len(root) :].lstrip("/")
            hidden = any(part.startswith(".") for part in PurePosixPath(relative).parts)
            if info.type.name == "File" and not hidden:
                sizes[relative] = info.size
        return dict(sorted(sizes.items()))

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            OSError: It cannot be read.
        """
        with self.open(path) as file:
            return file.read()

    def open(self, path: str = "") -> BinaryIO:
        """A file, for reading at any place in it; without a path, what the address itself names."""
        filesystem, root = self._opened
        opened: BinaryIO = filesystem.open_input_file(_below(root, path))
        return opened

    def write(self, path: str, content: bytes) -> None:
        """Write a file, which appears when it is complete.

        Raises:
            OSError: It cannot be written.
        """
        if self.is_local:
            write_atomic(Path(self.address) / path, content)
            return
        filesystem, root = self._opened
        with filesystem.open_output_stream(_below(root, path)) as stream:
            stream.write(content)

    def put(self, path: str, file: Path) -> None:
        """Copy a finished file of this machine to here; it appears when it is complete."""
        filesystem, root = self._opened
        if self.is_local:
            target = Path(_below(root, path))
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.{os.getpid()}.part")
            _copy(file, beside.open("wb"))
            beside.replace(target)
            return
        _copy(file, filesystem.open_output_stream(_below(root, path)))

    def delete(self, path: str) -> None:
        """Remove a file."""
        filesystem, root = self._opened
        filesystem.delete_file(_below(root, path))


def split_address(address: str) -> tuple[str, str]:
    """The folder that an address lies in, and its name there."""
    folder, _, name = address.replace(os.sep, "/").rpartition("/")
    return folder or ("/" if address.startswith("/") else "."), name


def lines_of(address: str) -> Iterator[str]:
    """The lines of a list file that are not empty and no comment."""
    with Files(address).open() as file:
        for line in file.read().decode().splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.strip()


def _below(root: str, path: str) -> str:
    return f"{root.rstrip('/')}/{path}" if path else root


def _copy(file: Path, stream: Any) -> None:
    with file.open("rb") as source, stream:
        while part := source.read(_PART):
            stream.write(part)


def _open(address: str) -> tuple[Any, str]:
    fs = require_pyarrow()
    if "://" not in address:
        return fs.LocalFileSystem(), str(Path(address).absolute())
    parts = urlsplit(address)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    try:
        if parts.scheme == "s3" and endpoint and not parts.query:
            return fs.S3FileSystem(
                endpoint_override=endpoint,
                region=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
            ), parts.netloc + parts.path.rstrip("/")
        if parts.scheme == "s3" or parts.scheme in _BY_PYARROW:
            filesystem, root = fs.FileSystem.from_uri(address)
            return filesystem, root.rstrip("/")
        return _by_fsspec(fs, address)
    except (ValueError, OSError) as error:
        raise InvalidConfigError(f"{address} cannot be opened: {error}") from error


def _by_fsspec(fs: Any, address: str) -> tuple[Any, str]:
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise MissingDependencyError(f"{address} cannot be opened: {error}") from error
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), root.rstrip("/")


def require_pyarrow() -> Any:
    """The module ``pyarrow.fs``.

    Raises:
        MissingDependencyError: It is not installed; the message says how to install it.
    """
    try:
        from pyarrow import fs
    except ImportError as error:
        raise MissingDependencyError(
            f"pyarrow cannot be imported ({error}): batch jobs need pip install 'vizion3d[ray]'"
        ) from error
    return fs
