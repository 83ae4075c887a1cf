"""Pools from every source: what comes in comes out again, memory-mapped and cached."""

from __future__ import annotations

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pytest

from llmal.errors import DataError
from llmal.pool import Pool
from llmal.task import Task

ROWS = [
    {"id": "a1", "text": 'He said "no", twice', "label": "Neg", "source": "x"},
    {"id": "a2", "text": "über\nzwei Zeilen", "label": None, "source": "y"},
    {"id": "a3", "text": "good, good", "label": "Pos", "source": ""},
]


def _write(path: Path, rows: list[dict]) -> Path:
    """Write rows in the format that the name of the file says."""
    kind = path.name.removesuffix(".gz").rsplit(".", 1)[-1]
    plain = path.with_name(path.name.removesuffix(".gz"))
    frame = pd.DataFrame(rows)
    if kind in {"csv", "tsv"}:
        frame.to_csv(plain, index=False, sep="," if kind == "csv" else "\t")
    elif kind == "parquet":
        frame.to_parquet(plain)
    elif kind == "json":
        plain.write_text(json.dumps(rows, indent=2, ensure_ascii=False), encoding="utf-8")
    else:
        plain.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    if path != plain:
        path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "ndjson", "json", "parquet"])
def test_every_format_gives_the_same_pool(tmp_path, kind, packed):
    file = _write(tmp_path / f"rows.{kind}{packed}", ROWS)
    pool = Pool.from_file(file, gold="label", cache=tmp_path / "cache")

    assert [item.id for item in pool] == ["a1", "a2", "a3"]
    assert pool.texts() == [row["text"] for row in ROWS]
    assert pool.gold() == ["Neg", None, "Pos"]
    assert [item.extra for item in pool] == [{"source": "x"}, {"source": "y"}, {"source": ""}]
    same = Pool.from_pandas(pd.DataFrame(ROWS), gold="label", cache=tmp_path / "cache")
    assert pool.fingerprint == same.fingerprint


def test_pair_of_text_columns(tmp_path):
    rows = [{"a": "x", "b": "y\nz"}, {"a": "x\ny", "b": "z"}]
    pool = Pool.from_file(_write(tmp_path / "p.jsonl", rows), text=["a", "b"], cache=tmp_path)

    assert pool.text_columns == ("a", "b")
    assert pool[1].fields == {"a": "x\ny", "b": "z"}
    assert pool.texts() == ["x\ny\nz", "x\ny\nz"]
    assert pool.duplicates == 0, "the joined texts are equal, the pairs are not"
    assert len(set(pool.ids())) == 2


def test_ids_come_from_the_named_column_else_id_else_content(tmp_path):
    rows = [{"id": 7, "key": "k1", "text": "t"}, {"id": 8, "key": "k2", "text": "u"}]
    file = _write(tmp_path / "p.jsonl", rows)
    assert Pool.from_file(file, cache=tmp_path).ids() == ["7", "8"]
    named = Pool.from_file(file, id="key", cache=tmp_path)
    assert named.ids() == ["k1", "k2"]
    assert named[0].extra == {"id": 7}

    made = Pool.from_texts(["t", "u", "t", "t", "u"], cache=tmp_path)
    t, u = made.ids([0, 1])
    assert made.ids() == [t, u, f"{t}-2", f"{t}-3", f"{u}-2"]
    assert made.positions(made.ids()[::-1]).tolist() == [4, 3, 2, 1, 0]
    assert Pool.from_texts(["u"], cache=tmp_path).ids() == [u]


def test_extras_of_mixed_types_come_back_as_they_were(tmp_path):
    extras = [1, 1.5, "1", None, [1, {"a": None}], {"b": True}]
    rows = [{"text": f"t{n}", "extra": value} for n, value in enumerate(extras * 2000)]
    rows.append({"text": "last", "late": 3})
    pool = Pool.from_file(_write(tmp_path / "p.jsonl", rows), cache=tmp_path)
    assert [item.extra["extra"] for item in pool[:-1]] == extras * 2000
    assert pool[-1].extra == {"late": 3}


