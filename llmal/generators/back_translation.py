"""Labelled items, translated into another language and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from llmal.core.plans import BatchPlan
from llmal.core.records import Item, SyntheticItem, Usage
from llmal.errors import ConfigError
from llmal.generators.answers import answer_of
from llmal.generators.decks import deal, rng_of, seed_of
from llmal.generators.items import synthetic_item, with_distinct_ids
from llmal.generators.protocol import Need, Request
from llmal.generators.sources import UNCHANGED, columns_of, lack_of, of_label, raise_if_lacking
from llmal.perturb import BackTranslation as Translations
from llmal.perturb.items import perturb_items
from llmal.task import Task
from llmal.task.spaces import SpaceKind, refuse_unless


@dataclass(eq=False)
class BackTranslation:
    """Translates labelled items and back, by the perturbation of the same name; every text column.

    Two sequence-to-sequence models do it on this machine, so it costs nothing. All sources are
    used before one comes again; then its random numbers are others.

    Args:
        task: The task.
        forward: Into the other language: a directory or a hub name of transformers.
        backward: Back from it.
        device: "cpu", "cuda", "mps" …; the best there is if None.
        batch_size: Texts in one pass.
        max_tokens: Most tokens of a text, and of its translation.
        temperature: Of the sampling.
        top_p: Nucleus size.
        prefixes: What stands before a text, there and back, for models that want to be told.
        languages: The text's own language and the other, for models of many languages.
        name: Who is recorded as the generator.

    Raises:
        ConfigError: A parameter is out of range.

    Source: Sennrich et al. 2016.
    """

    task: Task
    forward: str | Path
    backward: str | Path
    _: KW_ONLY
    device: str | None = None
    batch_size: int = 32
    max_tokens: int = 512
    temperature: float = 0.8
    top_p: float = 1.0
    prefixes: tuple[str, str] = ("", "")
    languages: tuple[str, str] | None = None
    name: str = "back_translation"

    requires: ClassVar[tuple[Need, ...]] = ("sources",)
    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single", "multi")

    def __post_init__(self) -> None:
        refuse_unless(self.task, self.spaces, f"the generator {self.name}")
        self.perturbation = Translations(
            self.forward,
            self.backward,
            device=self.device,
            batch_size=self.batch_size,
            max_length=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            prefixes=self.prefixes,
            languages=self.languages,
        )

    def lacks(self, request: Request) -> str | None:
        """Why nothing can be written, or None."""
        answer_of(self.task, request.label)
        return lack_of(request, of_label(request, self.task), self.name)

    def plan(self, request: Request, k: int) -> BatchPlan[list[SyntheticItem]]:
        """Plan to translate k times; no language model is asked.

        Raises:
            ConfigError: k is below one.
            DataError: No source has the label, or one lacks a text column.
        """
        if k < 1:
            raise ConfigError(f"{k} items were asked for", fix="ask for at least one")
        raise_if_lacking(self.lacks(request))
        return BatchPlan(
            lambda: self._translate(request, k),
            each=lambda: [Usage()] * k,
            first=lambda count: self.plan(request, count),
        )

    def generate(self, request: Request, k: int) -> list[SyntheticItem]:
        """Translate k times. A text that came back as it was is a refused item.

        Raises:
            ConfigError: k is below one.
            DataError: No source has the label, or one lacks a text column.
            LanguageModelError: A model cannot be found or loaded.
        """
        return self.plan(request, k).execute()

    def _translate(self, request: Request, k: int) -> list[SyntheticItem]:
        usable = of_label(request, self.task)
        hands = deal(usable, 1, rng_of(request, "sources"))
        items: list[SyntheticItem] = []
        for turn, start in enumerate(range(0, k, len(usable))):
            drawn = [next(hands)[0] for _ in range(min(len(usable), k - start))]
            seed = seed_of(request, str(turn))
            items += [
                self._item(request, source, changed, seed)
                for source, changed in zip(drawn, self._translated(drawn, seed), strict=True)
            ]
        return with_distinct_ids(items)

    def _translated(self, sources: Sequence[Item], seed: int) -> list[dict[str, str]]:
        plain = [replace(one, fields=columns_of(one, self.task)) for one in sources]
        copies = perturb_items(self.perturbation, plain, 1, seed)
        return [dict(one.fields) for (one,) in copies]

    def _item(
        self, request: Request, source: Item, changed: dict[str, str], seed: int
    ) -> SyntheticItem:
        same = changed == columns_of(source, self.task)
        provenance: dict[str, Any] = {
            "model": self.perturbation.fingerprint,
            "prompt": None,
            "demonstrations": [],
            "seed": seed,
            "sources": [source.id],
        }
        if len(changed) > 1:
            provenance["fields"] = changed
        return synthetic_item(
            "\n".join(changed.values()),
            request.label,
            self.name,
            reason=UNCHANGED if same else None,
            usage=Usage(),
            provenance=provenance,
        )
