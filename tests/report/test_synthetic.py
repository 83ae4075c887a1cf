"""The page about synthetic items, and the sample that a person judges."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.stats import binomtest
from synthetic_records import TASK, item, record

from llmal.errors import DataError
from llmal.functions.generated_report import (
    read_sheet,
    write_sheet,
    write_synthetic_report,
)
from llmal.report.synthetic import (
    JudgedSample,
    collect_synthetic,
    drawn_sample,
    render_synthetic,
)
from llmal.task import Task


def _rows(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _write(path, rows):
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        out = csv.DictWriter(file, fieldnames=list(rows[0]))
        out.writeheader()
        out.writerows(rows)


@pytest.fixture(scope="module")
def figures():
    return collect_synthetic(record(), written=1_790_000_000.0)


def test_what_was_accepted_and_refused_is_counted(figures):
    counts = figures["counts"]
    assert (counts["written"], counts["accepted"]) == (63, 60)
    assert {one["label"]: one["refused"] for one in counts["rows"]} == {
        "in": {"near_duplicates": 1},
        "out": {"class_conditional": 1, "label_agreement": 1},
    }
    assert {one["filter"] for one in counts["by_filter"]} == {
        *("near_duplicates", "class_conditional", "label_agreement")
    }
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_measures_stand_beside_those_of_as_many_real_texts(figures):
    quality = figures["quality"]
    assert quality["diversity"]["texts"] == quality["real_diversity"]["texts"] == 40
    assert quality["diversity"]["self_bleu"] > quality["real_diversity"]["self_bleu"] > 0
    assert quality["fidelity"]["p_value"] == pytest.approx(0.002)  # the least of 499 permutations
    assert sum(figures["distances"]["real"]) == pytest.approx(1)
    assert sum(figures["distances"]["synthetic"]) == pytest.approx(1)


def test_the_worst_and_the_most_repeated_are_listed(figures):
    found = figures["examples"]
    shares = [one["probability"] for one in found["least_probable"]]
    assert shares == [pytest.approx(0.5 + n / 100) for n in range(10)]
    assert [(one["text"], one["count"]) for one in found["written_again"]] == [
        ("the dog sleeps in the house", 2)
    ]
    given = record()
    vectors = given.embedder.embed([one.text for one in given.accepted])
    real = given.embedder.embed([one.text for one in given.real])
    apart = np.linalg.norm(vectors[:, None] - real[None], axis=2)
    worst = [one["distance"] for one in found["farthest"]]
    assert worst == pytest.approx(sorted(apart.min(axis=1))[::-1][:10], abs=1e-3)
    cosines = np.triu(vectors @ vectors.T, 1)
    assert found["most_alike"][0]["cosine"] == pytest.approx(cosines.max(), abs=1e-5)
    assert found["most_alike"][0]["text"] != found["most_alike"][0]["other"]
    assert ("sleeps in the house", 10) in [
        (one["phrase"], one["count"]) for one in found["phrases"]
    ]


def test_texts_with_the_same_vector_are_a_pair_and_none_is_its_own():
    given = record()
    twins = [item("ab ab", "in", 0), item("ba ba", "in", 1), item("zz", "in", 2)]
    found = collect_synthetic(replace(given, items=twins))["examples"]["most_alike"]
    assert (found[0]["text"], found[0]["other"]) == ("ab ab", "ba ba")
    assert all(one["text"] != one["other"] for one in found)


def test_the_page_needs_nothing_else_and_escapes_what_the_model_wrote(figures):
    nasty = record()
    items = [*nasty.items, item("<img src=x onerror=alert(2)> barks", "out", 70)]
    page = render_synthetic(collect_synthetic(replace(nasty, items=items)))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(2)&gt; barks" in page
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    assert "default-src 'none'" in page
    text = re.sub(r"<[^>]+>", "", page)
    assert "1 item that was asked for is missing: 1 of out" in text
    assert "generate/class_conditional@3" in text


def test_the_map_tells_synthetic_from_real_by_shape_and_says_what_it_shows(figures):
    page = render_synthetic(figures)
    drawing = re.search(r'<svg viewBox="[^"]+" role="img" aria-labelledby="map-t map-d">.*?</svg>',
                        page, re.S).group()  # fmt: skip
    svg = ElementTree.fromstring(drawing)
    assert svg.find("title").text == "Map of 60 synthetic texts among 40 real ones, by PCA"
    assert svg.find("desc").text.startswith("Circles are real texts, triangles synthetic ones.")
    circles, triangles = svg.findall("circle"), svg.findall("path[@class='made']")
    assert (len(circles), len(triangles)) == (41, 61)  # one of each in the legend
    assert circles[0].find("title").text == "real: a dog rests near a river number 0"
    assert triangles[0].find("title").text == "synthetic, in: the dog sleeps in the house"
    width, height = map(float, svg.get("viewBox").split()[2:])
    for one in circles:
        assert 0 < float(one.get("cx")) < width
        assert 0 < float(one.get("cy")) < height


def test_of_many_real_texts_all_are_drawn_and_the_first_say_theirs():
    given = record()
    many = [replace(one, id=f"{one.id}-{n}") for n in range(13) for one in given.real]
    page = render_synthetic(collect_synthetic(replace(given, real=many)))
    assert page.count('<circle class="real"') == 520 + 1
    assert page.count("<title>real: ") == 500


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"embedder": None}, "Not measured: there is no embedder"),
        ({"real": ()}, "Not measured: there are fewer than two real texts"),
        ({"items": record().items[:1]}, "Not measured: it takes two accepted texts at least"),
        ({"items": record().items[60:]}, "0 of 3 texts"),
        ({"origin": None}, "How the items were made is not known"),
    ],
)
def test_what_cannot_be_measured_is_said(changes, words):
    page = render_synthetic(collect_synthetic(record(**changes)))
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    if words == "0 of 3 texts":
        assert "Accepted 0 of 3 texts that were written" in text
    else:
        assert words in text


def test_mauve_is_said_to_be_missing_where_it_is(figures):
    found = figures["quality"]["mauve"]
    try:
        import mauve  # noqa: F401
    except ImportError:
        assert found == {"value": None, "why": "the package mauve-text is not installed"}
    else:
        assert 0 <= found["value"] <= 1
    few = collect_synthetic(record(items=record().items[:5]))["quality"]["mauve"]
    assert few == {"value": None, "why": "it takes 20 texts on each side"}


def test_a_sample_is_drawn_filled_in_and_counted_with_its_exact_interval(tmp_path):
    given, page, sheet = record(), tmp_path / "r.html", tmp_path / "audit.csv"
    write_synthetic_report(given, page, sheet)
    assert "Write <code>yes</code> or <code>no</code>" in page.read_text()
    rows = _rows(sheet)
    assert list(rows[0]) == ["id", "text", "label", "right"]
    assert len(rows) == 60
    assert {row["right"] for row in rows} == {""}
    assert [row["id"] for row in rows] != sorted(row["id"] for row in rows)
    for number, row in enumerate(rows):
        row["right"] = "No " if number % 20 == 0 else "yes"
    _write(sheet, rows)
    write_synthetic_report(given, page, sheet)
    audit = json.loads(page.with_suffix(".json").read_text())["audit"]
    exact = binomtest(57, 60).proportion_ci(0.95, method="exact")
    assert (audit["right"]["hits"], audit["right"]["n"]) == (57, 60)
    assert audit["right"]["low"] == pytest.approx(exact.low)
    assert audit["right"]["high"] == pytest.approx(exact.high)
    assert sum(one["right"]["n"] for one in audit["by_label"]) == 60
    assert [one["text"] for one in audit["wrong"]] == [rows[n]["text"] for n in (0, 20, 40)]
    assert "57 of 60 labels that were judged are right" in page.read_text()


def test_a_sample_that_is_filled_in_half_counts_what_was_left_out_between(tmp_path):
    given, sheet = record(), tmp_path / "audit.csv"
    drawn = drawn_sample(given.accepted, given.seed)
    write_sheet(sheet, drawn, TASK)
    rows = _rows(sheet)
    for row in rows[:20]:
        row["right"] = "yes"
    rows[4]["right"] = rows[7]["right"] = ""
    # Sorted by a person, and the rows at the end deleted: the order of draw counts.
    _write(sheet, sorted(rows[:30], key=lambda row: row["id"]))
    sample = read_sheet(sheet, drawn, TASK)
    page = render_synthetic(collect_synthetic(given, sample))
    audit = collect_synthetic(given, sample)["audit"]
    assert (audit["judged"], audit["skipped"], audit["not_reached"]) == (18, 2, 40)
    assert audit["right"]["value"] == 1
    assert audit["right_if_skipped_are_wrong"]["value"] == 0.9
    assert "2 items were left out between others" in page
    assert "40 more of the sample are not judged yet" in page


def _changed(rows, place, **values):
    return [{**row, **values} if n == place else row for n, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda rows: _changed(rows, 1, right="perhaps"),
            "line 3: 'right' is 'perhaps'; write yes",
        ),
        (lambda rows: _changed(rows, 1, id="syn-60"), "this is no row of the sample"),
        (lambda rows: _changed(rows, 0, label="elsewhere"), "this is no row of the sample"),
        (lambda rows: _changed(rows, 0, text="another"), "this is no row of the sample"),
        (lambda rows: [{**row, "right": "yes"} for row in (rows[0], rows[0])], "is there twice"),
        (lambda rows: [{"id": row["id"], "label": "in"} for row in rows], "no column 'right'"),
    ],
)
def test_mistakes_in_a_sample_are_a_sentence(tmp_path, change, sentence):
    given, sheet = record(), tmp_path / "audit.csv"
    drawn = drawn_sample(given.accepted, given.seed)
    write_sheet(sheet, drawn, TASK)
    _write(sheet, change(_rows(sheet)))
    with pytest.raises(DataError, match=sentence) as error:
        read_sheet(sheet, drawn, TASK)
    assert "\n" not in str(error.value)


def test_a_workbook_and_a_text_column_called_label_can_be_judged(tmp_path):
    task = Task("t", ["in", "out"], text=("label", "right"))
    drawn = [
        replace(one, provenance={"fields": {"label": one.text, "right": "left\nor right"}})
        for one in record().accepted[:4]
    ]
    sheet = tmp_path / "audit.xlsx"
    write_sheet(sheet, drawn, task)
    from openpyxl import load_workbook

    book = load_workbook(sheet)
    head = [cell.value for cell in book.active[1]]
    assert head == ["id", "label", "right", "llmal_label", "llmal_right"]
    for number in (2, 3):
        book.active.cell(number, 5).value = number - 2  # 0 and 1, as numbers
    book.save(sheet)
    found = read_sheet(sheet, drawn, task)
    assert found == JudgedSample(drawn, {drawn[0].id: False, drawn[1].id: True}, "audit.xlsx")
