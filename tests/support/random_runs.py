"""Runs drawn at random: who labels, what is asked for what, how servers fail, what may be spent."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from billing_server import BillingServer, Fault
from word_bayes import WordBayes

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import LLMAnnotator, Router, SimulatedHuman, Stage, Threshold, drawn_texts
from llmal.core.records import Price, Usage
from llmal.embed.protocol import Embedder
from llmal.generators import ClassConditional, FormatAndLength, LabelAgreement
from llmal.generators.policies import FewLabels, OnPlateau
from llmal.guarantee import Guarantee
from llmal.guarantee.seeding import UniformSeed
from llmal.learners import LinearHead
from llmal.ledger import Ledger
from llmal.lm import VLLM
from llmal.prompting.templates import load_prompt
from llmal.run.plan import RunPlan
from llmal.run.synthetic_use import SyntheticUse
from llmal.selectors import make
from llmal.task import Label

WORDS = (
    *("market", "price", "river", "stone", "coach", "goal", "match", "bank", "rain", "storm"),
    *("cloud", "vote", "law", "court", "judge", "ship", "engine", "wheel", "bread", "soup"),
    *("cheese", "garden", "flower", "doctor", "nurse", "school", "teacher", "lesson"),
)
LABELS = ["sport", "business and money", "weather", "law", "food", "health care", "school"]
WIDE = [f"topic {one}" for one in WORDS[:24]]


@dataclass(frozen=True)
class Drawn:
    """A run, as it was drawn.

    Attributes:
        seed: Of the draw.
        task: Options of the task.
        texts: How many, and the most words of one.
        context: Most tokens of prompt and answer.
        route: Who labels, in order.
        llm: Options of the language model's annotator.
        selector: Name and options, with the objective and the size of the start.
        generator: Options; None for no generator.
        faults: Share of requests that fail, by how.
        budget: Limits; money and tokens as shares of what an unlimited plan says.
        price: Of the model, and of a label of a person.
    """

    seed: int
    task: dict[str, Any]
    texts: tuple[int, int]
    context: int
    route: tuple[str, ...]
    llm: dict[str, Any]
    selector: dict[str, Any]
    run: dict[str, Any]
    generator: dict[str, Any] | None
    faults: dict[Fault, float]
    budget: dict[str, Any]
    price: tuple[float, float, float]


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        free: Its plan without limits of money and tokens.
        plan: Its plan.
        spent: By the ledger.
        by_name: The same by annotator and purpose.
        read: Tokens by the server.
        lost: Those of them whose answers never arrived.
        people: Labels that people were asked for, as they count them.
        reason: Why it ended.
    """

    free: RunPlan
    plan: RunPlan
    spent: Usage
    by_name: dict[str, Usage]
    served: tuple[int, int]
    lost: int
    people: int
    reason: str
    lost_booked: Usage
    limits: dict[str, float] = field(default_factory=dict)


def _guarantee(drawn: Drawn, router: Router) -> Guarantee | Literal["off"]:
    """Of every other run that can have one."""
    kinds = {one.annotator.kind == "human" for one in router.stages}
    if drawn.run["objective"] != "labels" or len(kinds) < 2 or drawn.seed % 2:
        return "off"
    return Guarantee(0.1, parts={"seed": UniformSeed(least=4, share=0.1)})


def draw(seed: int) -> Drawn:
    """The run of a seed."""
    rng = random.Random(seed)
    multi = rng.random() < 0.25
    wide = not multi and rng.random() < 0.12
    words = WIDE if wide else rng.sample(LABELS, rng.randint(2, 5 if not multi else 4))
    task: dict[str, Any] = {"labels": words, "kind": "multi" if multi else "single"}
    task["described"] = rng.random() < 0.4
    if not multi and not wide and rng.random() < 0.3:
        task["words"] = True
    others = [("llm",), ("people", "llm"), ("llm", "second", "people")]
    route = rng.choice([("llm", "people")] * 4 + others)
    generator = None
    if not multi and rng.random() < 0.4:
        generator = {
            "structure": rng.choice(["json", "line"]),
            "max_tokens": rng.choice([8, 24, 60]),
            "shots": rng.randint(0, 3),
            "others": rng.choice([0, 0, 2]),
            "per_prompt": rng.choice([1, 2, 16]),
            "per_label": rng.randint(1, 3),
            "every": rng.choice([1, 1, 2]),
            "when": rng.choice(["rounds", "rounds", "plateau", "few"]),
            "judge": rng.random() < 0.7,
            "style": rng.choice(["auto", "completion", "chat"]),
        }
    faults: dict[Fault, float] = {}
    if rng.random() < 0.5:
        for one in ("busy", "broken", "cut", "garbled"):
            faults[one] = rng.choice([0.0, 0.02, 0.08])  # type: ignore[index]
    return Drawn(
        seed=seed,
        task=task,
        texts=(rng.randint(10, 36), rng.choice([6, 20, 90])),
        context=rng.choice([420, 640, 1024, 2048]),
        route=route,
        llm=_llm(rng, multi, wide),
        selector=_selector(rng, multi),
        run={
            "objective": rng.choice(["model", "model", "labels"]),
            "start_items": rng.choice([None, 3, 6]),
            "start": rng.choice(["random"] * 4 + ["llm_difficulty"]) if not multi else "random",
        },
        generator=generator,
        faults=faults,
        budget={
            "batch": rng.randint(2, 6),
            "rounds": rng.choice([1, 2, 3]),
            "human_labels": rng.choice([None, None, 6, 9, 14]),
            "tokens": rng.choice([None, None, rng.uniform(0.02, 0.9)]),
            "money": rng.choice([None, None, rng.uniform(0.02, 0.9)]),
        },
        price=(
            rng.choice([0.0, 100.0, 1000.0]),
            rng.choice([0.0, 500.0, 4000.0]),
            rng.choice([0.0, 0.1, 1.5]),
        ),
    )


