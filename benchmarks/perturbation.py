"""TF-IDF word replacement over a pool, beside the same rule in plain Python.

    python benchmarks/perturbation.py [--texts 100000] [--copies 1 4] [--repeats 3]

The texts are the train texts of the sets in $LLMAL_SHARED/data; where they are fewer than asked
for, further ones are made of two texts of one set each, the first half of the words of the one and
the second half of the other, so that all texts are different and the vocabulary is the same. The
plain version is written here for speed too: one regular expression, dictionaries, a `random.random`
for each word, a bisection for each replacement, and copies that share words and scores. Each
measurement has a process of its own; its memory is the growth of resident memory above the texts,
the copies included. Rates are compared in the same run: the probability of each word to be
replaced, and how many words have changed.
"""

from __future__ import annotations

import argparse
import bisect
import gzip
import itertools
import json
import math
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from results_file import write_results

RATE = 0.3
COMPARED = 5_000
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class PlainReplacement:
    """The rule of `TfIdfReplacement`, one word after the other."""

    def __init__(self, texts: list[str]) -> None:
        counts: Counter[str] = Counter()
        containing: Counter[str] = Counter()
        for text in texts:
            words = [word.lower() for word in WORD.findall(text)]
            counts.update(words)
            containing.update(set(words))
        self.words = sorted(counts)
        self.idf = {word: math.log(len(texts) / containing[word]) for word in self.words}
        said = [counts[word] * self.idf[word] for word in self.words]
        most = max(said)
        self.cumulated = list(itertools.accumulate(most - one for one in said))

    def probabilities(self, words: list[str]) -> list[float]:
        own = Counter(words)
        length = len(words)
        idf = self.idf
        scores = [own[word] / length * idf[word] for word in words]
        most = max(scores)
        mean = sum(most - score for score in scores) / length
        return [min(RATE * (most - score) / mean, 1) if mean else 0 for score in scores]

    def perturb(self, text: str, copies: int, rng: random.Random) -> list[str]:
        found = list(WORD.finditer(text))
        if not found:
            return [text] * copies
        chances = self.probabilities([match.group().lower() for match in found])
        draw, total = rng.random, self.cumulated[-1]
        made = []
        for _ in range(copies):
            pieces, at = [], 0
            for match, chance in zip(found, chances, strict=True):
                if draw() < chance:
                    word = self.words[bisect.bisect(self.cumulated, draw() * total)]
                    old = match.group()
                    if old[0].isupper():
                        upper = old[1:2].isupper()
                        word = word.upper() if upper else word[:1].upper() + word[1:]
                    start, end = match.span()
                    pieces += (text[at:start], word)
                    at = end
            pieces.append(text[at:])
            made.append("".join(pieces))
        return made


