"""A language model writes labelling programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from llmal.annotators.programs.file import Program
from llmal.core.fingerprint import digest
from llmal.core.plans import BatchPlan
from llmal.core.records import Item, one_label
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Prompt, Sampling
from llmal.lm.requests import plan_writing
from llmal.prompting.templates import PromptTemplate, Style, load_prompt
from llmal.task import Task
from llmal.task.spaces import refuse_unless

_FENCED = re.compile(r"```[a-zA-Z]*\n(.*?)(?:```|\Z)", re.DOTALL)
_BEGINNING = "import re\n\ndef label({}):"


class ProgramWriter:
    """Has a model write functions that label texts, each about another label in turn.

    What it writes is not run here; `LabellingPrograms` does that, in a sandbox.

    Args:
        task: The task; of one label an item.
        lm: The model; one that was tuned on code.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`.
        shots: Labelled items in each prompt, of each label as many as of the others.
        temperature: Of the sampling.
        max_tokens: Most tokens of a program.

    Raises:
        ConfigError: A parameter is out of range.
    """

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        *,
        prompt: str | Path | PromptTemplate = "labelling_program",
        shots: int = 8,
        temperature: float = 0.7,
        max_tokens: int = 1000,
    ) -> None:
        refuse_unless(task, ("single",), "labelling programs")
        for name, value, least in (("shots", shots, 0), ("max_tokens", max_tokens, 1)):
            if value < least:
                raise ConfigError(f"{name} is {value}", fix=f"it must be at least {least}")
        self.task = task
        self.lm = lm
        self.template = load_prompt(prompt)
        self.style: Style = "chat" if lm.chat and "chat" in self.template.styles else "completion"
        self.shots = shots
        self._sampling = Sampling(temperature=temperature, max_tokens=max_tokens)

    def plan(
        self, count: int, demonstrations: Sequence[Item] = (), *, seed: int = 0
    ) -> BatchPlan[list[Program]]:
        """Plan to write so many programs.

        Args:
            count: Programs.
            demonstrations: Items whose label is in `gold`.
            seed: Same seed, same prompts.

        Raises:
            ConfigError: The count is below one.
        """
        if count < 1:
            raise ConfigError(f"{count} programs were asked for", fix="ask for at least one")
        names = [self.task.names[place % len(self.task.names)] for place in range(count)]
        rng = np.random.default_rng([seed, 0xA1C4])
        prompts = [self._prompt(name, demonstrations, rng) for name in names]
        base = int.from_bytes(digest(f"{seed}\0programs", 4), "big") >> 1
        writing = plan_writing(self.lm, prompts, sampling=replace(self._sampling, seed=base))
        origin = {
            "model": self.lm.fingerprint,
            "prompt": self.template.key,
            "seed": seed,
            "temperature": self._sampling.temperature,
        }

        def write() -> list[Program]:
            written = zip(names, writing.execute(), strict=True)
            return [
                Program(f"{place + 1}: {name}", self._source(one.answers[0].text), origin)
                for place, (name, one) in enumerate(written)
            ]

        return BatchPlan(
            write,
            each=lambda: list(writing.each),
            first=lambda part: self.plan(part, demonstrations, seed=seed),
            prompts=lambda: prompts,
        )

    def _prompt(
        self, focus: str, demonstrations: Sequence[Item], rng: np.random.Generator
    ) -> Prompt:
        return self.template.render(
            self.style,
            task=self.task,
            labels=list(self.task.names),
            columns=list(self.task.text),
            focus=focus,
            demonstrations=[
                {"item": one, "word": one_label(one.gold)}
                for one in self._drawn(demonstrations, rng)
            ],
        )

    def _drawn(self, items: Sequence[Item], rng: np.random.Generator) -> list[Item]:
        """As many of each label as of the others, as far as there are so many."""
        order = rng.permutation(len(items))
        by_label = [
            [items[row] for row in order if items[row].gold == name] for name in self.task.names
        ]
        rounds = [
            [mine[place] for mine in by_label if place < len(mine)] for place in range(len(items))
        ]
        return [one for part in rounds for one in part][: self.shots]

    def _source(self, written: str) -> str:
        """The program in what was written."""
        if self.style == "completion":
            argument = "text" if len(self.task.text) == 1 else "row"
            return _BEGINNING.format(argument) + _body(written)
        fenced = _FENCED.search(written)
        return (fenced[1] if fenced else written).strip() + "\n"


def _body(written: str) -> str:
    """What goes on with a function, up to where it ends."""
    lines = written.splitlines()
    kept = lines[:1]
    for line in lines[1:]:
        if line.strip() and not line[0].isspace():
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"