def _llm(rng: random.Random, multi: bool, wide: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "style": rng.choice(["auto", "chat", "completion"]),
        "normalise": rng.choice(["sum", "sum", "mean", "first"]),
        "rationale": rng.random() < 0.2,
        "batch_size": rng.choice([2, 5, 512]),
        "shots": rng.choice([0, 0, 1, 3, 6]),
    }
    asking = ["allsh", "allsh", "uncertain", "informative"] if not multi else []
    options["demonstrations"] = rng.choice(["balanced", "random", "similar", "diverse", *asking])
    if multi and options["demonstrations"] == "balanced":
        options["demonstrations"] = "random"
    more: dict[str, dict[str, Any]] = {
        "allsh": {"copies": rng.choice([1, 2])},
        "informative": {
            "trials": rng.randint(1, 3),
            "texts": rng.randint(2, 5),
            "search": rng.choice(["random", "greedy"]),
        },
    }
    options["options"] = more.get(options["demonstrations"])
    options["order"] = rng.choice(["as-chosen", "as-chosen", "reversed", "alternating"])
    options["calibrate"] = rng.choice(
        ["auto", "auto", "none", "batch", "contextual", "domain-context", "temperature"]
    )
    if multi:
        options["calibrate"] = rng.choice(["auto", "none", "batch", "contextual", "temperature"])
        options["thresholds"] = rng.choice([0.5, 0.5, "f1"])
        options["custom_no"] = rng.random() < 0.5
        options["normalise"] = "sum"
    elif wide:
        options["shortlist"] = rng.choice(["auto", 0, 6])
        options["normalise"] = "sum"
    elif rng.random() < 0.15:
        options["codes"] = True
    return options


def _selector(rng: random.Random, multi: bool) -> dict[str, Any]:
    plain = [{"name": "random"}, {"name": "margin"}, {"name": "entropy"}]
    if multi:
        return rng.choice(plain)
    k = rng.randint(3, 12)
    ranks = {"name": "llm_rank", "mode": "list", "ranked": k}
    batch = {"name": "llm_batch", "window": 6, "reason_tokens": 60}
    asking: list[dict[str, Any]] = [
        {"name": "entropy", "of": "lm"},
        {"name": "margin", "of": "lm"},
        {"name": "allsh", "of": "lm", "copies": rng.choice([1, 2])},
        {"name": "allsh", "of": "lm", "copies": 1, "candidates": k},
        {"name": "llm_rank", "candidates": k},
        {**ranks, "window": 4, "step": 2, "candidates": k},
        {**ranks, "start": "random", "window": 3, "step": 1},
        {**batch, "explain": rng.choice(["none", "first", "each"])},
        {**batch, "memory": rng.choice(["texts", "indices"]), "repairs": 1},
        {"name": "llm_disagreement", "answers": 3, "candidates": k},
        {"name": "llm_disagreement", "prompts": ["label", "pattern"], "candidates": k},
        {"name": "llm_difficulty", "candidates": k},
        {"name": "quality", "selector": {"name": "entropy", "of": "lm"}, "candidates": k},
        {"name": "quality", "selector": "random", "candidates": None},
        {"name": "perplexity", "selector": "random"},
        {"name": "perplexity", "selector": {"name": "llm_difficulty", "candidates": k}},
        {"name": "subsample", "items": k, "selector": {"name": "entropy", "of": "lm"}},
        {"name": "near_duplicates", "selector": {"name": "llm_rank", "candidates": k}},
        {"name": "switch", "first": "random", "then": {"name": "entropy", "of": "lm"}, "labels": 4},
        {"name": "mixture", "selectors": ["random", {"name": "llm_difficulty", "candidates": k}]},
        {"name": "class_balanced", "selector": {"name": "entropy", "of": "lm"}},
    ]
    return rng.choice([*plain, *asking, *asking])


def pool_of(drawn: Drawn, cache: Path) -> Pool:
    """Texts of very different lengths, some with what a prompt must not be fooled by."""
    rng = random.Random(drawn.seed + 1)
    size, longest = drawn.texts
    labels = drawn.task["labels"]
    texts, golds = [], []
    for number in range(size):
        words = rng.choices(WORDS, k=rng.randint(1, longest))
        if rng.random() < 0.1:
            words += ["<|im_end|>", "Łódź", "日本語", "🙂"]
        texts.append(f"{number} {' '.join(words)}")
        if drawn.task["kind"] == "multi":
            golds.append(sorted(rng.sample(labels, rng.randint(0, len(labels)))))
        else:
            golds.append(rng.choice(labels))
    return Pool.from_texts(texts, golds, cache=cache)


