"""Files that are whole or not there."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from llmal.core.files import read_json, write_json, write_whole


def test_what_was_written_is_read_back_to_the_byte(tmp_path: Path):
    path = tmp_path / "a.txt"
    write_whole(path, "ä\r\nb\n")
    assert path.read_bytes() == "ä\r\nb\n".encode()
    write_whole(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert [one.name for one in path.parent.iterdir()] == ["a.txt"]


def test_the_same_content_leaves_the_file_alone(tmp_path: Path):
    path = tmp_path / "a.txt"
    write_whole(path, "same")
    os.utime(path, ns=(1, 1))
    write_whole(path, "same")
    assert path.stat().st_mtime_ns == 1
    write_whole(path, "other")
    assert path.stat().st_mtime_ns > 1


def test_others_may_read_it_as_far_as_the_mask_says(tmp_path: Path):
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "a.json"
    write_json(path, {"a": "ü"})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(folder, "x")
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "no" / "a.txt", "x")
    assert path.read_text(encoding="utf-8") == '{"a": "ü"}'
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.json", "folder"]


def _write(path: Path, letter: str) -> None:
    for _ in range(40):
        write_json(path, {"content": letter * 100_000})
        assert set(read_json(path)["content"]) in ({"a"}, {"b"})


def test_two_processes_at_once_never_mix(tmp_path: Path):
    path = tmp_path / "a.json"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write, args=(path, letter)) for letter in "ab"]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert [one.exitcode for one in workers] == [0, 0]
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("content", ["", "{", "[1]", "7"])
def test_nothing_usable_reads_as_an_empty_mapping(tmp_path: Path, content: str):
    path = tmp_path / "a.json"
    assert read_json(path) == {}
    path.write_text(content)
    assert read_json(path) == {}
    path.write_text(json.dumps({"a": 1}))
    assert read_json(path) == {"a": 1}
