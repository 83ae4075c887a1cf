"""A text file, plain or gzipped, read with the number of the line that has been reached."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from llmal.errors import DataError

AGAIN = "copy or download it again"

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


def open_bytes(path: Path, name: str) -> IO[bytes]:
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
    return cast(IO[bytes], gzip.open(path, "rb")) if named else path.open("rb")


@dataclass
class TextFile:
    """The text of a file, plain or gzipped, with the line that has been reached."""

    path: Path
    name: str
    line: int = 0

    @property
    def where(self) -> str:
        return f"{self.name}, line {max(self.line, 1)}"

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
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
            for raw in stream:
                self.line += 1
                try:
                    line = raw.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise self._invalid(error) from None
                yield line.removeprefix("\ufeff") if self.line == 1 else line

    def chunks(self) -> Iterator[str]:
        """The text in pieces of bounded size. `line` is the line that the last one ends in."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        self.line = 1
        with self.open() as stream:
            first = True
            while True:
                raw = stream.read(_CHUNK)
                try:
                    text = decoder.decode(raw, final=not raw)
                except UnicodeDecodeError as error:
                    self.line += error.object[: error.start].count(b"\n")
                    raise self._invalid(error) from None
                self.line += text.count("\n")
                if text:
                    yield text.removeprefix("\ufeff") if first else text
                    first = False
                if not raw:
                    return

    def _invalid(self, error: UnicodeDecodeError) -> DataError:
        byte = error.object[error.start]
        return DataError(
            f"byte 0x{byte:02x} is not valid UTF-8", where=self.where, fix="save the file as UTF-8"
        )
