"""Fingerprints: short texts by which a thing is known again, in another process and another year.

Run directories, caches and files of chosen prompts hold them, so a value that was written once must
come out the same for ever. `SCHEMES` says for each kind of thing what goes into its fingerprint,
and what does not and why. This is the one module that hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Thing = Literal[
    "task",
    "pool",
    "pool view",
    "import of a pool",
    "text",
    "prompt",
    "prompt with values",
    "words of a prompt",
    "chosen prompt",
    "calibrator",
    "model folder",
    "known model",
    "embedder folder",
    "embedder of the hub",
    "hidden states",
    "served embeddings",
    "word statistics",
    "synthetic item",
    "example",
    "measured part of a report",
    "frozen labels",
    "error score",
    "call of label",
]


@dataclass(frozen=True)
class Scheme:
    """How things of one kind are told apart.

    Attributes:
        holds: What goes in: what makes two such things different.
        leaves_out: What does not go in, and why.
        size: Bytes of the hash; the fingerprint has twice as many characters.
        function: The hash function.
        ascii: Whether plain data is hashed as JSON of ASCII alone.
        version: To be raised with every change of what goes in, or how.
    """

    holds: str
    leaves_out: str
    size: int
    function: Literal["blake2b", "sha256"] = "blake2b"
    ascii: bool = True
    version: int = 1


SCHEMES: Mapping[Thing, Scheme] = {
    "task": Scheme(
        "name, kind, labels with descriptions and words, guidelines, text columns",
        "nothing: each of them changes what people or models are asked",
        8,
        function="sha256",
        ascii=False,
    ),
    "pool": Scheme(
        "names of the columns that have a role; ids, texts, gold and extras of all rows, in order",
        "path and format of the file, so that the same rows in another format are the same pool",
        16,
    ),
    "pool view": Scheme(
        "the fingerprint of the whole pool, and the positions in it",
        "the texts, which the fingerprint of the whole stands for",
        16,
    ),
    "import of a pool": Scheme(
        "where the rows come from, and which columns have which role",
        "the rows, which have to be read to be hashed; size and time of the file stand beside it",
        12,
    ),
    "text": Scheme(
        "one text, to the letter", "id, gold and extras: the same text is the same question", 8
    ),
    "prompt": Scheme("the bytes of its file", "the path, which differs between machines", 4),
    "prompt with values": Scheme(
        "the fingerprint of the prompt, and the values that were set", "values left as they are", 4
    ),
    "words of a prompt": Scheme(
        "all that its file says, read",
        "comments, order of keys and the path, so that a copy inside another file is the same",
        4,
    ),
    "chosen prompt": Scheme(
        "all that shapes answers: prompt, style, demonstrations, calibrators, the task, the model",
        "what choosing it cost, which shapes no answer",
        8,
        function="sha256",
    ),
    "calibrator": Scheme("its fitted state", "the scores that it was fitted on", 4),
    "model folder": Scheme(
        "names and sizes of all files, content of small ones, times of the weights",
        "content of the weights: reading gigabytes at each start would take minutes",
        8,
    ),
    "known model": Scheme(
        "names of its files and their SHA-256", "the folder's path, which differs by machine", 8
    ),
    "embedder folder": Scheme(
        "names and content of configuration, vocabulary and weights",
        "files of other kinds, device and batch size: they change no vector",
        8,
    ),
    "embedder of the hub": Scheme("name and commit", "the files, which the commit stands for", 8),
    "word statistics": Scheme("all counts", "the texts, whose counts they are", 8),
    "synthetic item": Scheme("label and text", "when and by which model it was written", 8),
    "example": Scheme("its texts and its label", "other values that it came with", 8),
    "measured part of a report": Scheme(
        "all that the measuring depends on", "how long it took", 16
    ),
    "hidden states": Scheme(
        "the model's own fingerprint, the layer, how the states of a text are pooled, longest text",
        "device and batch size, which change vectors in the last digits alone",
        16,
    ),
    "served embeddings": Scheme(
        "the served model, longest text, pooling and arguments of a server of our own",
        "the server's address and version, which change vectors in the last digits alone",
        16,
    ),
    "frozen labels": Scheme(
        "labels that no person gave, their order, who gave them, and the plan of their audit",
        "nothing: each of them is what a promise is about",
        16,
    ),
    "error score": Scheme(
        "the features, the fitted state, the delivered labels and how likely each is wrong",
        "people's labels, of which nothing but what was learned counts",
        16,
    ),
    "call of label": Scheme(
        "data, task, machine, who plays people, the promise and the seed",
        "budgets, which may be raised to go on",
        8,
    ),
}
"""For each kind of thing, how its fingerprint is made."""


def fingerprint(thing: Thing, content: bytes | str | Mapping[str, Any] | Sequence[Any]) -> str:
    """The fingerprint of a thing, as hexadecimal digits; the same on every machine.

    One of a later version of its scheme begins with the number of that version and a colon.

    Args:
        thing: Its kind.
        content: What goes in: bytes as they are, a text as UTF-8, plain data as JSON with its keys
            sorted.

    Raises:
        TypeError: The data has no form in JSON.
    """
    if not isinstance(content, bytes | str):
        content = json.dumps(content, sort_keys=True, ensure_ascii=SCHEMES[thing].ascii)
    growing = GrowingFingerprint(thing)
    growing.add(_raw(content))
    return growing.value


def version_of(value: str) -> int:
    """Of which version of its scheme a fingerprint is."""
    version, colon, _ = value.partition(":")
    return int(version) if colon else 1


class _Hash(Protocol):
    def update(self, content: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class GrowingFingerprint:
    """The fingerprint of a thing that comes in pieces; only their bytes count, not where one ends.

    Args:
        thing: Its kind.
    """

    def __init__(self, thing: Thing) -> None:
        self._scheme = SCHEMES[thing]
        self._size = self._scheme.size
        self._hash: _Hash = (
            hashlib.sha256()
            if self._scheme.function == "sha256"
            else hashlib.blake2b(digest_size=self._size)
        )

    def add(self, piece: bytes) -> None:
        """Add what comes next."""
        self._hash.update(piece)

    @property
    def value(self) -> str:
        """The fingerprint of all that was added so far."""
        digits = self._hash.hexdigest()[: 2 * self._size]
        return digits if self._scheme.version == 1 else f"{self._scheme.version}:{digits}"


def digest(content: bytes | str, size: int = 16) -> bytes:
    """Bytes of a hash, for keys of caches and for random numbers that follow from a text.

    Args:
        content: A text counts as its UTF-8; half of a surrogate pair is let through.
        size: How many bytes.
    """
    return hashlib.blake2b(_raw(content), digest_size=size).digest()


def frame(parts: Sequence[bytes]) -> bytes:
    """Parts joined so that no other parts give the same bytes; a lone part is itself."""
    if len(parts) == 1:
        return parts[0]
    return b",".join(b"%d" % len(part) for part in parts) + b";" + b"".join(parts)


def hash_of_file(path: Path, function: Literal["sha256", "blake2b"] = "sha256") -> bytes:
    """Hash of the content of a file of any size.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, function).digest()


def _raw(content: bytes | str) -> bytes:
    # Half a surrogate pair is not valid UTF-8, yet JSON files hold such texts.
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