def _task(drawn: Drawn) -> Task:
    about = "what a text of the archive is mainly about, seen by a reader"
    labels = [
        Label(
            name,
            description=about if drawn.task["described"] and n % 2 else "",
            words=(name, f"{name} and so on") if drawn.task.get("words") else (),
        )
        for n, name in enumerate(drawn.task["labels"])
    ]
    guidelines = "Think of the main thing." if drawn.task["described"] else ""
    return Task("t", labels, guidelines=guidelines, kind=drawn.task["kind"])


class CountingPeople(SimulatedHuman):
    """People who count what they were asked."""

    asked = 0

    def annotate(self, items: Any, context: Any = None) -> Any:
        answers = super().annotate(items, context)
        self.asked += sum(one.usage.human_labels for one in answers)
        return answers


def run_it(drawn: Drawn, folder: Path, tokenizer: Path, embedder: Embedder) -> Outcome:
    """Plan and run it, once."""

    def fault(content: int, before: int) -> Fault | None:
        rng = random.Random(f"{drawn.seed} {content} {before}")
        for name, share in drawn.faults.items():
            if rng.random() < share:
                return name
        return None

    with BillingServer(drawn.context, fault) as server:
        price = Price(*drawn.price[:2])
        with VLLM(server.url, tokenizer=tokenizer, price=price, concurrency=2) as lm:
            people = CountingPeople(cost=drawn.price[2])
            free = _orchestrator(drawn, folder / "free", lm, people, embedder, {})
            unlimited = free.plan()
            limits: dict[str, Any] = {}
            if drawn.budget["tokens"] is not None:
                limits["tokens"] = int(unlimited.tokens * drawn.budget["tokens"])
            if drawn.budget["money"] is not None and unlimited.money:
                limits["money"] = unlimited.money * drawn.budget["money"]
            run = _orchestrator(drawn, folder / "run", lm, people, embedder, limits)
            plan = run.plan()
            assert server.bill.requests == 0, "a plan asks"
            result = run.run()
            with Ledger.open(run.ledger_url) as ledger:
                by_name = ledger.usage()
            bill = server.bill
            return Outcome(
                unlimited, plan, result.cost, by_name,
                (bill.prompt_tokens, bill.completion_tokens), bill.lost,
                people.asked, result.reason, by_name.get("lost answers", Usage()), limits,
            )  # fmt: skip


def _orchestrator(
    drawn: Drawn,
    folder: Path,
    lm: VLLM,
    people: SimulatedHuman,
    embedder: Embedder,
    limits: dict[str, Any],
) -> Orchestrator:
    task, pool = _task(drawn), pool_of(drawn, folder.parent / "cache")
    known = dict(drawn.llm)
    if known.pop("custom_no", False):
        known["prompt"] = load_prompt("label_each").with_values({"no_word": "by no means at all"})
    stages: list[Any] = []
    for one in drawn.route:
        if one == "people":
            stages.append(people)
        elif one == "second":
            plainer = {"style": "completion", "calibrate": "contextual"}
            stages.append(Stage(LLMAnnotator(task, lm, name="second", **plainer), Threshold(0.6)))
        else:
            annotator = LLMAnnotator(task, lm, embedder=embedder, **known)
            stages.append(Stage(annotator, Threshold(0.5)))
    generator, filters, more = None, [], {}
    if drawn.generator is not None:
        options = dict(drawn.generator)
        more["generate_per_label"] = options.pop("per_label")
        more["generate_every"] = options.pop("every")
        more["generate_when"] = {
            "rounds": None,
            "plateau": [OnPlateau(1, 0.5)],
            "few": [FewLabels(4), OnPlateau(1, 0.9)],
        }[options.pop("when")]
        more["synthetic"] = SyntheticUse(least_labels=4, folds=2)
        judge = options.pop("judge")
        generator = ClassConditional(task, lm, max_words=8, **options)
        filters = [FormatAndLength(1, 40)]
        if judge:
            texts = drawn_texts(pool, 0)
            filters.append(LabelAgreement(task, lm, minimum=0.1, unlabelled=texts))
    budget = {key: drawn.budget[key] for key in ("batch", "rounds", "human_labels")}
    start = {"name": drawn.run["start"]}
    return Orchestrator(
        task,
        pool,
        directory=folder,
        annotator=Router(stages),
        lm=lm,
        embedder=embedder,
        learner=LinearHead() if drawn.task["kind"] == "multi" else WordBayes(),
        start=make(**start),
        selector=make(**drawn.selector),
        start_items=drawn.run["start_items"],
        objective=drawn.run["objective"],
        guarantee=_guarantee(drawn, Router(stages)),
        generator=generator,
        filters=filters,
        budget=Budget(**budget, **limits),
        **more,
    )
