from __future__ import annotations

import json

import numpy as np
import pytest

from llmal.calibration import (
    Batch,
    Contextual,
    Isotonic,
    PriorMatching,
    Temperature,
    from_dict,
    load,
    save,
)
from llmal.errors import ConfigError, DataError

SCORES = np.log([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]])
LABELS = [0, 1, 2, 1]


def test_what_was_fitted_on_stands_in_the_file(tmp_path):
    fitted = Temperature().fit(SCORES, LABELS)
    path = save(fitted, tmp_path / "t.json", source={"model": "a@1", "prompt": "label@1#ab"})
    content = json.loads(path.read_text())
    assert content["calibrator"] == "temperature"
    assert content["options"] == {"normalise": "sum", "ridge": 0.1}
    assert content["fitted_on"] == {
        "fits_on": "labels",
        "rows": 4,
        "columns": 3,
        "label_counts": [1, 2, 1],
    }
    assert content["source"] == {"model": "a@1", "prompt": "label@1#ab"}
    assert load(path).source == content["source"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_fit_clears_the_notes_on_the_old_one():
    fitted = Temperature().fit(SCORES, LABELS)
    fitted.source = {"model": "a"}
    assert fitted.fit(SCORES, LABELS).source == {}


def test_options_come_back(tmp_path):
    made = PriorMatching(target=(0.5, 0.3, 0.2), normalise="first").fit(SCORES)
    back = load(save(made, tmp_path / "p.json"))
    assert (back.target, back.normalise) == ((0.5, 0.3, 0.2), "first")
    assert from_dict(Batch(gamma=None).to_dict()).gamma is None


def test_half_a_fit_is_not_saved_as_one():
    half = Batch(gamma=None).fit(SCORES)
    with pytest.raises(DataError, match="not fitted"):
        from_dict(half.to_dict()).transform(SCORES)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("\udcff", "not valid JSON"),
        ("[]", "not a saved calibrator"),
        ("{}", "not a saved calibrator"),
        ('{"calibrator": 3}', "not a saved calibrator"),
        ('{"calibrator": "temperature"}', "saved in format None"),
        ('{"calibrator": "temperatur", "format": 1}', "did you mean 'temperature'"),
        ('{"calibrator": "temperature", "format": 1}', "options of the temperature"),
    ],
)
def test_a_file_that_holds_no_calibrator(tmp_path, raw, words):
    path = tmp_path / "broken.json"
    path.write_bytes(raw.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=words) as told:
        load(path)
    assert told.value.where == str(path)
    assert "\n" not in str(told.value)


def _damaged(kind, **changes):
    content = kind.to_dict()
    for key, value in changes.items():
        place = content
        *parents, last = key.split("__")
        for parent in parents:
            place = place[parent]
        place[last] = value
    return content


@pytest.mark.parametrize(
    "content",
    [
        _damaged(Temperature().fit(SCORES, LABELS), state__temperature="warm"),
        _damaged(Temperature().fit(SCORES, LABELS), state__temperature=[1.0]),
        _damaged(Temperature().fit(SCORES, LABELS), state__temperature=-1.0),
        _damaged(Temperature().fit(SCORES, LABELS), state={}),
        _damaged(Temperature().fit(SCORES, LABELS), state=[]),
        _damaged(Temperature().fit(SCORES, LABELS), fitted_on=None),
        _damaged(Temperature().fit(SCORES, LABELS), fitted_on={"fits_on": "labels"}),
        _damaged(Temperature().fit(SCORES, LABELS), fitted_on__rows="four"),
        _damaged(Temperature().fit(SCORES, LABELS), fitted_on__label_counts=[1, "b", 2]),
        _damaged(Temperature().fit(SCORES, LABELS), source="here"),
        _damaged(Temperature().fit(SCORES, LABELS), options__colour="red"),
        _damaged(Temperature().fit(SCORES, LABELS), options__ridge="x"),
        _damaged(Contextual().fit(SCORES), state__log_prior=[0.1, 0.2]),
        _damaged(Contextual().fit(SCORES), state__log_prior=[0.1, None, 0.2]),
        _damaged(Contextual().fit(SCORES), options__normalise="median"),
        _damaged(Isotonic().fit(SCORES, LABELS), state__ends=[1.0, 2.0, 900.0]),
        _damaged(Isotonic().fit(SCORES, LABELS), state__y=[0.5]),
    ],
)
def test_a_damaged_calibrator_is_one_error_with_the_file(tmp_path, content):
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError) as told:
        load(path)
    assert told.value.where == str(path)


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        load(tmp_path / "none.json")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)
    with pytest.raises(DataError, match="cannot be written"):
        save(Batch(), tmp_path / "no folder" / "b.json")
    with pytest.raises(DataError, match="plain numbers and strings"):
        save(Batch(), tmp_path / "b.json", source={"lm": object()})
    with pytest.raises(DataError, match="plain numbers and strings"):
        save(Batch(), tmp_path / "b.json", source={"x": float("nan")})
    assert not (tmp_path / "b.json").exists()


def test_a_description_of_something_unknown():
    with pytest.raises(ConfigError, match="there is no 'magic' among the calibrators"):
        from_dict({"calibrator": "magic", "format": 1})
