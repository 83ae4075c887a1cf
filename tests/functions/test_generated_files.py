"""Files of synthetic items: read again, as chat messages, as a data set with a card."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from synthetic_records import TASK, record

from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.exporters.chat import write_chat
from llmal.exporters.dataset_folder import write_dataset
from llmal.functions.generated_files import ORIGIN, read_record, write_record
from llmal.generators.filters import FormatAndLength, Leakage, NearDuplicates
from llmal.generators.origin import (
    Origin,
    model_name,
    public_provenance,
    settings_of,
    without_paths,
)
from llmal.prompting import LabellingPrompts
from llmal.prompting.templates import load_prompt
from llmal.task import Task


def _plain(items):
    # What a cost is for each item stands in no file of `llmal generate`.
    return [
        (one.id, one.text, one.label, one.generator, one.accepted, one.refused_by, one.reason,
         one.provenance)
        for one in items
    ]  # fmt: skip


@pytest.mark.parametrize("format", ["jsonl", "csv", "xlsx", "parquet"])
def test_what_is_written_reads_back_as_it_was(tmp_path, format):
    given, path = record(), tmp_path / f"new.{format}"
    write_record(path, format, given)
    found = read_record(path, TASK, real=given.real)
    assert _plain(found.items) == _plain(given.items)
    assert found.origin == given.origin
    assert len(found.real) == 40
    (tmp_path / f"new.{ORIGIN}").unlink()
    assert read_record(path, TASK).origin is None


def test_text_columns_of_several_names_read_back(tmp_path):
    task = Task("t", ["in", "out"], text=("label", "body"))
    items = [
        replace(one, text=f"a\n{one.text}", provenance={"fields": {"label": "a", "body": one.text}})
        for one in record().accepted[:3]
    ]
    write_record(tmp_path / "new.csv", "csv", record(items=items, task=task))
    assert _plain(read_record(tmp_path / "new.csv", task).items) == _plain(items)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("text,label\na,in\n", "new.csv: this is no file of synthetic items: it has no column"),
        ("text,label,generator\na,up,x\n", "line 2: 'up' is not a label of task 'places'"),
        ("text,label,generator,accepted\na,in,x,maybe\n", "'accepted' is 'maybe'; it must be true"),
        ("text,label,generator,provenance\na,in,x,[]\n", "the provenance is no JSON object"),
    ],
)
def test_what_is_no_file_of_items_is_a_sentence(tmp_path, content, sentence):
    (tmp_path / "new.csv").write_text(content)
    with pytest.raises(DataError, match=sentence):
        read_record(tmp_path / "new.csv", TASK)


def test_an_origin_that_is_none_is_a_sentence(tmp_path):
    write_record(tmp_path / "new.csv", "csv", record())
    (tmp_path / "new.origin.json").write_text("{}")
    with pytest.raises(DataError, match="does not say how synthetic items were made"):
        read_record(tmp_path / "new.csv", TASK)
    given = record().origin
    assert Origin.from_dict(json.loads(json.dumps(given.as_dict())), "here") == given


def test_settings_of_filters_are_plain_and_hold_no_path():
    chain = [FormatAndLength(2, 9, task=TASK), NearDuplicates(["a"]), Leakage(["b"])]
    assert settings_of(chain) == [
        {"name": "format_length", "min_words": 2, "max_words": 9},
        {"name": "near_duplicates", "threshold": 0.95},
        {"name": "leakage", "containment": 0.48, "jaccard": 0.75},
    ]
    options = {"prompt": "/home/me/mine.yaml", "of": ["/a/b", "x/y"], "k": 3}
    assert without_paths(options) == {"prompt": "mine.yaml", "of": ["b", "x/y"], "k": 3}


def test_fingerprints_of_models_lose_their_paths_and_nothing_else():
    local = "transformers-5.19.0//srv/models/tiny-lm@63ab/float32"
    assert model_name(local) == "transformers-5.19.0/tiny-lm@63ab/float32"
    for kept in ("vllm-0.32/org/model@1f", "http/http://host:80/v1/x", "prompt@2#ab/soft-prompt-3"):
        assert model_name(kept) == kept
    told = {"model": local, "prompt": "mine@1#2", "seed": 3, "fields": {"a": "/x/y"}}
    assert public_provenance(told) == {**told, "model": model_name(local)}


def test_chat_messages_are_what_annotate_asks_and_the_label(tmp_path, tiny_hf):
    path = write_chat(tmp_path / "chat.jsonl", record())
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 60
    assert [one["role"] for one in lines[0]["messages"]] == ["system", "user", "assistant"]
    assert lines[0]["messages"][-1]["content"] == "in"
    first = record().accepted[0]
    asked = LabellingPrompts(TASK, load_prompt("label"), tiny_hf, "chat").build(
        Item(first.id, first.text)
    )
    assert lines[0]["messages"][:-1] == asked.prompt
    with pytest.raises(ConfigError, match="is there already"):
        write_chat(path, record())
    with pytest.raises(ConfigError, match=r"end the name in \.jsonl"):
        write_chat(tmp_path / "chat.json", record())


def test_a_data_set_loads_and_its_card_says_how_it_was_made(tmp_path):
    import datasets

    folder = write_dataset(tmp_path / "made", record())
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]
    rows = loaded["train"]
    assert rows.column_names == ["id", "text", "label", "synthetic", "generator", "provenance"]
    assert [row["text"] for row in rows] == [one.text for one in record().accepted]
    assert set(rows["synthetic"]) == {True}
    assert json.loads(rows[0]["provenance"])["prompt"] == "generate/class_conditional@3#abc"
    card = (folder / "README.md").read_text(encoding="utf-8")
    _, head, body = card.split("---\n", 2)
    assert yaml.safe_load(head)["tags"] == ["synthetic", "llmal"]
    for words in (
        "**Synthetic: written by a model.** 60 texts",
        "| out | under the <sky> | 30 |",
        "| model | tiny/model |",
        "| prompt and version | generate/class_conditional@3#abc |",
        "| seeds of the answers | 62 from 0 to 62 |",
        "| most of them in one prompt | 2 |",
        "| near_duplicates | threshold: 0.95 |",
        "| out | class_conditional | 32 | 30 | 1 by class_conditional, 1 by label_agreement |",
        "| cost | 63 prompts, 1,015 tokens |",
        "| self_bleu | ",
        "| p_value | 0.002 |",
    ):
        assert words in body
    assert str(tmp_path) not in card
    with pytest.raises(ConfigError, match="is there already"):
        write_dataset(folder, record())
    write_dataset(folder, record(), force=True)
    (folder / "mine.txt").touch()
    with pytest.raises(ConfigError, match="is not a data set of synthetic items"):
        write_dataset(folder, record(), force=True)
    with pytest.raises(DataError, match="no item was accepted"):
        write_dataset(tmp_path / "none", record(items=record().items[60:]))


def test_a_card_without_an_origin_or_an_embedder_says_so(tmp_path):
    folder = write_dataset(tmp_path / "made", record(origin=None, embedder=None))
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "Not known: the file of the items had no record of it beside it." in card
    assert "None: there was no embedder, or fewer than two texts." in card
