"""Makes the directory of a call of `llmal.label` a run directory like any other."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from llmal.config import parse_config
from llmal.core.files import write_whole
from llmal.core.json_form import json_form
from llmal.errors import LlmalError
from llmal.factory.kept_config import FILE, KeptConfig
from llmal.functions.models import SIMILARITY
from llmal.functions.run_pool import RunPool
from llmal.guarantee.guarantee import Guarantee
from llmal.pool import Pool
from llmal.pool.columns import Columns
from llmal.pool.readers import DETECTED, Reading
from llmal.pool.sources import file_source
from llmal.pool.store import load
from llmal.run.budget import Budget
from llmal.task import Task

log = logging.getLogger("llmal.functions")

_START_ITEMS = 20
POOL = "pool.jsonl"
"""The rows of a call, where they are no file that reads as the same pool."""


def kept_call(
    opened: RunPool,
    task: Task,
    guarantee: Guarantee,
    *,
    data: Any,
    reading: Reading,
    machine: Mapping[str, Any],
    via: str,
    embedder: Any,
    budget: Budget,
    seed: int,
    directory: Path,
) -> KeptConfig:
    """Writes the configuration of a call into its run directory: an event callback.

    By it `llmal report`, `export`, `forecast` and the like work as in any run directory. A model or
    parts of the procedure that are objects have no form there; nobody needs them to read a run.

    Args:
        opened: The rows, and the pool of the run.
        task: What is labelled.
        guarantee: What is to be promised.
        data: What the caller gave: the path of a file is named where it reads as the same pool.
        reading: How that file is read.
        machine: The machine, as the configuration names it: its annotator, and `lm`.
        via: Where people's labels come from, "gold" or "queue".
        embedder: Path or name of the embedder, or None.
        budget: Of the run.
        seed: Of all that is drawn.
        directory: The run directory.
    """
    place = directory.resolve()
    pool = opened.pool
    file = _file_of(data, pool, reading)
    gold = pool.gold_columns
    parts = {key: one for key, one in guarantee.parts.items() if isinstance(one, (str, dict))}
    # Without any label of people there is nothing to limit.
    labels = budget.human_labels or None
    limits = {
        "human_labels": labels,
        "money": budget.money,
        "tokens": budget.tokens,
        "batch": budget.batch,
    }
    embedded = {"embedder": {"model": str(embedder)}} if isinstance(embedder, (str, Path)) else {}
    content = {
        "task": {
            "name": task.name,
            "kind": task.kind_given,
            "text": list(task.text),
            "labels": {
                one.name: {"description": one.description, "words": list(one.words)}
                for one in task.labels
            },
            "guidelines": task.guidelines,
        },
        "data": {
            "pool": str(file or place / POOL),
            **({} if file is None else _options(reading)),
            **({"gold": gold[0] if len(gold) == 1 else list(gold)} if gold else {}),
            **({} if pool.id_column is None else {"id": pool.id_column}),
        },
        "objective": "labels",
        "guarantee": {
            "max_error": guarantee.max_error,
            "confidence": guarantee.confidence,
            **parts,
        },
        **{key: one for key, one in machine.items() if key != "annotator"},
        **embedded,
        "annotator": [dict(machine["annotator"]), {"name": "human", "via": via}],
        "budget": {key: one for key, one in limits.items() if one is not None},
        # Has no say in a promise, and may not be more than people give.
        **({} if labels is None or labels >= _START_ITEMS else {"start": {"items": labels}}),
        "seed": seed,
        "directory": str(place),
    }

    def kept() -> Mapping[str, Any]:
        if file is None:
            _copy(opened, place)
        if machine["annotator"]["name"] == "llm" and "lm" not in machine:
            return content
        # With its defaults, as llmal run would write it.
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        config = parse_config(text, source=str(place / FILE), base=place)
        return config.model_dump(mode="json", by_alias=True)

    return KeptConfig(place, kept)


def machine_of(
    lm: Any,
    machine_label: str | None,
    machine_confidence: str | None,
    *,
    shots: int,
    calibrate: Any,
    style: str,
) -> dict[str, Any]:
    """The machine of a call as a configuration names it: its annotator, and the section `lm`."""
    if machine_label is not None:
        sure = {} if machine_confidence is None else {"confidence": machine_confidence}
        named = {"name": "recorded", "as": "machine", "column": machine_label, **sure}
        return {"annotator": {**named, "threshold": 0.0}}
    if lm == SIMILARITY:
        return {"annotator": {"name": "similarity", "threshold": 0.0}}
    plain = calibrate is None or isinstance(calibrate, str)
    annotator: dict[str, Any] = {"name": "llm", "shots": shots, "threshold": 0.0}
    annotator |= {"calibrate": calibrate or "none"} if plain else {}
    if not isinstance(lm, (str, os.PathLike)):
        return {"annotator": annotator}
    name = os.fspath(lm)
    at_url = name.startswith(("http://", "https://"))
    where = {"url": name} if at_url else {"model": name, "backend": "transformers"}
    return {"annotator": annotator, "lm": {**where, "prompt_style": style}}


def _options(reading: Reading) -> dict[str, str]:
    found = {
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "sheet": reading.sheet,
    }
    return {key: one for key, one in found.items() if one is not None}


def _file_of(data: Any, pool: Pool, reading: Reading) -> Path | None:
    """The file that a caller named, if a pool of it is the same pool."""
    if not isinstance(data, (str, os.PathLike)):
        return None
    file = Path(data).expanduser().resolve()
    try:
        same = _fingerprint(file, pool, reading) == pool.fingerprint
    except LlmalError:
        # Such as rows without a text, which a run refuses and a call leaves out.
        return None
    return file if same else None


def _fingerprint(file: Path, pool: Pool, reading: Reading = DETECTED) -> str:
    """The fingerprint of the pool that a file reads as with the columns of a pool."""
    columns = Columns.of(pool.text_columns, pool.gold_columns or None, pool.id_column)
    return load(file_source(file, reading), columns, None, warn=False).layout.fingerprint


def _copy(opened: RunPool, directory: Path) -> None:
    """Write the rows of the pool into the run directory, where no file holds them."""
    pool, file = opened.pool, directory / POOL
    held = {*opened.places.tolist()}
    lines: list[str] = []
    for place, row in enumerate(opened.rows):
        item = opened.rows.item(row)
        if place not in held or isinstance(item, str):
            continue
        kept = {**row, **item.fields}
        if pool.id_column is None:
            # Made from the text, as it will be again.
            kept.pop("id", None)
        lines.append(json.dumps(kept, ensure_ascii=False, default=json_form))
    write_whole(file, "\n".join(lines) + "\n")
    if _fingerprint(file, pool) != pool.fingerprint:
        log.warning(
            "%s: the rows have no form in JSON that reads as the same, so that the commands "
            "about runs cannot read this directory",
            file,
        )
