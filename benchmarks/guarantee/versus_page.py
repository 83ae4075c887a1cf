"""The section of the results page on how much needs no person, beside other ways to decide it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from page_tables import table

Figures = dict[str, Any]
RECORDED = ("llm_stance", "llm_mrpc", "llm_mr", "llm_babe", "llm_cebab")
PEERS = {
    "Bonferroni": "Clopper-Pearson, Bonferroni",
    "PAC labels": "PAC labels",
    "BARGAIN": "BARGAIN",
}
OWN = {
    "exact rule": "llmal: exact rule, own score",
    "error score": "llmal: error score",
    "replaced labels": "llmal: labels replaced",
}
PROMISING = (*PEERS, *OWN)
TRIVIAL = 0.055
"""Up to epsilon may stay without any audit: who leaves no more has certified nothing."""


def guarantee_versus(figures: Figures) -> list[str]:
    """What needs no person, what was broken, and what rules without a promise come to."""
    sets = _in_order(figures["sets"])
    return [
        *_introduction(),
        "",
        *_saved(sets),
        "",
        *_verdict(sets),
        "",
        "**Broken promises**: audits after which more than 5 % of the delivered labels were wrong, "
        "of all audits of the method at the size above (5 % may be). In brackets the largest true "
        "error in any of them.",
        "",
        *table(
            ["set", *PEERS.values(), *OWN.values()],
            ([name, *(_broken(one, method) for method in PROMISING)] for name, one in sets.items()),
        ),
        "",
        "**Rules that promise nothing**: what they leave to the machine, and how many of all "
        "delivered labels are then truly wrong. *Fixed threshold*: what the machine is 90 % sure "
        "of. *CoAnnotating*: the half with the least entropy (over the answers to several prompts "
        "or models, where there are several, else of the probabilities); then the same at the "
        "share that llmal leaves with labels replaced.",
        "",
        *table(
            [
                "set",
                "machine wrong",
                "fixed threshold leaves",
                "truly wrong",
                "CoAnnotating, half: truly wrong",
                "at llmal's share: truly wrong",
                "llmal, labels replaced: truly wrong",
            ],
            (_without_promise(name, one) for name, one in sets.items()),
        ),
        "",
        "**What the procedure spends** (mean of all audits): people's labels before the audit, in "
        "the audit, how often the score was fitted, seconds of one busy core.",
        "",
        *table(
            ["set", "variant", "audits", "before", "in the audit", "fits", "seconds"],
            _spending(sets),
        ),
    ]


def _introduction() -> list[str]:
    return [
        "**Share of the pool that needs no person** where at most 5 % of the delivered labels may "
        "be wrong, with 95 % confidence; mean ± standard deviation over audits. What was audited "
        "or labelled on the way counts as people's work, each item once. People are gold, asked "
        "only for what is paid for. Recorded answers (`llm_…`) are those of large models; the "
        "others were labelled by `llmal.annotate` with its defaults. The machine's own score is "
        "its probability or stated confidence, else the share of other models that agree, else "
        "nothing (llm_mr). *Hindsight*: the best threshold on that score if all errors were known. "
        "PAC labels, Bonferroni and the exact rule were run at 100, 200, 300, 500 and 800 audited "
        "(half the pool at most); each has here the size (in brackets) that was best in hindsight "
        "for it on that set, which is in its favour. BARGAIN is the package 0.1.3 with an accuracy "
        "target and people as its oracle; PAC labels are our own code, which leaves the same items "
        "as the authors' on the same draws; Bonferroni has 20 thresholds, and its promise is on "
        "the pool. One of twenty may always stay unseen: a share near 0.05 is no certificate.",
    ]


def _in_order(sets: Figures) -> Figures:
    recorded = [name for name in RECORDED if name in sets]
    return {name: sets[name] for name in [*recorded, *(one for one in sets if one not in RECORDED)]}


def _saved(sets: Figures) -> list[str]:
    head = ["set", "items", "machine wrong", "hindsight", *PEERS.values(), *OWN.values()]
    rows = []
    for name, one in sets.items():
        best = max(_mean(one, method) for method in PROMISING)
        cells = [_cell(one, method, best) for method in PROMISING]
        hindsight = f"{_mean(one, 'hindsight'):.3f}"
        rows.append([name, f"{one['items']:,}", f"{one['error']:.3f}", hindsight, *cells])
    return table([*head], rows)


def _mean(one: Figures, method: str) -> float:
    found = one["methods"].get(method)
    return -1.0 if found is None else float(found["saved"])


def _cell(one: Figures, method: str, best: float) -> str:
    found = one["methods"].get(method)
    if found is None:
        return ""
    mean = f"{found['saved']:.3f}"
    size = f" ({found['size']})" if "size" in found else ""
    return f"{f'**{mean}**' if found['saved'] == best else mean} ± {found['std']:.3f}{size}"


def _verdict(sets: Figures) -> list[str]:
    """Who is ahead on each set, and by how many standard errors."""
    rows = []
    for name, one in sets.items():
        peer = max(PEERS, key=lambda method: _mean(one, method))
        own = max(OWN, key=lambda method: _mean(one, method))
        gap = _mean(one, own) - _mean(one, peer)
        errors = [
            one["methods"][method]["std"] / one["methods"][method]["audits"] ** 0.5
            for method in (own, peer)
        ]
        error = (errors[0] ** 2 + errors[1] ** 2) ** 0.5
        if max(_mean(one, own), _mean(one, peer)) <= TRIVIAL:
            ahead = "nobody certifies anything"
        elif abs(gap) <= 2 * error:
            ahead = "none, within two standard errors"
        else:
            ahead = f"{OWN[own]}" if gap > 0 else PEERS[peer]
        hindsight = _mean(one, "hindsight")
        rows.append(
            [
                name,
                ahead,
                f"{gap:+.3f} ± {error:.3f}",
                PEERS[peer],
                f"{_mean(one, own) - hindsight:+.3f}",
                f"{_mean(one, peer) - hindsight:+.3f}",
            ]
        )
    return table(
        [
            "set",
            "ahead",
            "llmal's best − best of the others (± standard error)",
            "best of the others",
            "llmal's best − hindsight",
            "best of the others − hindsight",
        ],
        rows,
    )


def _broken(one: Figures, method: str) -> str:
    found = one["methods"].get(method)
    if found is None:
        return ""
    return f"{found['broken']} of {found['audits']} ({found['most wrong']:.3f})"


def _without_promise(name: str, one: Figures) -> list[str]:
    methods = one["methods"]
    fixed = methods.get("fixed threshold")
    half = methods.get("CoAnnotating")
    own = methods.get("replaced labels")
    at = one.get("CoAnnotating, wrong at llmal's share")
    return [
        name,
        f"{one['error']:.3f}",
        *(("", "") if fixed is None else (f"{fixed['saved']:.3f}", f"{fixed['wrong']:.3f}")),
        "" if half is None else f"{half['wrong']:.3f}",
        "" if at is None else f"{at:.3f}",
        "" if own is None else f"{own['wrong']:.3f}",
    ]


def _spending(sets: Figures) -> Iterable[list[object]]:
    for name, one in sets.items():
        for method, title in OWN.items():
            found = one["methods"].get(method)
            if found is None or "rounds" not in found:
                continue
            keys = ("audits", "before", "audited", "rounds", "seconds")
            yield [name, title, *(found[key] for key in keys)]
