"""Selectors that ask the language model: what they promise, what they cost, what they are worth.

    python benchmarks/llm_selectors.py [--shared ../shared] [--model PATH] [--url http://.../v1]
                                       [--in-process --device cuda] [--strategies LLMDifficulty ...]

On trec6, with tiny-lm or another model behind a vLLM server that is started here, or in this
process:

    windows   `LLMBatch` over 200 windows, and over 25 in each of its modes: are there always k
              distinct ids in range, and how many had to be repaired;
    costs     one selection of 20 among 500 items by each selector: requests, tokens and seconds,
              beside what `estimate` foresaw;
    curves    20 items by TypiClust, then 5 rounds of 20 by each selector, `LinearHead` on MiniLM
              embeddings, accuracy on the 500 test items; pools of 500, 3 seeds, beside random and
              margin.

Written to results/llm_selectors.json, for a model other than tiny-lm beside it. tiny-lm has 7
million parameters: it shows mechanics and costs, and says nothing of how well a real language model
selects.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import tempfile
import time
from pathlib import Path

import numpy as np
from results_file import write_results

from llmal.embed import SentenceEmbedder
from llmal.learners import LinearHead
from llmal.lm import VLLM, LanguageModel, ResponseCache, TransformersLM
from llmal.pool import Pool
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.selectors import RoundState, make
from llmal.task import Task

LABELS = ("Abbreviation", "Description", "Entity", "Location", "Number", "Person")
TASK = Task("trec6", LABELS, guidelines="What kind of answer does the question ask for?")
POOL, START, ROUNDS, BATCH = 500, 20, 5, 20
# A third and fourth wording for APE; the others are `label` and `pattern`.
WORDINGS = {
    "options": "Choose the answer type of the question. Options: {{ labels | join(', ') }}.\n\n"
    "Question: {{ item.text | line }}\nCategory:",
    "annotator": "You are an annotator. Allowed labels: {{ labels | join(', ') }}.\n\n"
    "Input: {{ item.text | line }}\nClass:",
}
MODES = {
    "plain": {"advice": False, "guidelines": False},
    "guidelines": {"advice": False},
    "advice": {},
    "advice, reasons first": {"explain": "first"},
    "reasons first": {"advice": False, "explain": "first"},
    "advice, reasons for each": {"explain": "each"},
    "memory of texts": {"memory": "texts"},
    "memory of indices": {"memory": "indices"},
}


def wordings(folder: Path) -> list[str]:
    paths = []
    for name, text in WORDINGS.items():
        path = folder / f"{name}.yaml"
        indented = "\n".join(f"  {line}" for line in text.splitlines())
        path.write_text(
            f"name: {name}\nversion: 1\ninputs: [task, labels, item, demonstrations]\n"
            f"completion: |\n{indented}\n"
        )
        paths.append(str(path))
    return ["label", "pattern", *paths]


def strategies(folder: Path, wanted: list[str] | None) -> dict[str, tuple[str, str, dict]]:
    """By what they are called here: name, form of the prompt, options."""
    ape = {"prompts": wordings(folder)}
    known = {
        "LLMDisagreement, 10 answers": ("llm_disagreement", "completion", {"measure": "entropy"}),
        "LLMDisagreement, 4 prompts, votes": (
            "llm_disagreement",
            "completion",
            {**ape, "measure": "entropy"},
        ),
        "LLMDisagreement, 4 prompts, KL": (
            "llm_disagreement",
            "completion",
            {**ape, "measure": "kl"},
        ),
        "LLMRank, points": ("llm_rank", "chat", {}),
        "LLMRank, list of 100": ("llm_rank", "chat", {"mode": "list"}),
        "LLMDifficulty": ("llm_difficulty", "chat", {}),
        "LLMDifficulty, calibrated": ("llm_difficulty", "chat", {"calibrate": True}),
        "LLMBatch": ("llm_batch", "chat", {}),
        "LLMBatch, reasons first": ("llm_batch", "chat", {"explain": "first"}),
        "QualityFilter, random": ("quality", "chat", {"selector": "random"}),
    }
    return {name: known[name] for name in wanted or known}


def scorers(lm) -> dict[str, PromptScorer]:
    template = load_prompt("label").with_values(
        {"noun": "question", "field": "Question", "answer": "Answer Type"}
    )
    return {
        style: PromptScorer(LabellingPrompts(TASK, template, lm, style))
        for style in ("chat", "completion")
    }


def repaired(selection) -> dict[str, int]:
    """From the reasons, which say of each pick how it came about."""
    return {
        "asked_again": sum("asked again" in one for one in selection.why),
        "at_random": sum("drawn at random from a window" in one for one in selection.why),
    }


def window_of(reason: str) -> int:
    return int(re.search(r"window of (\d+) texts", reason)[1])


def windows(lm, texts: list[str], rng_seed: int) -> list[dict]:
    rows = []
    plans = [
        ("200 windows of 16, 5 of each", 200, 16, 5, {}),
        ("200 windows of 16, one of each", 200, 16, 1, {}),
    ]
    plans += [
        (f"25 windows of 40, 10 of each: {name}", 25, 40, 10, options)
        for name, options in MODES.items()
    ]
    scorer = scorers(lm)["chat"]
    labelled = np.arange(20)
    for name, count, window, each, options in plans:
        state = RoundState.from_arrays(
            texts=texts, labelled=labelled, labels=labelled % len(LABELS), scorer=scorer
        )
        k = count * each
        selector = make(
            "llm_batch", window=window, per_window=each, **{"reason_tokens": 96, **options}
        )
        begun = time.perf_counter()
        picks = selector.select(state, k, np.random.default_rng(rng_seed))
        seconds = time.perf_counter() - begun
        assert len(picks) == k
        assert len(set(picks.indices.tolist())) == k
        assert np.isin(picks.indices, state.unlabelled).all()
        row = {
            "windows": name,
            "k": k,
            "exact_distinct_in_range": True,
            "largest_window": max(window_of(one) for one in picks.why),
            **repaired(picks),
            "requests": picks.usage.requests,
            "tokens": picks.usage.tokens,
            "seconds": seconds,
        }
        rows.append(row)
        print(
            f"{name}: {k} distinct ids, {row['asked_again']} when asked again, "
            f"{row['at_random']} at random; {row['requests']} requests, {seconds:.1f} s",
            flush=True,
        )
    return rows


def costs(lm, texts: list[str], folder: Path, wanted: list[str] | None) -> list[dict]:
    rows = []
    made = scorers(lm)
    chosen = np.random.default_rng(0).choice(len(texts), POOL, replace=False)
    some = [texts[i] for i in chosen]
    for name, (strategy, style, options) in strategies(folder, wanted).items():
        state = RoundState.from_arrays(texts=some, labelled=[], labels=[], scorer=made[style])
        selector = make(strategy, **options)
        foreseen = selector.plan(state, BATCH, None).highest
        begun = time.perf_counter()
        usage = selector.select(state, BATCH, np.random.default_rng(0)).usage
        seconds = time.perf_counter() - begun
        assert usage.requests <= foreseen.requests
        assert usage.tokens <= foreseen.tokens
        rows.append(
            {
                "selector": name,
                "requests": usage.requests,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "seconds": seconds,
                "estimate_requests": foreseen.requests,
                "estimate_tokens": foreseen.tokens,
            }
        )
        print(
            f"{name}: {usage.requests} requests, {usage.prompt_tokens} + "
            f"{usage.completion_tokens} tokens, {seconds:.1f} s (at most {foreseen.requests} "
            f"requests, {foreseen.tokens} tokens)",
            flush=True,
        )
    return rows


def curve(strategy, options, style, made, items, X, y, test_X, test_y, seed) -> list[float]:
    rng = np.random.default_rng([seed, 1])
    texts = [one.text for one in items]
    start = RoundState.from_arrays(embeddings=X, labelled=[], labels=[])
    labelled = make("typiclust").select(start, START, np.random.default_rng(seed)).indices
    found = []
    for round_ in range(ROUNDS + 1):
        model = LinearHead().fit(X[labelled], y[labelled])
        found.append(float((model.predict(test_X) == test_y).mean()))
        if round_ == ROUNDS:
            break
        p = np.zeros((len(X), len(LABELS)))
        p[:, [LABELS.index(one) for one in model.classes_]] = model.predict_proba(X)
        state = RoundState.from_arrays(
            embeddings=X,
            probabilities=p,
            texts=texts,
            labelled=labelled,
            labels=[LABELS.index(one) for one in y[labelled]],
            scorer=made[style],
        )
        picks = make(strategy, **options).select(state, BATCH, rng).indices
        labelled = np.concatenate([labelled, picks])
    return found


def curves(lm, train, test, folder: Path, seeds: int, wanted: list[str] | None) -> dict[str, dict]:
    embedder = SentenceEmbedder()
    test_X = embedder.embed([one.text for one in test])
    test_y = np.array([one.gold for one in test])
    made = scorers(lm)
    ways = {
        "Random": ("random", "chat", {}),
        "Margin": ("margin", "chat", {}),
        **strategies(folder, wanted),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for seed in range(seeds):
        chosen = np.random.default_rng([seed, 7]).choice(len(train), POOL, replace=False)
        items = [train[i] for i in chosen]
        X = embedder.embed([one.text for one in items])
        y = np.array([one.gold for one in items])
        for name, (strategy, style, options) in ways.items():
            begun = time.perf_counter()
            if strategy == "llm_disagreement" and "prompts" not in options:
                # Its draws differ from round to round, so that no answer is in the cache.
                options = {**options, "candidates": 150}
            one = curve(strategy, options, style, made, items, X, y, test_X, test_y, seed)
            found[name].append(one)
            print(
                f"seed {seed} {name}: {' '.join(f'{a:.3f}' for a in one)} "
                f"({time.perf_counter() - begun:.0f} s)",
                flush=True,
            )
    summary = {}
    for name, ones in found.items():
        area = np.mean(ones, axis=1)
        summary[name] = {
            "accuracy": np.mean(ones, axis=0).round(4).tolist(),
            "mean_over_rounds": float(area.mean()),
            "std_over_seeds": float(area.std(ddof=1)) if len(ones) > 1 else 0.0,
            "by_seed": ones,
        }
        print(f"{name:36s} {area.mean():.3f} ± {summary[name]['std_over_seeds']:.3f}", flush=True)
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--model", help="path of the model; by default tiny-lm in --shared")
    parser.add_argument("--url", help="a vLLM server that serves it; without it one is started")
    parser.add_argument("--in-process", action="store_true", help="without a server")
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    parser.add_argument("--strategies", nargs="+", help="by their names here; by default all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=["windows", "costs", "curves"])
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    shared = Path(given.shared).resolve()
    model = given.model or str(shared / "models" / "tiny-lm")
    folder = shared / "data" / "trec6"
    train, test = (
        Pool.from_file(folder / f"{part}.jsonl.gz", text="text", gold="label")
        for part in ("train", "test")
    )
    train, test = (list(one.items(np.arange(len(one)))) for one in (train, test))
    texts = [one.text for one in train]
    begun = time.perf_counter()
    figures = {}
    lm: LanguageModel
    if given.in_process:
        lm = TransformersLM(model, device=given.device, dtype=given.dtype)
    elif given.url:
        lm = VLLM(given.url, Path(model).name)
    else:
        lm = VLLM.start(model, max_model_len=1024)
    with lm, tempfile.TemporaryDirectory() as temporary:
        room = Path(temporary)
        if "windows" in given.only:
            figures["windows"] = windows(lm, texts, 0)
        if "costs" in given.only:
            figures["costs"] = costs(lm, texts, room, given.strategies)
        if "curves" in given.only:
            lm.cache = ResponseCache(room / "responses.sqlite")
            figures["curves"] = curves(lm, train, test, room, given.seeds, given.strategies)
            lm.cache.close()
            lm.cache = None
    path = write_results(
        "llm_selectors",
        {
            "pool": POOL,
            "start": START,
            "rounds": ROUNDS,
            "batch": BATCH,
            "seeds": given.seeds,
            "seconds": time.perf_counter() - begun,
            **figures,
        },
        model=Path(model).name,
    )
    print(f"written: {path}")


if __name__ == "__main__":
    main()