def load_texts(size: int) -> tuple[list[str], int]:
    """So many texts, and how many of them are as they were published."""
    folder = Path(os.environ.get("LLMAL_SHARED", "../shared")) / "data"
    sets = []
    for path in sorted(folder.glob("*/train.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        if "text" in rows[0]:
            sets.append([row["text"] for row in rows])
        elif "text_a" in rows[0]:
            sets.append([f"{row['text_a']}\n{row['text_b']}" for row in rows])
    texts = [text for one in sets for text in one][:size]
    published = len(texts)
    rng = random.Random(0)
    seen = set(texts)
    weights = [len(one) for one in sets]
    while len(texts) < size:
        first, second = (text.split(" ") for text in rng.sample(rng.choices(sets, weights)[0], 2))
        text = " ".join(first[: len(first) // 2] + second[len(second) // 2 :])
        if text not in seen:
            seen.add(text)
            texts.append(text)
    return texts, published


def peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.is_file():
        # What `getrusage` says begins with the memory of the process that started this one.
        return int(re.findall(r"VmHWM:\s*(\d+)", status.read_text())[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(version: str, file: Path, copies: int) -> dict[str, float | int | str]:
    # Line by line, so that reading leaves no peak behind which growth could hide.
    with file.open(encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    if version == "llmal":
        import pyarrow.compute  # noqa: F401 - imports are done before the clock starts

        from llmal.perturb import TfIdfReplacement

        TfIdfReplacement().fit(texts[:100]).perturb(texts[:100], 1, 0)
    before = peak_mb()
    clocks = [(time.perf_counter(), time.process_time())]
    if version == "llmal":
        fitted = TfIdfReplacement(RATE).fit(texts)
        clocks.append((time.perf_counter(), time.process_time()))
        made = fitted.perturb(texts, copies, seed=0)
    else:
        plain, rng = PlainReplacement(texts), random.Random(0)
        clocks.append((time.perf_counter(), time.process_time()))
        made = [plain.perturb(text, copies, rng) for text in texts]
    clocks.append((time.perf_counter(), time.process_time()))
    assert len(made) == len(texts)
    (fit, perturb), (fit_cpu, perturb_cpu) = (
        [round(later[clock] - sooner[clock], 3) for sooner, later in itertools.pairwise(clocks)]
        for clock in (0, 1)
    )
    return {
        "version": version,
        "copies": copies,
        "fit_seconds": fit,
        "perturb_seconds": perturb,
        "fit_cpu_seconds": fit_cpu,
        "perturb_cpu_seconds": perturb_cpu,
        "extra_mb": round(peak_mb() - before, 1),
    }


def compare(texts: list[str]) -> dict[str, float | int]:
    """How far the two versions agree in what they replace."""
    from llmal.perturb import TfIdfReplacement

    ours, plain = TfIdfReplacement(RATE).fit(texts), PlainReplacement(texts)
    weights = dict(zip(ours.statistics.words, ours.weights.tolist(), strict=True))
    rng = random.Random(1)
    chosen = rng.sample(texts, min(COMPARED, len(texts)))
    words = apart = replaced = changed_expected = changed_ours = changed_plain = 0
    furthest = 0.0
    for text, (copy,) in zip(chosen, ours.perturb(chosen, 1, seed=1), strict=True):
        own = ours.words(text)
        folded = [word.lower() for word in own]
        other = WORD.findall(plain.perturb(text, 1, rng)[0])
        # Scripts without spaces, marks, and letters whose lower case is two letters.
        if own != WORD.findall(text) or len(own) != len(other) or not weights.keys() >= {*folded}:
            apart += 1
            continue
        if not own:
            continue
        chances = ours.probabilities(text).tolist()
        pairs = zip(chances, plain.probabilities(folded), strict=True)
        furthest = max(furthest, *(abs(a - b) for a, b in pairs))
        words += len(own)
        replaced += sum(chances)
        changed_expected += sum(
            chance * (1 - weights[word]) for chance, word in zip(chances, folded, strict=True)
        )
        changed_ours += _changed(folded, ours.words(copy))
        changed_plain += _changed(folded, other)
    return {
        "texts": len(chosen),
        "texts_cut_into_other_words": apart,
        "words": words,
        "furthest_probabilities": furthest,
        "rate_replaced_expected": round(replaced / words, 5),
        "rate_changed_expected": round(changed_expected / words, 5),
        "rate_changed_llmal": round(changed_ours / words, 5),
        "rate_changed_plain": round(changed_plain / words, 5),
        "standard_error": round(math.sqrt(0.3 * 0.7 / words), 5),
    }


def _changed(folded: list[str], words: list[str]) -> int:
    return sum(a != b.lower() for a, b in zip(folded, words, strict=True))


def measure_both(
    file: Path, size: int, copies: int, repeats: int
) -> list[dict[str, float | int | str]]:
    """The best of some runs of each version, by processor time."""
    best: dict[str, dict[str, float | int | str]] = {}
    # In turns, so that a busy machine is busy for both.
    for _ in range(repeats):
        for version in ("llmal", "plain"):
            command = [sys.executable, __file__, "--one", version, str(file), str(copies)]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            if answer.returncode:
                sys.exit(answer.stderr)
            row = json.loads(answer.stdout)
            if (
                version not in best
                or row["perturb_cpu_seconds"] < (best[version]["perturb_cpu_seconds"])
            ):
                best[version] = row
    plain = best["plain"]["perturb_cpu_seconds"]
    for row in best.values():
        row["texts_a_second"] = round(size / row["perturb_seconds"])
        row["times_plain"] = round(plain / row["perturb_cpu_seconds"], 2)
        print(json.dumps(row), flush=True)
    return list(best.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--one", nargs=3, metavar=("VERSION", "FILE", "COPIES"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.one:
        version, file, copies = options.one
        print(json.dumps(measure(version, Path(file), int(copies))))
        return

    texts, published = load_texts(options.texts)
    rates = compare(texts)
    print(json.dumps(rates, indent=1))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.jsonl"
        file.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
        for copies in options.copies:
            rows += measure_both(file, len(texts), copies, options.repeats)
    write_results(
        "perturbation",
        {
            "texts": len(texts),
            "published_texts": published,
            "characters": sum(map(len, texts)),
            "rate": RATE,
            "repeats": options.repeats,
            "rates": rates,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
