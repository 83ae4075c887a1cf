"""A text file, plain or gzipped, read with the number of the line that has been reached."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from llmal.errors import ConfigError, DataError

AGAIN = "copy or download it again"

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


def open_bytes(path: Path, name: str) -> BinaryIO:
    """Open a file for reading, unpacking it if its name ends in .gz.

    Raises:
        DataError: Its name and its first bytes disagree on whether it is gzipped.
    """
    named = path.suffix.lower() == ".gz"
    with path.open("rb") as stream:
        packed = stream.read(2) == _GZIP_MAGIC
    if named and not packed:
        raise DataError(
            "the file is named .gz but is not gzipped", where=name, fix="rename it or gzip it"
        )
    if packed and not named:
        raise DataError("the file is gzipped but not named .gz", where=name, fix="add .gz")
    return cast(BinaryIO, gzip.open(path, "rb")) if named else path.open("rb")


# In this order: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAME_IT = "name the encoding, such as encoding: cp1252 (--encoding cp1252), or save it as UTF-8"


def check_encoding(encoding: str) -> str:
    """The usual name of an encoding.

    Raises:
        ConfigError: There is no such encoding of text.
    """
    try:
        found = codecs.lookup(encoding)
        "".encode(encoding)
    except (LookupError, ValueError):
        raise ConfigError(
            f"there is no encoding {encoding!r}", fix="such as utf-8, cp1252, latin-1 or utf-16"
        ) from None
    return found.name


def marked_encoding(start: bytes) -> str | None:
    """The encoding that the first bytes of a file are the mark of; None without a mark."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


@dataclass
class TextFile:
    """The text of a file, plain or gzipped, with the line that has been reached.

    Without an encoding it is what the file's byte-order mark says, and UTF-8 if there is none.
    Lines end in a line feed, also behind a carriage return; in a file without any, in a carriage
    return.
    """

    path: Path
    name: str
    encoding: str | None = None
    line: int = 0
    _detected: str = "utf-8"

    @property
    def where(self) -> str:
        return f"{self.name}, line {max(self.line, 1)}"

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes; what goes wrong while they are read becomes a DataError."""
        try:
            with open_bytes(self.path, self.name) as stream:
                yield stream
        except EOFError:
            raise DataError(
                "the gzipped file ends too early, it was cut off", where=self.where, fix=AGAIN
            ) from None
        except (gzip.BadGzipFile, zlib.error):
            raise DataError("the gzipped file is damaged", where=self.where, fix=AGAIN) from None
        except OSError as error:
            raise DataError(
                f"the file cannot be read ({error.strerror or error})", where=self.where
            ) from None

    def lines(self) -> Iterator[str]:
        """Each line with its end, decoded. `line` is the number of the last one given out."""
        with self.open() as stream:
            text = self._decoded(stream, self._newline(stream))
            while True:
                try:
                    line = text.readline()
                except UnicodeDecodeError as error:
                    self.line += 1
                    raise self._invalid(error) from None
                if not line:
                    return
                self.line += 1
                yield self._checked(line.removeprefix("\ufeff") if self.line == 1 else line)

    def chunks(self) -> Iterator[str]:
        """The text in pieces of bounded size. `line` is the line that the last one ends in."""
        self.line = 1
        with self.open() as stream:
            text = self._decoded(stream, "")
            first = True
            while True:
                try:
                    piece = text.read(_CHUNK)
                except UnicodeDecodeError as error:
                    raise self._invalid(error) from None
                if not piece:
                    return
                piece = piece.removeprefix("\ufeff") if first else piece
                first = False
                yield self._checked(piece, count=True)

    def _decoded(self, stream: BinaryIO, newline: str) -> io.TextIOWrapper:
        encoding = self._encoding(stream)
        # Escaped, so that the line of a byte that cannot be read is known.
        return io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline=newline)

    def _encoding(self, stream: BinaryIO) -> str:
        start = _peek(stream)
        mark = marked_encoding(start)
        if self.encoding is not None:
            named = check_encoding(self.encoding)
            if mark is not None and not named.startswith(mark):
                raise DataError(
                    f"the file begins with the mark of {mark.upper()}, and the encoding is named "
                    f"{self.encoding}",
                    where=self.name,
                    fix="leave the encoding out",
                )
            return named
        if mark is None and b"\0" in start:
            little = start[1:2] == b"\0"
            raise DataError(
                "the file holds null bytes, as UTF-16 without a mark does",
                where=self.name,
                fix=f"name the encoding: utf-16-{'le' if little else 'be'} "
                f"(--encoding utf-16-{'le' if little else 'be'})",
            )
        self._detected = mark or "utf-8"
        return self._detected

    def _newline(self, stream: BinaryIO) -> str:
        start = _peek(stream)
        return "\r" if b"\r" in start and b"\n" not in start else "\n"

    def _checked(self, text: str, *, count: bool = False) -> str:
        """The text, if every byte of it could be read; `count` says that it may hold more lines."""
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                self.line += text.count("\n", 0, error.start) if count else 0
                raise self._unreadable(ord(text[error.start]) & 0xFF) from None
        self.line += text.count("\n") if count else 0
        return text

    def _unreadable(self, byte: int) -> DataError:
        named = self.encoding or self._detected.upper()
        fix = _NAME_IT if self.encoding is None else "name the encoding that the file has"
        return DataError(f"byte 0x{byte:02x} is not valid {named}", where=self.where, fix=fix)

    def _invalid(self, error: UnicodeDecodeError) -> DataError:
        return self._unreadable(error.object[error.start])


def _peek(stream: BinaryIO) -> bytes:
    """The first bytes of a stream that has not been read from."""
    assert isinstance(stream, io.BufferedReader | gzip.GzipFile)
    return stream.peek(_CHUNK)
