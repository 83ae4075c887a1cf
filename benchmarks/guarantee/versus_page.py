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
DEFAULT = "replaced labels"
"""What `llmal.label` does where nobody says otherwise."""
TRIVIAL = 0.055
"""Up to epsilon may stay without any audit: who leaves no more has certified nothing."""


def guarantee_versus(figures: Figures) -> list[str]:
    """What needs no person, what was broken, and what rules without a promise come to."""
    sets = _in_order(figures["sets"])
    return [
        *_introduction(sets),
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
            [
                *(
                    [name, *(_broken(one, method) for method in PROMISING)]
                    for name, one in sets.items()
                ),
                ["all", *(_broken_in_all(sets, method) for method in PROMISING)],
            ],
        ),
        "",
        "**Rules that promise nothing**: what they leave to the machine, and how many of all "
        "delivered labels are then truly wrong. *Fixed threshold*: what the machine is 90 % sure "
        "of. *CoAnnotating*: the half with the least entropy (of the probabilities, else of the "
        "answers of several models, else of the stated confidence); then the same at the "
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
        "the audit, and how often the score was fitted.",
        "",
        *table(
            ["set", "variant", "audits", "before", "in the audit", "fits"],
            _spending(sets),
        ),
    ]


def _introduction(sets: Figures) -> list[str]:
    learned = sorted(
        one["methods"][method]["audits"]
        for one in sets.values()
        for method in ("error score", DEFAULT)
        if method in one["methods"]
    )
    often = sorted(one["methods"]["PAC labels"]["audits"] for one in sets.values())
    counts = f"{_range(often)} audits a rule and set"
    if learned:
        counts += f"; {_range(learned)} where something is learned, which is slow"
    return [
        "**Share of the pool that needs no person** where at most 5 % of the delivered labels "
        f"may be wrong, with 95 % confidence; mean ± standard deviation over audits ({counts}). "
        "What was audited or labelled on the way counts as people's work, each item once. "
        "People are gold, asked only for what is paid for. Recorded answers (`llm_…`) are those "
        "of large models; the others were labelled by `llmal.annotate` with its defaults (sets "
        "cut to 2,000 rows of the train part). The machine's own "
        "score is its probability or stated confidence, else the share of other models that "
        "agree, else nothing (llm_mr); *votes* are answers to other prompts or of other models. "
        "*Hindsight*: the best threshold on that score if all errors were known. PAC labels, "
        "Bonferroni and the exact rule were run at 100, 200, 300, 500 and 800 audited (half the "
        "pool at most); each has here the size (in brackets) that was best in hindsight for it "
        "on that set, which is in its favour. BARGAIN is the package 0.1.3 with an accuracy "
        "target and people as its oracle; PAC labels are our own code, which leaves the same "
        "items as the authors' on the same draws; Bonferroni has 20 thresholds, and its promise "
        "is on the pool. One of twenty may always stay unseen: a share near 0.05 is no "
        "certificate. "
        "How much is labelled before an audit was chosen on audits of llm_cebab, llm_mr and "
        "ag_news by tiny-lm with the same seeds, so these three flatter llmal a little. Few "
        "audits of what learns: read the lead, which is large, and not the promises that it "
        "broke (validity is measured elsewhere).",
    ]


def _range(values: list[int]) -> str:
    return str(values[0]) if values[0] == values[-1] else f"{values[0]} to {values[-1]}"


def _in_order(sets: Figures) -> Figures:
    recorded = [name for name in RECORDED if name in sets]
    return {name: sets[name] for name in [*recorded, *(one for one in sets if one not in RECORDED)]}


def _saved(sets: Figures) -> list[str]:
    head = ["set", "items", "votes", "machine wrong", "hindsight", *PEERS.values(), *OWN.values()]
    rows = []
    for name, one in sets.items():
        best = max(_mean(one, method) for method in PROMISING)
        cells = [_cell(one, method, best) for method in PROMISING]
        hindsight = f"{_mean(one, 'hindsight'):.3f}"
        items = f"{one['items']:,}"
        rows.append([name, items, one["votes"], f"{one['error']:.3f}", hindsight, *cells])
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
    """Whether llmal's default is ahead of the best of the others on each set."""
    rows = []
    for name, one in sets.items():
        peer = max(PEERS, key=lambda method: _mean(one, method))
        own = DEFAULT if DEFAULT in one["methods"] else "exact rule"
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
            "llmal's default − best of the others (± standard error)",
            "best of the others",
            "llmal's default − hindsight",
            "best of the others − hindsight",
        ],
        rows,
    )


def _broken(one: Figures, method: str) -> str:
    found = one["methods"].get(method)
    if found is None:
        return ""
    return f"{found['broken']} of {found['audits']} ({found['most wrong']:.3f})"


def _broken_in_all(sets: Figures, method: str) -> str:
    found = [one["methods"][method] for one in sets.values() if method in one["methods"]]
    audits = sum(one["audits"] for one in found)
    broken = sum(one["broken"] for one in found)
    return f"{broken} of {audits:,} ({broken / audits:.1%})" if audits else ""


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
            keys = ("audits", "before", "audited", "rounds")
            yield [name, title, *(found[key] for key in keys)]
