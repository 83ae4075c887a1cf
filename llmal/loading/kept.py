"""Folders of models that llmal has fetched: what was written there, and whether it still is."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from llmal.core.cache_folder import cache_folder
from llmal.core.fingerprint import fingerprint, hash_of_file

MANIFEST = "llmal-model.json"
_PART = ".part-"

State = Literal["whole", "damaged", "absent"]


@dataclass(frozen=True)
class Manifest:
    """What is in a folder.

    Attributes:
        name: Short name of the model.
        weights: Which weights, such as "Q4_1 dequantised to bfloat16".
        source: Where they come from.
        made_with: Package that wrote the folder, with its version.
        files: Size in bytes and SHA-256 of each file.
    """

    name: str
    weights: str
    source: str
    made_with: str
    files: dict[str, tuple[int, str]]

    @property
    def identity(self) -> str:
        """Name, which weights, and a hash of all files."""
        hashes = "".join(f"{name}:{sha}\n" for name, (_, sha) in sorted(self.files.items()))
        return f"{self.name} ({self.weights})@{fingerprint('known model', hashes)}"

    @property
    def megabytes(self) -> int:
        """Size of all files."""
        return sum(size for size, _ in self.files.values()) // 1_000_000


def models_folder() -> Path:
    """Where models are kept."""
    return cache_folder() / "models"


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None if there is none that can be read."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): (int(size), str(sha)) for name, (size, sha) in content["files"].items()}
        return Manifest(
            name=str(content["name"]),
            weights=str(content["weights"]),
            source=str(content["source"]),
            made_with=str(content["made_with"]),
            files=files,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def state_of(folder: Path, *, hashes: bool = False) -> State:
    """Whether a folder holds what was written there, by sizes, and if wanted by hashes."""
    if not folder.is_dir():
        return "absent"
    manifest = read_manifest(folder)
    if manifest is None:
        return "damaged"
    for name, (size, sha) in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            return "damaged"
        if hashes and sha256(path) != sha:
            return "damaged"
    return "whole"


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    return hash_of_file(path).hex()


@contextmanager
def half_made(name: str) -> Iterator[Path]:
    """A folder beside the kept ones, to fill and then `keep`; it is gone at the end in any case.

    To be entered under the model's lock: what a killed process has left is removed first.
    """
    models_folder().mkdir(parents=True, exist_ok=True)
    prefix = f"{_PART}{name}-"
    for leftover in models_folder().glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=prefix, dir=models_folder()))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def keep(made: Path, folder: Path, *, name: str, weights: str, source: str) -> None:
    """Write the manifest of a whole folder, and give the folder its name."""
    import transformers

    files = {
        path.name: (path.stat().st_size, sha256(path))
        for path in sorted(made.iterdir())
        if path.is_file()
    }
    for path in made.iterdir():
        # Written through temporary files, weights are readable by their owner alone; caches may be
        # shared.
        path.chmod(0o644)
    made_with = f"transformers {transformers.__version__}"
    manifest = Manifest(name, weights, source, made_with, files)
    (made / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    made.chmod(0o755)
    if folder.exists():
        shutil.rmtree(folder)
    made.replace(folder)
