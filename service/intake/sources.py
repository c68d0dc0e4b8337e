"""Where a file lies: a folder of this machine, or anything that fsspec reaches."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from service.intake.rows import FileError

_BUFFER = 1 << 20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """A file to be read, opened anew by whoever reads it; it can be sent to another process."""

    name: str
    """The path or URL as the user gave it."""
    gzipped: bool

    @property
    def suffix(self) -> str:
        """Ending of the name in small letters, that of gzip left out: «.csv» of «A.CSV.gz»."""
        path = PurePosixPath(self.name.lower())
        return PurePosixPath(path.stem).suffix if path.suffix == ".gz" else path.suffix

    def open(self) -> BinaryIO:
        """The bytes, unpacked. Seekable; to seek in gzip unpacks up to there. Raises: FileError."""
        file = _open(self.name)
        return cast(BinaryIO, _Unpacked(file)) if self.gzipped else file

    def size(self) -> int:
        """Bytes of the file as it lies there."""
        with _open(self.name) as file:
            return file.seek(0, 2)


class _Unpacked(gzip.GzipFile):
    """Closes the packed file with itself."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed)
        self._packed = packed

    def close(self) -> None:
        """Close both."""
        super().close()
        self._packed.close()


@contextmanager
def of_storage() -> Iterator[None]:
    """What the package of a storage raises, which may be anything of its own, as OSError. Raises: OSError."""
    try:
        yield
    except (OSError, ImportError, ValueError):
        raise
    except Exception as error:
        raise OSError(str(error)) from None


@contextmanager
def told(name: str) -> Iterator[None]:
    """Tell a file that ends too early or breaks off, whoever reads it. Raises: FileError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"{name}: is cut short or damaged ({error}); get it anew") from None
    except OSError as error:
        raise FileError(f"{name}: cannot be read ({error.strerror or error})") from None


def find_source(name: str | Path) -> Source:
    """The file `name`: a path, or a URL such as «s3://bucket/answers.csv». Raises: FileError."""
    with _open(str(name)) as file:
        return Source(str(name), file.read(len(_GZIP)) == _GZIP)


def is_url(name: str) -> bool:
    """Whether `name` is for fsspec.

    >>> is_url("s3://bucket/answers.csv"), is_url("answers.csv")
    (True, False)
    """
    return "://" in name


def _open(name: str) -> BinaryIO:
    try:
        if is_url(name):
            return _open_url(name)
        if Path(name).is_dir():
            raise FileError(f"{name}: is a folder, expected a file")
        return Path(name).open("rb")
    except FileNotFoundError:
        raise FileError(f"{name}: found no such file") from None
    except OSError as error:
        raise FileError(f"{name}: cannot be read ({error.strerror or error})") from None


def _open_url(name: str) -> BinaryIO:
    try:
        import fsspec
    except ImportError:
        raise FileError(f"{name}: reading from URLs needs fsspec; pip install 'otklik[cloud]'") from None
    try:
        with of_storage():
            return cast(BinaryIO, BufferedReader(_Far(fsspec.open(name, "rb").open()), _BUFFER))
    except (ImportError, ValueError) as error:  # a protocol that is not known, or whose package is not there
        raise FileError(f"{name}: cannot be read ({error})") from None


class _Far(RawIOBase):
    """A file of a storage, whose errors are those of files."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401  # fsspec has no types
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # any writable buffer
        with of_storage():
            return int(self._file.readinto(buffer))

    def seek(self, offset: int, whence: int = 0) -> int:
        with of_storage():
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        super().close()
