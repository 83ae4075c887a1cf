"""The map of the pool: where picks lie, what it says of itself, and how it is drawn."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from llmal.embed.pool_matrix import kept_embeddings
from llmal.report import RunRecord, collect, render
from llmal.report.pool_map import PoolMap, drawn_map
from llmal.task import Task


@dataclass(frozen=True)
class _Round:
    number: int
    item_ids: list[str]
    phase: str = "query"
    selector: str = "margin"
    scores: tuple[float, ...] = ()
    why: tuple[str, ...] = ()
    started: float = 0.0
    finished: float | None = 60.0
    metrics: dict[str, Any] = field(default_factory=dict)


def _plane(size, width=5, seed=0):
    """Items that vary along the first axis, less along the second, hardly along the others."""
    spread = np.array([4.0, 2.0] + [1e-3] * (width - 2))
    return (np.random.default_rng(seed).normal(size=(size, width)) * spread + 7).astype(np.float32)


def _drawn(embeddings, picked, **options):
    return drawn_map(embeddings, {str(i): i for i in picked}, 0, **({"method": "PCA"} | options))


def _record(drawn, rounds, size, **more):
    return RunRecord(
        task=Task("t", ["yes", "no"]),
        pool_source="p.csv",
        pool_size=size,
        rounds=rounds,
        map=drawn,
        **more,
    )


def _drawing(page):
    (figure,) = re.findall(r'<figure class="chart map">.*?</figure>', page, re.S)
    return ElementTree.fromstring(figure), figure


def test_principal_components_of_a_plane():
    embeddings = _plane(400)
    drawn = _drawn(embeddings, range(30))
    assert drawn.method == "PCA"
    assert drawn.fitted == 400
    assert len(drawn.background) == 370
    variances = embeddings.astype(float).var(axis=0)
    assert drawn.explained == pytest.approx(variances[:2] / variances.sum(), rel=1e-2)
    # The plane comes back as it was, but for its place and a slight turn.
    places = np.array([drawn.picks[str(i)] for i in range(30)])
    centred = embeddings[:30, :2] - embeddings[:, :2].mean(axis=0)
    assert np.abs(np.corrcoef(places[:, 0], centred[:, 0])[0, 1]) > 0.99
    apart = np.linalg.norm(places[0] - places[1])
    assert apart == pytest.approx(np.linalg.norm(centred[0] - centred[1]), rel=1e-3)


def test_the_same_seed_gives_the_same_map_and_another_pool_is_not_read_whole():
    embeddings = _plane(30_000)
    one, other = (_drawn(embeddings, [7, 29_999]) for _ in range(2))
    assert one.picks == other.picks
    assert (one.background == other.background).all()
    assert one.fitted == 20_000
    assert 2990 <= len(one.background) <= 3000
    assert drawn_map(embeddings, {"7": 7}, 1, method="PCA").picks != one.picks


@pytest.mark.parametrize("width", [1, 2])
def test_embeddings_of_few_dimensions(width):
    drawn = _drawn(np.arange(20 * width, dtype=np.float32).reshape(20, width), [0, 19])
    assert drawn.explained == pytest.approx((1.0, 0.0), abs=1e-6)
    assert drawn.picks["0"][1] == pytest.approx(drawn.picks["19"][1], abs=1e-3)


def test_no_map_of_items_that_are_all_alike_or_where_nothing_was_picked():
    assert _drawn(np.full((50, 8), 0.3, dtype=np.float32), [1, 2]) is None
    assert _drawn(_plane(50), []) is None


@pytest.mark.slow
def test_umap_keeps_groups_apart_and_is_the_same_for_a_seed():
    pytest.importorskip("umap")
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(2, 6) * 50, 20, axis=0)
    embeddings = (centres + rng.normal(size=(40, 6))).astype(np.float32)
    one, other = (_drawn(embeddings, range(40), method="UMAP") for _ in range(2))
    assert one.method == "UMAP"
    assert one.explained is None
    assert one.picks == other.picks
    places = np.array(list(one.picks.values()))
    within = np.linalg.norm(places[:20] - places[:20].mean(axis=0), axis=1).max()
    between = np.linalg.norm(places[:20].mean(axis=0) - places[20:].mean(axis=0))
    assert between > 2 * within


def test_a_map_survives_a_file():
    drawn = _drawn(_plane(40), [3, 5])
    back = PoolMap.from_dict(json.loads(json.dumps(drawn.as_dict())))
    assert (back.background == drawn.background).all()
    assert (back.picks, back.explained, back.fitted) == (drawn.picks, drawn.explained, 40)


def test_embeddings_of_another_pool_are_not_used(tmp_path):
    file = tmp_path / "embeddings.npy"
    assert kept_embeddings(file, "mine") is None
    np.save(file, _plane(10))
    sidecar = tmp_path / "embeddings.npy.json"
    sidecar.write_text(json.dumps({"pool": "mine", "items": 10}))
    assert kept_embeddings(file, "mine").shape == (10, 5)
    assert kept_embeddings(file, "other") is None
    sidecar.write_text(json.dumps({"pool": "mine", "items": 11}))
    assert kept_embeddings(file, "mine") is None
    sidecar.write_text("{")
    assert kept_embeddings(file, "mine") is None


def test_figures_have_each_pick_with_the_first_round_that_picked_it():
    drawn = PoolMap(
        "PCA",
        (0.5, 0.25),
        100,
        np.array([[-1.0, 0.0], [3.0, 1.0]], dtype=np.float32),
        {"a": (0.0, 0.0), "b": (1.0, 2.0)},
    )
    rounds = [_Round(0, ["a"], phase="start"), _Round(1, ["b", "a"]), _Round(2, [])]
    figures = collect(_record(drawn, rounds, 4))["map"]
    assert figures["rounds"] == [
        {"number": 0, "phase": "start", "ids": ["a"], "places": [[0.25, 0.0]]},
        {"number": 1, "phase": "query", "ids": ["b"], "places": [[0.5, 0.5]]},
    ]
    assert figures["background"] == [[0.0, 0.0], [1.0, 0.25]]
    assert (figures["width"], figures["height"]) == (1.0, 0.5)
    assert json.loads(json.dumps(figures)) == figures


def test_a_pick_is_drawn_where_it_lies_with_its_text_to_point_at():
    embeddings = _plane(60)
    rounds = [_Round(0, ["0", "1"], phase="start"), _Round(1, ["2"])]
    texts = {"0": "<b>bold</b> & more", "2": "word " * 100}
    page = render(collect(_record(_drawn(embeddings, range(3)), rounds, 60, texts=texts)))
    root, figure = _drawing(page)
    squares, circles = root.findall(".//rect/title"), root.findall(".//circle/title")
    assert [one.text for one in squares] == [
        "round 0, no label yet: <b>bold</b> & more",
        "round 0, no label yet: 1",
    ]
    (long,) = circles
    assert long.text.startswith("round 1, no label yet: word word")
    assert len(long.text) < 200
    rest = next(one for one in root.iter("path") if one.get("class") == "rest")
    assert rest.get("d").count("M") == 57
    box = [float(one) for one in root.find("svg").get("viewBox").split()]
    for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", rest.get("d")):
        assert 0 <= float(x) <= box[2]
        assert 0 <= float(y) <= box[3]
    assert "<script" not in figure
    assert not re.search(r"https?:|url\(", figure)
    caption = " ".join(root.find("figcaption").text.split())
    assert caption.startswith("PCA of the embeddings: of their variance 7")
    assert "as measured on" not in caption
    assert "Grey: the 57 items that were not picked. Squares: picked at the start." in caption


def test_many_rounds_share_a_scale_of_colours_and_unlisted_picks_are_there_too():
    rounds = [_Round(n, [str(20 * n + i) for i in range(20)]) for n in range(12)]
    rounds.append(_Round(12, [str(i) for i in range(240, 500)]))
    page = render(collect(_record(_drawn(_plane(5000), range(500)), rounds, 5000)))
    root, figure = _drawing(page)
    words = [one.text for one in root.iter("text")]
    assert words == ["not picked", "round 0", "round 12"]
    assert "color-mix(in oklch,var(--series-2) 100%,var(--series-1))" in figure
    dots = [one for one in root.iter("path") if one.get("class") != "rest"]
    shown = len(root.findall(".//circle/title")) + sum(one.get("d").count("M") for one in dots)
    assert shown == 500
    caption = " ".join(root.find("figcaption").text.split())
    assert re.search(r"Grey: 2,\d\d\d of the 4,500 items that were not picked, drawn", caption)


def test_a_run_without_embeddings_has_no_map():
    record = _record(None, [_Round(0, ["a"])], 3)
    figures = collect(record)
    assert figures["map"] is None
    page = render(figures)
    assert "chart map" not in page
    assert "PCA" not in page
    # Nor has the page of a report that was written before there were maps.
    del figures["map"]
    assert render(figures) == page
