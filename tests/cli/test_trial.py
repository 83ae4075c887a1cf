from __future__ import annotations


def _file(tmp_path):
    file = tmp_path / "said.csv"
    rows = ["x,x,y,x", "x,x,x,x", "y,x,y,y", "x,y,y,y"] * 10
    file.write_text("anna,ben,cleo,gpt\n" + "\n".join(rows) + "\n")
    return file


def test_a_trial_is_told_in_words_and_as_json(llmal, json_of, tmp_path):
    words = ("trial", "--data", _file(tmp_path), "--people", "anna,ben,cleo", "--machine", "gpt")
    told = llmal(*words)
    assert told.exit_code == 0, told.stderr
    assert "gpt may stand in for a person: it wins against 3 of 3 people" in told.stdout
    result = json_of(llmal(*words, "--epsilon", "crowd", "--json"))
    assert result["passed"] is True
    assert result["trials"][0]["epsilon"] == 0.1
    assert result["trials"][0]["size"]["have"] == 40


def test_mistakes_are_one_sentence(llmal, tmp_path):
    file = _file(tmp_path)
    few = llmal("trial", "--data", file, "--people", "anna", "--machine", "gpt")
    assert few.exit_code == 1
    assert few.stderr == (
        "error: of 1 person 0 have 30 items or more with an answer by the machine and by 1 other "
        "people or more; at least two people are needed, better three, with 50 to 100 items each\n"
    )
    odd = llmal("trial", "--data", file, "--people", "anna,ben", "--machine", "gpt",
                "--epsilon", "much")  # fmt: skip
    assert "error: --epsilon is 'much'; give a number, or experts, skilled, crowd\n" in odd.stderr
    none = llmal("trial", "--data", tmp_path / "no.csv", "--people", "a,b", "--machine", "gpt")
    assert "no.csv: there is no such file; check the path" in none.stderr
