"""Check the peers' implementations: against the authors' code, and against values by hand.

    python benchmarks/guarantee/check_peers.py [--pac-labels FOLDER] [--repeats 10]

FOLDER holds `pac_utils.py` of the repository tijana-zrnic/pac-labels (MIT); without it that part is
left out, and said so. What differs ends the script with an error.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from peers.coannotating import entropy_of_answers
from peers.pac_labels import capital, pac_labels
from peers.people import People, ranked
from peers.thresholds import bonferroni, clopper_pearson_above, in_hindsight


def check(what: str, holds: bool) -> None:
    if not holds:
        raise SystemExit(f"differs: {what}")
    print(f"holds: {what}")


def check_by_hand() -> None:
    """Values that can be worked out on paper."""
    # No error in 59: the bound b has (1 - b)^59 = 0.05.
    check("no error in 59", abs((1 - clopper_pearson_above(0, 59, 0.05)) ** 59 - 0.05) < 1e-12)
    # A first loss of 0: the bet is the smaller of sqrt(2 ln 40 / 0.25) and 0.75 / 0.95, so the
    # capital is 1 + 0.05 * 0.75 / 0.95.
    first = capital(np.zeros(1), 0.05, 0.05)[0]
    check("first bet of PAC labels", abs(first - (1 + 0.05 * 0.75 / 0.95)) < 1e-12)
    wrong = np.array([False, False, True, False, True])
    check("hindsight", in_hindsight(np.arange(5), wrong, 0.2) == 4)
    answers = np.array([[0, 0], [0, 1]])
    expected = [0.0, np.log(2)]
    check("entropy of answers", np.allclose(entropy_of_answers(answers), expected))
    # Everything audited and right: all may stay, and nothing is left that nobody looked at.
    people = People(np.zeros(1000, dtype=np.bool_))
    stays = bonferroni(people, np.arange(1000), np.arange(0, 1000, 2), epsilon=0.05, alpha=0.05)
    check("a perfect pool under Bonferroni", int(stays.sum()) == 500)
    # Nothing right: nothing stays.
    people = People(np.ones(1000, dtype=np.bool_))
    stays = pac_labels(people, np.arange(1000), np.arange(300), epsilon=0.05, alpha=0.05)
    check("a useless machine under PAC labels", int(stays.sum()) <= 50)


def check_pac_labels(folder: Path, repeats: int) -> None:
    """The same draws for the authors' code: they keep one label less where nothing is cut off."""
    sys.path.append(str(folder))
    theirs = import_module("pac_utils")
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        total, count = 1500, (200, 500)[repeat % 2]
        score = rng.random(total)
        wrong = rng.random(total) < (1 - score) * (0.1, 0.5, 0.9)[repeat % 3]
        order = ranked(score, rng)
        draws = np.random.RandomState(repeat).choice(range(total), size=count)
        ours = pac_labels(People(wrong), order, draws, epsilon=0.05, alpha=0.05)
        np.random.seed(repeat)  # noqa: NPY002 - theirs draws from the global generator
        _, asked, _ = theirs.pac_labeling(
            wrong.astype(int),
            np.zeros(total, dtype=int),
            theirs.zero_one_loss,
            0.05,
            0.05,
            1 - score,
            np.ones(total),
            count,
            asymptotic=False,
        )
        differing = int((ours != (asked == 0)).sum())
        check(
            f"PAC labels, draw {repeat}: {int(ours.sum())} of {total} stay, "
            f"{int((asked == 0).sum())} by the authors' code",
            differing <= 1,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pac-labels", type=Path)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    check_by_hand()
    if options.pac_labels is None:
        print("left out: PAC labels against the authors' code (--pac-labels FOLDER)")
    else:
        check_pac_labels(options.pac_labels, options.repeats)


if __name__ == "__main__":
    main()
