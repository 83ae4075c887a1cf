"""Fingerprints are those that run directories, caches and files hold already."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from pathlib import Path

import pytest

import llmal
from llmal.annotators.protocol import Context
from llmal.calibration import from_dict
from llmal.core import fingerprint as fingerprints
from llmal.core.fingerprint import (
    SCHEMES,
    GrowingFingerprint,
    fingerprint,
    frame,
    version_of,
)
from llmal.core.records import Item
from llmal.embed.cache import text_keys
from llmal.embed.sentence import hash_of_directory
from llmal.few_shot.chosen import ChosenPrompt
from llmal.few_shot.prompt import in_short
from llmal.lm.cache import cache_key
from llmal.lm.encoder import model_hash
from llmal.lm.trie import Trie
from llmal.loading.kept import Manifest
from llmal.perturb.draws import seed_of, streams, text_hashes
from llmal.perturb.statistics import CorpusStatistics
from llmal.pool import Pool
from llmal.pool.index import content_ids, hash_id
from llmal.pool.text_keys import text_key
from llmal.prompting import load_prompt
from llmal.prompting.scorer import prompt_key
from llmal.task import Label, Task

_TEMPERATURE = {
    "calibrator": "temperature",
    "format": 1,
    "options": {"normalise": "sum", "ridge": 0.1},
    "state": {"temperature": 1.5},
    "fitted_on": {"fits_on": "labels", "rows": 4, "columns": 3, "label_counts": [1, 2, 1]},
    "source": {},
}

KEPT: dict[str, object] = {
    "task": "824d276437f6ee63",
    "task multi": "a67d219b28ad0e93",
    "pool": "da55465b3d43285b819bb39b3b77e079",
    "pool view": "b064544280e9c0e95e6f06708b81404a",
    "pool without ids": "660af891004136c8bceb9fea3b0957f3",
    "its ids": ["c88d4df74262143a", "d681734f8c454b90", "c88d4df74262143a-2"],
    "content ids": ["c88d4df74262143a", "d681734f8c454b90", "c88d4df74262143a-2"],
    "prompt": "small@3#c05e8793",
    "prompt with values": "small@3#eeff02ef",
    "words of a prompt": "0fd8a567",
    "chosen prompt": "667a289bdb2ad42a",
    "calibrator": "Temperature#0f636cf7",
    "model folder": "66e1ac157ee08ad2",
    "known model": "m (Q8)@735124d64c2428c4",
    "embedder folder": "d601d4e3288a5187",
    "word statistics": "eb2f9c579f0cd531",
    "key of an answer": "b5e610190e5310b248f89e8077d7baf736ea5aa6613e7df408703dbca913e2d6",
    "key of a chat prompt": "0cce375b90292e9f29a28201067368f2",
    "key of a prompt": "930a96c513c8d55b7e8d96de05530629",
    "key of a trie": "747dfec26c301bcb53fdf56b20e22702",
    "keys of texts": ["c88d4df74262143a08e9d190e3bd67f1", "b4fe3de0239399efbfffc79686f435f9"],
    "hash of an id": 2012317400386921887,
    "key of a text": 7047407265229038805,
    "seed of a copy": 102415102,
    "streams": [1881619955928223116],
    "draw of an annotator": 669669511,
}
"""What the version before this module made of the same things."""

PROMPT = """\
name: small
version: 3
inputs: [task, item, demonstrations]
defaults: {heading: Text}
completion: "{{ heading }}: {{ item.text }}\\nLabel:"
candidate: {completion: " {{ word }}"}
"""


def _values(folder: Path) -> dict[str, object]:
    """One of each kind that stands in files, or that picks and answers follow from."""
    labels = [Label("No", "née: it # is"), Label("null", "a\nb", ("x: y", "true")), Label("10")]
    task = Task("t", labels, guidelines=" What: is\n  asked 漢字?\n\n", text=("a", "b"))
    rows = [{"id": f"{n}", "text": f"text {n % 3}", "gold": "No", "more": n} for n in range(5)]
    pool = Pool.from_pandas(rows, gold="gold", cache=folder)
    without_ids = Pool.from_texts(["one", "two", "one"], cache=folder)
    path = folder / "small.yaml"
    path.write_text(PROMPT, encoding="utf-8")
    prompt = load_prompt(path)
    shown = Item("d1", "one\ntwo", {"a": "one", "b": "two"}, "No")
    named = replace(prompt, source="small.yaml").with_values({"heading": "Input"})
    chosen = ChosenPrompt(task, named, "completion", demonstrations=(shown,), shots=1, seed=4)
    model = folder / "model"
    model.mkdir()
    for name, content in (("config.json", "{}"), ("weights.safetensors", "abc"), ("a.md", "x")):
        (model / name).write_text(content)
        os.utime(model / name, ns=(10**18, 10**18))
    manifest = Manifest("m", "Q8", "here", "by hand", {"b": (3, "ff"), "a": (1, "00")})
    statistics = CorpusStatistics.of(["one two two", "two three", ""])
    temperature = from_dict(_TEMPERATURE)
    trie = Trie([[1, 2], [1, 3], [4]], ["a", "b", "c"], end=0)
    message = [{"role": "user", "content": "Hé"}, {"role": "assistant", "content": "x"}]
    return {
        "task": task.fingerprint,
        "task multi": Task("t", ["a", "b"], kind="multi").fingerprint,
        "pool": pool.fingerprint,
        "pool view": pool[1:4].fingerprint,
        "pool without ids": without_ids.fingerprint,
        "its ids": without_ids.ids(),
        "content ids": [*content_ids(["one", "two", "one"])],
        "prompt": prompt.key,
        "prompt with values": prompt.with_values({"heading": "Input"}).key,
        "words of a prompt": chosen.as_dict()["prompt"]["hash"],
        "chosen prompt": chosen.fingerprint,
        "calibrator": in_short(temperature),
        "model folder": model_hash(model),
        "known model": manifest.identity,
        "embedder folder": hash_of_directory(model),
        "word statistics": statistics.fingerprint,
        "key of an answer": cache_key("model", "score", b"\x00\x01", "é").hex(),
        "key of a chat prompt": prompt_key(message).hex(),  # type: ignore[arg-type]
        "key of a prompt": prompt_key("Hé\nx").hex(),
        "key of a trie": trie.key.hex(),
        "keys of texts": [one.hex() for one in text_keys(["one", "\ud800"]).tolist()],
        "hash of an id": hash_id("a1"),
        "key of a text": text_key("  One  TWO "),
        "seed of a copy": seed_of("words", 3, 1),
        "streams": streams(text_hashes([b"one"]), 3, 1, "words").tolist(),
        "draw of an annotator": Context(seed=5).rng("item", "anna").integers(2**31),
    }


def test_they_are_what_files_and_caches_hold_already(tmp_path):
    made = _values(tmp_path)
    assert {name: made[name] == kept for name, kept in KEPT.items()} == dict.fromkeys(KEPT, True)


def test_nothing_else_hashes():
    package = Path(llmal.__file__).parent
    hashing = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(one.name == "hashlib" for one in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "hashlib")
    }
    assert hashing == {"core/fingerprint.py"}


@pytest.mark.parametrize("thing", SCHEMES)
def test_each_says_what_it_holds_and_what_it_leaves_out(thing):
    scheme = SCHEMES[thing]
    assert scheme.holds
    assert scheme.leaves_out
    assert len(fingerprint(thing, "x")) == 2 * scheme.size


def test_plain_data_counts_by_its_content():
    one = fingerprint("task", {"b": ["é"], "a": 1})
    assert one == fingerprint("task", {"a": 1, "b": ["é"]})
    assert one != fingerprint("task", {"a": 1, "b": ["e"]})
    assert fingerprint("example", ["é"]) == fingerprint("example", '["\\u00e9"]')


def test_pieces_count_as_the_whole():
    growing = GrowingFingerprint("pool")
    for piece in (b"one", b"", b"two"):
        growing.add(piece)
    assert growing.value == fingerprint("pool", b"onetwo")


def test_a_later_version_says_so(monkeypatch):
    first = fingerprint("pool", "x")
    later = {**SCHEMES, "pool": replace(SCHEMES["pool"], version=2)}
    monkeypatch.setattr(fingerprints, "SCHEMES", later)
    assert fingerprint("pool", "x") == f"2:{first}"
    assert [version_of(one) for one in (first, fingerprint("pool", "x"))] == [1, 2]


def test_frames_tell_parts_apart():
    assert frame([b"one"]) == b"one"
    cuts = [[b"ab", b"c"], [b"a", b"bc"], [b"abc", b""], [b"", b"abc"], [b"a", b"b", b"c"]]
    assert len({frame(parts) for parts in cuts}) == len(cuts)
