"""The card of a data set of synthetic items: how they were made, and what they are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from llmal.core.records import SyntheticItem
from llmal.generators.answers import answer_of
from llmal.generators.filters import count_items
from llmal.generators.origin import Origin, without_paths
from llmal.generators.quality import Diversity, Fidelity, Quality
from llmal.generators.record import SyntheticRecord

_SAMPLING = ("style", "structure", "temperature", "top_p")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


def card_of(record: SyntheticRecord, name: str, file: str) -> str:
    """The card as Markdown, with what a hub of data sets reads in front.

    Args:
        record: The items.
        name: What the data set is called.
        file: The file with the rows.
    """
    accepted, origin = record.accepted, record.origin
    head = {
        "pretty_name": name,
        "license": "unknown",
        "task_categories": ["text-classification"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "size_categories": [next((size for most, size in _SIZES if len(accepted) < most), "n>1M")],
        "tags": ["synthetic", "llmal"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": file}]}],
    }
    made_by = "an unknown version of llmal" if origin is None else f"llmal {origin.version}"
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n",
        f"# {name}\n",
        f"**Synthetic: written by a model.** {len(accepted):,} texts that {made_by} had a language "
        f"model write, each for the label that it has. No person wrote them, and unless somebody "
        "says so beside this card, no person has checked them.\n",
        "## Labels\n",
        _task(record),
        "## How they were made\n",
        _origin(record.items, origin),
        "## Filters\n",
        _filters(record.items, origin),
        "## Measures\n",
        _measures(record),
        "## Limits\n",
        _limits(),
        "## How to load it\n",
        "From this folder:\n\n```python\nimport datasets\n\n"
        'texts = datasets.load_dataset(".", split="train")\n```\n',
    ]
    return "\n".join(parts)


def _task(record: SyntheticRecord) -> str:
    answers = [answer_of(record.task, item.label) for item in record.accepted]
    counts = Counter(name for one in answers for name in record.task.space.names_in(one))
    rows = [(one.name, one.description, counts[one.name]) for one in record.task.labels]
    told = f"{record.task.guidelines}\n\n" if record.task.guidelines else ""
    return told + _table(("label", "what it means", "items"), rows)


def _origin(items: Sequence[SyntheticItem], origin: Origin | None) -> str:
    if origin is None:
        return "Not known: the file of the items had no record of it beside it.\n"
    options = {key: value for key, value in origin.generator.items() if key != "name"}
    rows: list[tuple[Any, ...]] = [
        ("generator", origin.generator["name"]),
        ("options", _pairs(options)),
        ("model", origin.model),
        ("prompt and version", _seen(items, "prompt")),
        *((name, _seen(items, name)) for name in _SAMPLING),
        ("seed", str(origin.seed)),
        ("seeds of the answers", _span(items)),
        ("labelled items that prompts could show", origin.demonstrations),
        ("most of them in one prompt", max(map(_shown, items), default=0)),
        ("real texts that none was to repeat", origin.real),
        ("cost", _cost(origin.usage)),
        ("llmal", origin.version),
    ]
    asked = ", ".join(f"{count:,} of {label}" for label, count in origin.wanted.items())
    told = f"Asked for: {asked}.\n\n" if asked else ""
    return told + _table(("what", "value"), rows)


def _filters(items: Sequence[SyntheticItem], origin: Origin | None) -> str:
    parts = []
    if origin is not None:
        rows = [
            (one["name"], _pairs({key: value for key, value in one.items() if key != "name"}))
            for one in origin.filters
        ]
        parts.append("In this order; a text is refused by the first that does.\n")
        parts.append(_table(("filter", "settings"), rows) if rows else "None.\n")
    counts = [
        (
            one.label,
            one.generator,
            one.accepted + sum(one.refused.values()),
            one.accepted,
            ", ".join(f"{count:,} by {name}" for name, count in one.refused.items()) or "none",
        )
        for one in count_items(items)
    ]
    parts.append(_table(("label", "generator", "written", "accepted", "refused"), counts))
    return "\n".join(parts)


def _measures(record: SyntheticRecord) -> str:
    found: Quality | None = record.quality()
    if found is None:
        return "None: there was no embedder, or fewer than two texts.\n"
    own: Diversity = found.diversity
    real = found.real_diversity
    names = ("vendi", "spread", "self_bleu", "distinct_1", "distinct_2", "distinct_3")
    rows = [
        (name, f"{vars(own)[name]:.3f}", "–" if real is None else f"{vars(real)[name]:.3f}")
        for name in names
    ]
    told = f"How varied {own.texts:,} of the texts are"
    told += ", beside as many real ones:\n\n" if real else ":\n\n"
    parts = [told + _table(("measure", "synthetic", "real"), rows)]
    fidelity: Fidelity | None = found.fidelity
    if fidelity is not None:
        parts.append(
            "How much they are like real ones, by their embeddings (energy test, density and "
            "coverage, distances to the nearest real text):\n\n"
            + _table(
                ("measure", "value"),
                [(name, f"{value:.3f}") for name, value in vars(fidelity).items()],
            )
        )
    return "\n".join(parts)


def _limits() -> str:
    return (
        "- The label is the one that the model was asked to write for. It may be wrong; a filter "
        "by a model shares the mistakes of that model.\n"
        "- The texts repeat what the model has seen, its phrases and its prejudices, and may be "
        "less varied than real ones (see above).\n"
        "- They are for training. Nothing may be tested, audited or compared with people by them.\n"
        "- What may be done with them depends on the licence of the model that wrote them, and of "
        "the texts that it was shown.\n"
    )


def _seen(items: Iterable[SyntheticItem], key: str) -> str:
    values = Counter(str(item.provenance[key]) for item in items if key in item.provenance)
    return ", ".join(str(without_paths(value)) for value in sorted(values)) or "–"


def _span(items: Iterable[SyntheticItem]) -> str:
    seeds = sorted({int(one.provenance["seed"]) for one in items if "seed" in one.provenance})
    if not seeds:
        return "–"
    return str(seeds[0]) if len(seeds) == 1 else f"{len(seeds):,} from {seeds[0]} to {seeds[-1]}"


def _shown(item: SyntheticItem) -> int:
    shown = item.provenance.get("demonstrations") or ()
    return len(shown)


def _cost(usage: Mapping[str, float]) -> str:
    tokens = usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)
    told = f"{usage.get('requests', 0):,.0f} prompts, {tokens:,.0f} tokens"
    money = usage.get("money", 0)
    return f"{told}, {money:,.2f} money" if money else told


def _pairs(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{key}: {value}" for key, value in values.items()) or "–"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    said = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return " ".join(said.split()).replace("|", "\\|")