def test_frame_with_missing_values_times_and_numbers(tmp_path):
    frame = pd.DataFrame(
        {
            "text": ["a", "b"],
            "gold": ["x", np.nan],
            "count": np.array([1, 2], dtype="int16"),
            "day": [date(2020, 1, 2), None],
            0: [b"\x00", b"\x01"],
        },
        index=["r", "s"],
    )
    pool = Pool.from_pandas(frame, gold="gold", cache=tmp_path)
    assert pool.gold() == ["x", None]
    assert pool[0].extra == {"count": 1, "day": "2020-01-02", "0": "AA=="}
    assert pool[1].extra["day"] is None


def test_dataset_with_class_names(tmp_path):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    data = datasets.Dataset.from_dict(
        {"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features
    )
    assert Pool.from_dataset(data, gold="label", cache=tmp_path).gold() == ["yes", "no", None]
    other = data.select([2, 0])
    assert Pool.from_dataset(other, gold="label", cache=tmp_path).texts() == ["c", "a"]
    assert Pool.from_dataset(data, gold="label", cache=tmp_path).texts() == ["a", "b", "c"]

    data.to_parquet(str(tmp_path / "d.parquet"))
    assert Pool.from_file(tmp_path / "d.parquet", gold="label", cache=tmp_path).gold_counts() == {
        "no": 1,
        "yes": 1,
    }


def test_hub_without_network_is_one_sentence(tmp_path):
    code = (
        "from llmal.pool import Pool; from llmal.errors import DataError\n"
        "try: Pool.from_hub('somebody/no-such-texts')\n"
        "except DataError as error: print(error)"
    )
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert "somebody/no-such-texts[train]: the data set cannot be had" in done.stdout
    assert "Pool.from_file" in done.stdout


def test_byte_order_mark_is_not_part_of_the_first_column(tmp_path):
    for name, content in {"p.csv": "text\nhello\n", "p.json": '[{"text": "hello"}]'}.items():
        (tmp_path / name).write_text("\ufeff" + content, encoding="utf-8")
        assert Pool.from_file(tmp_path / name, cache=tmp_path).texts() == ["hello"]


def test_json_list_larger_than_the_read_buffer(tmp_path):
    rows = [{"text": f"{n} " + "ü[{" * (n % 97) * 30, "n": n} for n in range(1500)]
    for indent in (None, 1):
        file = tmp_path / f"p{indent}.json"
        file.write_text(json.dumps(rows, indent=indent, ensure_ascii=False), encoding="utf-8")
        assert file.stat().st_size > 3 << 20
        pool = Pool.from_file(file, cache=tmp_path)
        assert pool.texts() == [row["text"] for row in rows]
        assert pool.where(1000) == f"{file}, line {1 if indent is None else 2 + 4 * 1000}"


def test_second_opening_reads_the_cache_and_a_changed_file_does_not(tmp_path):
    file = _write(tmp_path / "p.jsonl", [{"text": "one"}, {"text": "two"}])
    Pool.from_file(file, cache=tmp_path / "cache")
    status = file.stat()
    file.write_text(file.read_text().replace("one", "uno"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert Pool.from_file(file, cache=tmp_path / "cache").texts() == ["one", "two"]

    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert Pool.from_file(file, cache=tmp_path / "cache").texts() == ["uno", "two"]
    folders = [one for one in (tmp_path / "cache" / "pools").iterdir() if one.is_dir()]
    assert len(folders) == 1, "the import of the earlier content is removed"


def test_old_pool_stays_readable_when_its_file_changes(tmp_path):
    file = _write(tmp_path / "p.jsonl", [{"text": "one"}])
    old = Pool.from_file(file, cache=tmp_path / "cache")
    _write(file, [{"text": "another"}])
    new = Pool.from_file(file, cache=tmp_path / "cache")
    assert (old.texts(), new.texts()) == (["one"], ["another"])


def test_damaged_import_is_made_again_and_said(tmp_path, caplog):
    file = _write(tmp_path / "p.jsonl", [{"text": "one"}])
    Pool.from_file(file, cache=tmp_path / "cache")
    [rows] = (tmp_path / "cache").glob("pools/*/rows.arrow")
    os.truncate(rows, rows.stat().st_size // 2)
    assert Pool.from_file(file, cache=tmp_path / "cache").texts() == ["one"]
    assert "damaged" in caplog.text


def test_failed_import_leaves_nothing_and_a_killed_one_is_cleared(tmp_path):
    file = _write(tmp_path / "p.jsonl", [{"text": "one"}, {"text": None}])
    with pytest.raises(DataError):
        Pool.from_file(file, cache=tmp_path / "cache")
    [lock] = (tmp_path / "cache" / "pools").iterdir()
    left = lock.with_name(lock.name.replace(".lock", ".part-killed"))
    left.mkdir()
    _write(file, [{"text": "one"}])
    Pool.from_file(file, cache=tmp_path / "cache")
    assert not left.exists()


def test_import_killed_in_the_middle_is_done_again(tmp_path):
    rows = [{"text": f"text {n}", "label": "x"} for n in range(100_000)]
    file = tmp_path / "p.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    # The kernel kills it when a file of its own passes a size, which Python would ignore.
    code = (
        "import resource, signal, sys\n"
        "from llmal.pool import Pool\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "Pool.from_file(sys.argv[1], cache=sys.argv[2])"
    )
    cache = tmp_path / "cache"
    ended = subprocess.run([sys.executable, "-c", code, str(file), str(cache)], check=False)
    assert ended.returncode == -signal.SIGXFSZ
    (written,) = (cache / "pools").glob("*.part-*/rows.arrow")
    assert written.stat().st_size > 0

    assert len(Pool.from_file(file, cache=cache)) == 100_000
    assert not list((cache / "pools").glob("*.part-*"))


def test_two_processes_import_at_once(tmp_path):
    file = _write(tmp_path / "p.jsonl", [{"text": f"text {n}"} for n in range(5000)])
    code = (
        "import sys; from llmal.pool import Pool\n"
        "print(Pool.from_file(sys.argv[1], cache=sys.argv[2]).fingerprint)"
    )
    command = [sys.executable, "-c", code, str(file), str(tmp_path / "cache")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [one.communicate(timeout=120)[0] for one in running]
    assert outputs[0] == outputs[1] == Pool.from_file(file, cache=tmp_path).fingerprint + "\n"


def test_cache_directory_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path / "mine"))
    Pool.from_texts(["a"])
    assert (tmp_path / "mine" / "pools").is_dir()


def test_repeated_and_empty_texts_are_reported_at_every_opening(tmp_path, caplog):
    rows = [{"text": text} for text in ["a", "b", " ", "b", "a", "b"]]
    file = _write(tmp_path / "p.jsonl", rows)
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="llmal.pool"):
            Pool.from_file(file, cache=tmp_path)
        assert [record.getMessage() for record in caplog.records] == [
            f"{file}: 3 of 6 texts repeat an earlier one, first at lines 2 and 4",
            f"{file}: 1 of 6 texts are empty, first at line 3",
        ]


def test_real_data(shared, tmp_path):
    file = shared / "data" / "trec6" / "train.jsonl.gz"
    pool = Pool.from_file(file, gold="label", cache=tmp_path)
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    assert pool.texts() == [row["text"] for row in rows]
    assert sum(pool.gold_counts().values()) == len(rows)
    assert pool.duplicates == len(rows) - len({row["text"] for row in rows})
    task = Task("trec", sorted({row["label"] for row in rows}))
    assert pool.match_labels(task) is pool, "nothing is spelt in another way"
