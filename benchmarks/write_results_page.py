"""Make docs/results.md from the figures in benchmarks/results/.

    python benchmarks/write_results_page.py

Every number on the page comes from a file that a benchmark wrote; the words stand here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aggregation_page import aggregation
from defaults_page import defaults
from generators.filters_page import generators_near_duplicates, generators_planted
from generators.five_hundred_page import generators_five_hundred, generators_throughput
from generators.helps_page import generators_helps
from generators.in_a_run_page import generators_in_a_run
from generators.labelling_programs_page import labelling_programs
from generators.limits_page import generators_planted_limits
from goemotions_page import goemotions
from guarantee.forecast_page import guarantee_forecast
from guarantee.intervals_page import guarantee_intervals
from guarantee.routing_page import guarantee_routing
from guarantee.trial_page import guarantee_trial
from guarantee.validity_page import guarantee_precision, guarantee_validity
from guarantee.variants_page import guarantee_variants
from guarantee.versus_page import guarantee_versus
from guarantee.whole_run_page import guarantee_whole_run
from icl_fewshot_page import icl_fewshot
from learners.curriculum_page import learners_curriculum
from learners.few_shot_page import (
    learners_few_shot,
    learners_search,
    learners_served,
    learners_served_lora,
)
from learners.noisy_page import learners_noisy
from learners.prompt_size_page import learners_prompt_size
from learners.promptal_million_page import learners_promptal_million
from learners.promptal_page import learners_promptal
from learners.throughput_page import learners_estimator_checks, learners_throughput
from learning_curves_page import learning_curves, learning_curves_stopping
from llm_selectors_page import llm_selectors
from main_job_page import main_job
from page_tables import table
from results_file import RESULTS
from selectors_page import selectors_agreement, selectors_speed, selectors_table13
from structure_page import structure
from text_pairs_page import text_pairs
from wide_labels_page import shortlist_size, wide_labels

PAGE = RESULTS.parent.parent / "docs" / "results.md"
Figures = dict[str, Any]


def _pm(mean: float, std: float) -> str:
    return f"{mean:.3f} ± {std:.3f}"


def exactness(figures: Figures) -> list[str]:
    first = figures["rows"][0]
    return [
        f"Largest difference in log-probability over {first['prompts']} prompts, and the passes "
        "that each prompt takes. Brute force is one full forward pass in transformers for each "
        "label, over prompt and label. A pass of vLLM over the label's tail reads the prompt again "
        "unless its prefix cache has it; the second pass of transformers reads the tails alone.",
        "",
        *table(
            [
                "labels",
                "prompt",
                "vLLM − transformers",
                "vLLM − brute force",
                "transformers − brute force",
                "passes: vLLM",
                "transformers",
                "brute force",
            ],
            (
                [
                    row["labels"],
                    row["style"],
                    *(
                        f"{row[key]:.1e}"
                        for key in ("vllm - transformers", "vllm - brute", "transformers - brute")
                    ),
                    *(row[f"passes {one}"] for one in ("vllm", "transformers", "brute")),
                ]
                for row in figures["rows"]
            ),
        ),
    ]


def annotate_throughput(figures: Figures) -> list[str]:
    ratios = figures["ratios"]
    queries = figures["queries a prompt"]
    cache = figures["prefix cache, 8 shots"]
    rows: list[list[object]] = [
        [name, f"{one['median']:.1f}", f"{one['low']:.1f} to {one['high']:.1f}"]
        for name, one in figures["items a second"].items()
    ]
    summary: list[list[object]] = []
    for mode in ("exact", "first token"):
        for name, value in ratios[mode].items():
            summary.append([mode, name, f"{value:.3f}"])
    name = "transformers, first token / plain loop"
    summary.append(["first token", "transformers / plain loop", f"{ratios[name]:.3f}"])
    exact = figures["items a second"]["transformers, exact"]["median"]
    plain = figures["items a second"]["plain loop"]["median"]
    summary.append(["exact", "transformers / plain loop (first token)", f"{exact / plain:.3f}"])
    return [
        f"{figures['items']:,} items of ag_news, model {figures['model']}, three rounds in turn; "
        f"median, lowest and highest. Exact scores take {queries['exact']} queries a prompt here "
        "(one label has three tokens), first tokens one. *Engine* is vLLM's own `LLM.generate` in "
        "process on the same token ids; *plain loop* is transformers in batches of 32 sorted by "
        "length, first tokens only.",
        "",
        *table(["way", "items a second", "range"], rows),
        "",
        *table(["scores", "ratio", ""], summary),
        "",
        f"With 8 demonstrations shared by all prompts ({cache['tokens a prompt']:.0f} tokens each) "
        f"{cache['hit rate']:.0%} of the prompt tokens came from the server's prefix cache, and "
        f"{cache['items a second']:.0f} items a second were labelled.",
    ]


def kill_and_resume(figures: Figures) -> list[str]:
    rows = figures["rows"]
    in_flight = sorted(row["in_flight_at_the_kill"] for row in rows)
    return [
        f"{figures['runs']} runs of {figures['annotations']} annotations, each killed with SIGKILL "
        "at a random moment and run again. The undisturbed run sent "
        f"{figures['prompts_undisturbed']} prompts.",
        "",
        *table(
            ["", ""],
            [
                [
                    "ledgers equal to that of the undisturbed run",
                    f"{figures['equal']} of {figures['runs']}",
                ],
                ["killed before the run had ended", sum(not r["ended_before"] for r in rows)],
                [
                    "prompts asked again although the run had read their answer",
                    figures["answered_and_asked_again"],
                ],
                [
                    "prompts under way at the kill, asked again: median, most",
                    f"{in_flight[len(in_flight) // 2]}, {in_flight[-1]}",
                ],
            ],
        ),
        "",
        "Equal means: the same annotations with the same labels, decisions, provenance and token "
        "counts, probabilities equal to four digits, the same picks in each round.",
    ]


def million_rows(figures: Figures) -> list[str]:
    return [
        f"{figures['rows']:,} rows, {figures['file_mb']:.0f} MB of JSONL; each line a process of "
        "its own. Seconds leave out the imports of Python packages, which are in the next column.",
        "",
        *table(
            ["step", "seconds", "imports, s", "peak MB", "resident MB after"],
            (
                [
                    step,
                    f"{one['seconds']:.2f}",
                    f"{one['start_seconds']:.1f}",
                    f"{one['peak_mb']:.0f}",
                    f"{one['now_mb']:.0f}",
                ]
                for step, one in figures["figures"].items()
            ),
        ),
    ]


def ledger_append(figures: Figures) -> list[str]:
    speeds = figures["annotations_per_second"]
    first = next(iter(speeds.values()))["median"]
    return [
        f"Durable (synced) appends, median of {figures['repeats']}.",
        "",
        *table(
            ["way", "annotations a second", "ledger in batches is so many times as fast"],
            (
                [way, f"{one['median']:,.0f}", f"{first / one['median']:.2f}"]
                for way, one in speeds.items()
            ),
        ),
    ]


def loop_overhead(figures: Figures) -> list[str]:
    pools = figures["pools"]
    names = sorted({name for one in pools for name in one["wall"]["seconds"]})
    loads = ", ".join(str(one["load_average"]) for one in pools)
    turns = figures["rounds"] + 1
    largest = pools[-1]["processor"]["seconds"]
    per_round = largest["the loop itself"] * 1e3 / turns
    fit = largest["fit"] * 1e3 / turns
    lines = [
        f"{figures['rounds']} rounds of 20 after the start, people simulated from the gold column, "
        "a linear learner, margin after typiclust; the embeddings lie in the run directory before. "
        "Wall time was taken beside other work on the same cores "
        f"(load averages {loads}), so that waits for the disk and for a core are in it; processor "
        "time is free of that.",
        "",
        *table(
            ["seconds", *(f"{one['items']:,} items, {kind}" for one in pools for kind in _KINDS)],
            (
                [
                    name,
                    *(
                        f"{one[kind]['seconds'].get(name, 0):.2f}"
                        for one in pools
                        for kind in _KINDS
                    ),
                ]
                for name in names
            ),
        ),
        "",
        *table(
            ["items", "share of the loop itself, wall", "processor", "milliseconds a round"],
            (
                [
                    f"{one['items']:,}",
                    f"{one['wall']['loop_itself']:.1%}",
                    f"{one['processor']['loop_itself']:.1%}",
                    f"{one['loop_milliseconds_a_round']:.0f}",
                ]
                for one in pools
            ),
        ),
        "",
        "The loop itself is what is left when embedding, fit, the learner's predictions over the "
        f"pool and the strategies are taken out: {per_round:.0f} ms of processor time a round in "
        f"the larger pool, the same whatever the models take; a fit takes {fit:.0f} ms. The aim "
        f"is {_MOST_OF_LOOP:.0%} of the larger pool's run, of processor time it takes "
        f"{pools[-1]['processor']['loop_itself']:.1%}. Where a profiled run of the larger pool "
        "was, with what these functions call:",
        "",
        *table(
            ["function", "seconds", "calls"],
            (
                [one["function"], f"{one['seconds']:.2f}", one["calls"]]
                for one in pools[-1]["where"]
            ),
        ),
    ]
    return lines


_KINDS = ("wall", "processor")
_MOST_OF_LOOP = 0.02


def linear_head(figures: Figures) -> list[str]:
    return [
        f"{figures['embedder']} embeddings of {figures['data']}, {figures['seeds']} seeds, the "
        "same grid and number of folds; seconds are the median, the rest the mean.",
        "",
        *table(
            ["labels", "learner", "seconds", "accuracy", "log-loss"],
            (
                [
                    row["n"],
                    row["learner"],
                    f"{row['seconds']:.2f}",
                    f"{row['accuracy']:.3f}",
                    f"{row['log_loss']:.3f}",
                ]
                for row in figures["rows"]
            ),
        ),
    ]


def synthesis(figures: Figures) -> list[str]:
    words = {
        "accepted": "synthetic, passed every filter",
        "unfiltered": "synthetic, unfiltered",
        "no_agreement": "synthetic, without the filter of label agreement",
        "real": "real items, as many of each label",
        "demonstrations": "the demonstrations alone",
        "both": "demonstrations and accepted synthetic",
        "guessing": "a random label",
    }
    shares = figures["accepted_share"]
    return [
        f"{figures['per_label']} texts asked for each label of {figures['data']}, model "
        f"{figures['model']}, seeds: {len(figures['seeds'])}; a linear head is trained on what is "
        "left. Accepted: "
        + ", ".join(f"{label} {share:.0%}" for label, share in shares.items())
        + ".",
        "",
        *table(
            ["trained on", "items", "test accuracy"],
            (
                [
                    words[key],
                    f"{one['items']:.0f}",
                    _pm(one["mean"], one["sd"])
                    if len(figures["seeds"]) > 1
                    else f"{one['mean']:.3f}",
                ]
                for key, one in figures["accuracy"].items()
            ),
        ),
        "",
        _synthesis_reading(figures),
    ]


def _synthesis_reading(figures: Figures) -> str:
    mean = {name: one["mean"] for name, one in figures["accuracy"].items()}
    spread = max(figures["accuracy"][name]["sd"] for name in ("both", "demonstrations"))
    added = mean["both"] - mean["demonstrations"]
    seeds = len(figures["seeds"])
    within = (
        "which one seed cannot tell from nothing"
        if seeds == 1
        else "within the spread"
        if abs(added) <= spread
        else "more than the spread"
    )
    return (
        "The filter of label agreement moves the accuracy of a head trained on synthetic items "
        f"alone by {mean['accepted'] - mean['no_agreement']:+.3f}; as many real items are worth "
        f"{mean['real'] - mean['accepted']:+.3f} more; added to the demonstrations, synthetic "
        f"items bring {added:+.3f}, {within}."
    )


def perturbation(figures: Figures) -> list[str]:
    rates = figures["rates"]
    return [
        f"{figures['texts']:,} texts ({figures['published_texts']:,} as published, the others made "
        f"of halves of two), best of {figures['repeats']} by processor time; memory above the "
        "texts, copies included. *Plain* is the same rule as a loop over words. Changed words: "
        f"expected {rates['rate_changed_expected']:.4f}, llmal {rates['rate_changed_llmal']:.4f}, "
        f"plain Python {rates['rate_changed_plain']:.4f} (± {rates['standard_error']:.4f}).",
        "",
        *table(
            ["version", "copies", "fit s", "perturb s (CPU)", "texts/s", "times plain", "extra MB"],
            (
                [
                    row["version"],
                    row["copies"],
                    f"{row['fit_cpu_seconds']:.2f}",
                    f"{row['perturb_cpu_seconds']:.2f}",
                    f"{row['texts_a_second']:,}",
                    f"{row['times_plain']:.1f}",
                    f"{row['extra_mb']:.0f}",
                ]
                for row in figures["rows"]
            ),
        ),
    ]


def allsh_cost(figures: Figures) -> list[str]:
    rows = figures["rows"]
    first = rows[0]
    return [
        f"{figures['shots']} demonstrations out of {first['candidates']:,} candidates of "
        f"{figures['data']} with {figures['copies']} TF-IDF copies of each, median of "
        f"{figures['rounds']} rounds, {figures['threads']} thread, model {figures['model']}. Of "
        f"{first['texts and copies']:,} texts and copies {first['distinct texts']:,} are distinct, "
        "and each of those is scored once. *One at a time* asks for a candidate and one of its "
        f"copies, prompt by prompt, without a cache; measured on "
        f"{first['one at a time']['measured on']} candidates and scaled up. The largest difference "
        "between the scores of both ways is "
        + ", ".join(f"{row['largest difference']:.0e} ({row['backend']})" for row in rows)
        + ".",
        "",
        *table(
            ["way", "passes of the model", "seconds", "candidates a second"],
            (
                [f"{row['backend']}, {way}", f"{passes:,.0f}", f"{seconds:.1f}", f"{speed:,.0f}"]
                for row in rows
                for way, passes, seconds, speed in (
                    ("chosen", row["passes"], row["seconds"], row["candidates a second"]),
                    (
                        "chosen again, from the response cache",
                        row["again"]["passes"],
                        row["again"]["seconds"],
                        row["candidates"] / row["again"]["seconds"],
                    ),
                    (
                        "one at a time",
                        row["one at a time"]["passes"],
                        row["one at a time"]["seconds"],
                        row["one at a time"]["candidates a second"],
                    ),
                )
            ),
        ),
    ]


def calibrators(figures: Figures) -> list[str]:
    by_place = {(r["distortion"], r["calibrator"], r["labels"]): r["mean"] for r in figures["rows"]}
    distortions = list(dict.fromkeys(row["distortion"] for row in figures["rows"]))
    lines = [
        f"Simulated scores of {figures['classes']} labels with a known distortion, means over "
        f"{figures['seeds']} seeds, judged on {figures['test']:,} items; corrections without "
        f"labels are fitted on 3 rows without content, 20 of random words or a pool of "
        f"{figures['pool']:,}. KL is that of the true probabilities from the calibrated ones, in "
        "nats: 0 is full recovery, whereas the ECE and the log-loss of the true probabilities "
        "(first line) are what finite items leave.",
    ]
    for distortion in distortions:
        names = list(dict.fromkeys((k[1], k[2]) for k in by_place if k[0] == distortion))
        lines += ["", f"**{distortion}**", ""]
        lines += table(
            ["calibrator", "labels", "ECE", "log-loss", "KL"],
            (
                [
                    name,
                    size or "none",
                    *(f"{by_place[distortion, name, size][key]:.3f}" for key in ("ece", "nll")),
                    f"{by_place[distortion, name, size]['kl']:.4f}",
                ]
                for name, size in sorted(names, key=lambda one: one[1])
            ),
        )
    return [
        *lines,
        "",
        "How to read it: a temperature cannot undo a class prior, nor a prior correction a "
        "temperature; one after the other undoes both with 50 labels. Vector scaling and Dirichlet "
        "undo each with some hundreds. Beta and isotonic look at one label against the rest, which "
        "with three labels cannot undo a class prior fully; isotonic wants 1,000 labels or more. "
        "Batch and the PromptAL prior take the mean of probabilities that are already sure for the "
        "prior and so undo a part. Prototypical clusters find labels, not probabilities.",
    ]


def prior_corrections(figures: Figures) -> list[str]:
    lines = [
        f"{figures['model']}, {figures['items']} items in the pool and {figures['items']} others "
        "to judge. A bias of ln(factor) in the output layer multiplies the probability of some "
        "labels. *From the model*: mean KL from what the model gave before the skew; since a "
        "correction removes the model's own prior too, it cannot fall below *of the correction "
        "itself*, its KL on the unskewed model, except by luck. *From the same correction*: mean "
        "KL from the same correction fitted on the unskewed model; 0 means that the skew is gone.",
    ]
    for row in figures["rows"]:
        before = row["before"]
        lines += ["", f"**{row['data']}, {row['shots']} shots, {row['skew']}**", ""]
        lines += table(
            [
                "correction",
                "from the model",
                "of the means",
                "from the same correction",
                "of the means",
                "of the correction itself",
                "factor found (10)",
                "accuracy, unskewed → skewed",
            ],
            [
                [
                    "none",
                    *(f"{before[key]:.3f}" for key in ("items", "mean")),
                    *(f"{before[key]:.3f}" for key in ("items", "mean")),
                    "0",
                    "",
                    _arrow(row["accuracy"]),
                ],
                *(
                    [
                        name,
                        *(f"{one['raw'][key]:.3f}" for key in ("items", "mean")),
                        *(f"{max(one['same'][key], 0):.3f}" for key in ("items", "mean")),
                        f"{one['unskewed']['items']:.3f}",
                        "" if one["factor"] is None else f"{one['factor']:.2f}",
                        _arrow(one["accuracy"]),
                    ]
                    for name, one in row["corrections"].items()
                ),
            ],
        )
    return [
        *lines,
        "",
        "How to read it: prior matching takes the skew out entirely, whatever the model. "
        "Contextual does where the labels hold little of the model's probability, and nearly so "
        "with demonstrations; domain-context takes out most of it; batch a quarter to two "
        "thirds of it; the PromptAL prior little, for its support set holds the items that the "
        "model is surest of. Being rid of the skew is not being better: for this model "
        "contextual calibration costs accuracy on trec6, skewed or not, since its answer to "
        "empty inputs is far from its mean answer to questions. Responsibilities of "
        "prototypical clusters are near 0 or 1, so their KL says little; their accuracy does.",
    ]


def _arrow(pair: list[float]) -> str:
    return f"{pair[0]:.3f} → {pair[1]:.3f}"


SECTIONS: list[tuple[str, str, Callable[[Figures], list[str]]]] = [
    ("main_job", "The main job", main_job),
    ("guarantee_versus", "What needs no person, beside other ways", guarantee_versus),
    ("defaults", "Defaults of labelling by a language model", defaults),
    ("exactness", "Exactness of label scores", exactness),
    ("wide_labels", "Wide label sets", wide_labels),
    ("shortlist_size", "The length of a shortlist that nothing was measured for", shortlist_size),
    ("learners_few_shot", "Soft prompts and other learners from few labels", learners_few_shot),
    ("learners_search", "Settings of soft prompts over causal models", learners_search),
    ("learners_served", "A soft prompt behind a server", learners_served),
    ("learners_served_lora", "Low-rank updates behind a server", learners_served_lora),
    ("learners_throughput", "How fast learners train", learners_throughput),
    ("learners_estimator_checks", "scikit-learn's checks of learners", learners_estimator_checks),
    ("learners_promptal", "What the parts of PromptAL bring", learners_promptal),
    ("goemotions", "Several labels an item", goemotions),
    ("text_pairs", "Pairs of texts", text_pairs),
    ("aggregation", "Several people's answers put together", aggregation),
    ("guarantee_whole_run", "A whole run in one call, killed again and again", guarantee_whole_run),
    ("guarantee_validity", "How often promises are broken", guarantee_validity),
    ("guarantee_precision", "Precision targets beside other packages", guarantee_precision),
    ("guarantee_variants", "Which parts of the guarantee's procedure pay", guarantee_variants),
    ("guarantee_forecast", "Labels of people: forecast and needed", guarantee_forecast),
    ("guarantee_intervals", "Accuracy and class shares by an audit", guarantee_intervals),
    ("guarantee_routing", "Who is asked: routing policies", guarantee_routing),
    ("guarantee_trial", "A machine in a person's place", guarantee_trial),
    ("labelling_programs", "Labelling programs", labelling_programs),
    ("learners_noisy", "Training on labels some of which are wrong", learners_noisy),
    ("learners_curriculum", "ALLSH's curriculum loss from few labels", learners_curriculum),
    ("learners_prompt_size", "The size of a soft prompt by held-out loss", learners_prompt_size),
    (
        "learners_promptal_million",
        "PromptAL's query over a million items",
        learners_promptal_million,
    ),
    ("annotate_throughput", "Throughput of annotation", annotate_throughput),
    ("kill_and_resume", "Killed and run again", kill_and_resume),
    ("million_rows", "A pool of a million rows", million_rows),
    ("selectors_agreement", "Selectors beside other libraries: agreement", selectors_agreement),
    ("selectors_speed", "Selectors beside other libraries: speed and memory", selectors_speed),
    ("selectors_table13", "ALLSH's table of seconds a round", selectors_table13),
    ("learning_curves", "Learning curves of the strategies", learning_curves),
    ("learning_curves_stopping", "Labels needed, and when to stop", learning_curves_stopping),
    ("llm_selectors", "Selectors that ask the language model", llm_selectors),
    ("linear_head", "Linear head against LogisticRegressionCV", linear_head),
    ("ledger_append", "Appending to the ledger", ledger_append),
    ("loop_overhead", "What the loop itself takes", loop_overhead),
    ("synthesis", "Synthetic items", synthesis),
    ("icl_fewshot", "Demonstrations and calibration: ALLSH's few-shot table", icl_fewshot),
    ("allsh_cost", "Choosing demonstrations by ALLSH", allsh_cost),
    ("perturbation", "TF-IDF perturbation", perturbation),
    ("prior_corrections", "A model with a skewed label prior", prior_corrections),
    ("calibrators", "Calibrators on a known miscalibration", calibrators),
    ("structure", "The structure of the package", structure),
    ("generators_planted", "What filters of synthetic items refuse", generators_planted),
    ("generators_planted_limits", "Limits of filters of copies", generators_planted_limits),
    (
        "generators_near_duplicates",
        "Near duplicates among many texts",
        generators_near_duplicates,
    ),
    ("generators_helps", "Do synthetic items help a learner?", generators_helps),
    ("generators_in_a_run", "Synthetic items in a run", generators_in_a_run),
    ("generators_five_hundred", "Five hundred new items in a call", generators_five_hundred),
    ("generators_throughput", "Throughput of writing", generators_throughput),
]


def main() -> None:
    lines = [
        "# Results",
        "",
        "Made by `python benchmarks/write_results_page.py` from files in `benchmarks/results/`, "
        "which the scripts in `benchmarks/` wrote. The models and data are named with each; "
        "`smollm2-135m-instruct` is a real one of 135 million parameters, small, from quantised "
        "weights (Q4_1) that a package index ships; `tiny-lm` is a toy of 7 million that makes the "
        "mechanics matter and says nothing about a real one. Seconds are from two shared CPU "
        "cores: read ratios.",
    ]
    for name, title, section in SECTIONS:
        # Real models first.
        paths = [*sorted(RESULTS.glob(f"{name}.*.json")), RESULTS / f"{name}.json"]
        paths = [path for path in paths if path.exists()]
        if paths:
            lines += ["", f"## {title}"]
        for path in paths:
            figures = json.loads(path.read_text())
            commands = [
                *figures.get("commands", []),
                figures.get("command", f"python benchmarks/{name}.py"),
            ]
            for command in dict.fromkeys(commands):
                lines += ["", f"`{command}`"]
            lines += ["", *section(figures)]
    PAGE.write_text("\n".join(lines) + "\n")
    print(PAGE)


if __name__ == "__main__":
    main()
