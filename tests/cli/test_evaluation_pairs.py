"""Test sets in one file of sources and references."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from nmt.bundle.files import seal
from nmt.cli import compare, evaluate
from nmt.cli.evaluation_set import read_test_set, set_name
from nmt.data.directions import Directions


def options(*arguments):
    return evaluate.parser().parse_args(list(map(str, arguments)))


@pytest.fixture
def both_ways(bundle_dir):
    """A model directory whose config says that it translates in both directions."""
    config = json.loads((bundle_dir / "config.json").read_text())
    config |= {"src": "de+en", "tgt": "en+de", "directions": ["de-en", "en-de"], "tags": True}
    (bundle_dir / "config.json").write_text(json.dumps(seal(config, config["checksums"])))
    return bundle_dir


TMX_UNIT = '<tuv xml:lang="de"><seg>Ein Haus</seg></tuv><tuv xml:lang="en"><seg>A house</seg></tuv>'
PAIRS = {
    "pairs.csv": "German,English\nEin Haus,A house\n",
    "pairs.tsv": "Key\tDeutsch\tEnglisch\n1\tEin Haus\tA house\n",
    "pairs.tmx": f'<tmx version="1.4"><header srclang="de"/><body><tu>{TMX_UNIT}</tu></body></tmx>',
    "pairs.jsonl": '{"de": "Ein Haus", "en": "A house"}\n',
}


@pytest.fixture(params=PAIRS)
def pairs(request, tmp_path):
    path = tmp_path / request.param
    path.write_text(PAIRS[request.param])
    return path


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (["--to", "en"], ("Ein Haus", "A house")),
        (["--from", "English"], ("A house", "Ein Haus")),
        (["--langpair", "en-de"], ("A house", "Ein Haus")),
    ],
)
def test_a_model_of_several_directions_reads_pairs_in_the_one_that_is_chosen(both_ways, pairs, direction, expected):
    given = options(both_ways, "--src", pairs, "--ref", pairs, *direction)
    evaluate.take_direction(given)
    _, srcs, found = read_test_set(given)
    assert (srcs, found) == ([expected[0]], [[expected[1]]])


def test_a_model_of_several_directions_that_is_told_none_asks_for_it(both_ways, pairs):
    with pytest.raises(ValueError, match="say into which language with --to"):
        read_test_set(options(both_ways, "--src", pairs, "--ref", pairs))


def test_without_a_model_the_languages_of_pairs_are_options(pairs, tmp_path):
    hypotheses = [tmp_path / "one", tmp_path / "two"]
    for number, path in enumerate(hypotheses):
        path.write_text(f"A house {number}\n")

    def compared(*languages):
        arguments = [*hypotheses, "--src", pairs, "--ref", pairs, *languages]
        return compare.compare_systems(compare.parser().parse_args(list(map(str, arguments))))

    assert compared("--from", "de", "--to", "en")["differ_most"][str(hypotheses[1])][0]["ref"] == "A house"
    assert compared("--from", "en", "--tgt", "de")["differ_most"][str(hypotheses[1])][0]["src"] == "A house"
    for languages, missing in (([], "--from LANG and --to LANG"), (["--tgt", "en"], "--from LANG")):
        with pytest.raises(ValueError, match=f"say which are meant with {missing}$"):
            compared(*languages)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("test.de", "test"),
        ("valid.src", "valid"),
        ("test.German.gz", "test"),
        ("test.zh-CN.txt", "test"),
        ("pairs.de-en.CSV", "pairs"),
        ("texts.txt.zip", "texts"),
        ("dev.2016.de", "dev.2016"),
        ("IWSLT14.TED.tst2010.de-en.de", "IWSLT14.TED.tst2010.de-en"),
        ("news.dev", "news.dev"),
        (".de", ".de"),
        ("test", "test"),
    ],
)
def test_a_test_set_is_named_after_its_file_without_format_and_language(file, name):
    assert set_name(Path(file)) == name


def test_evaluations_of_other_models_ensembles_and_directions_have_folders_of_their_own():
    def folder(*models, directions=("de-en",), name="test", to=None):
        every = Directions.of("", "", directions, tags=True)
        return evaluate.output_folder(
            list(models), SimpleNamespace(directions=every, direction=every.chosen(to)), name
        ).as_posix()

    here = Path.cwd().as_posix()
    several = {"directions": ("de-en", "en-de"), "to": "en"}
    assert folder("runs/a/model") == f"{here}/runs/a/evaluation/test"
    assert folder("runs/a/model", **several) == f"{here}/runs/a/evaluation/test_de-en"
    assert folder("runs/a/model", name="wmt14_de-en", **several) == f"{here}/runs/a/evaluation/wmt14_de-en"
    assert folder("models/de-en") == f"{here}/models/evaluation/test_de-en"
    assert folder("hf://user/model@v1") == "evaluation/test_user-model-v1"
    ensembles = {folder("runs/a/model", f"runs/{other}/model") for other in "bcb"}
    assert {one.rpartition("-")[0] for one in ensembles} == {f"{here}/runs/a/evaluation/test_ensemble"}
    assert len(ensembles) == 2


def test_another_file_of_the_same_name_replaces_no_evaluation(tmp_path):
    folder = tmp_path / "test"
    assert evaluate.own_folder(folder, "/a/test.de") == folder
    folder.mkdir()
    for content, is_own in (
        ('{"src": "/a/test.de"}', False), ('{"src": "/b/test.de"}', True), ("{}", True), ("[]", True), ("{", True),
    ):  # fmt: skip
        (folder / evaluate.SCORES).write_text(content)
        found = evaluate.own_folder(folder, "/b/test.de")
        assert (found == folder) == is_own
        assert found.parent == tmp_path
        assert found.name.startswith("test")


@pytest.mark.parametrize(("suffix", "between"), [("csv", ","), ("tsv", "\t")])
def test_two_columns_without_names_need_no_languages(tmp_path, suffix, between):
    path = tmp_path / f"pairs.{suffix}"
    path.write_text(f"Ein Haus{between}A house\nEin Hund{between}A dog\n")
    for name, text in (("one", "A house\nA dog\n"), ("two", "A home\nA dog\n")):
        (tmp_path / name).write_text(text)
    arguments = [tmp_path / "one", tmp_path / "two", "--src", path, "--ref", path]
    found = compare.compare_systems(compare.parser().parse_args(list(map(str, arguments))))
    assert found["differ_most"][str(tmp_path / "two")][0]["src"] == "Ein Haus"


def test_a_tsv_of_sources_and_references_is_read_by_its_columns(bundle_dir, tmp_path):
    table, lines = tmp_path / "pairs.tsv", tmp_path / "test.en"
    table.write_text("English\tx\tGerman\nA house\t1\tEin Haus\nThe dog\t2\tDer Hund\n")
    lines.write_text("A house\nThe dog\n")
    expected = (["Ein Haus", "Der Hund"], [["A house", "The dog"]])
    for ref in (table, tmp_path / ".." / tmp_path.name / "pairs.tsv", lines):
        assert read_test_set(options(bundle_dir, "--src", table, "--ref", ref))[1:] == expected
    table.write_text("Ein Haus\tA house\nDer Hund\tThe dog\n")
    assert read_test_set(options(bundle_dir, "--src", table, "--ref", table))[1:] == expected
    table.write_text("Ein Haus\nDer Hund\n")
    assert read_test_set(options(bundle_dir, "--src", table, "--ref", lines))[1:] == expected


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_a_table_of_several_columns_that_does_not_name_the_source_is_no_source(bundle_dir, tmp_path, suffix):
    table, lines = tmp_path / f"test.{suffix}", tmp_path / "test.en"
    table.write_text("Ein Haus\tA house\n".replace("\t", {"tsv": "\t", "csv": ","}[suffix]))
    lines.write_text("A house\n")
    with pytest.raises(ValueError, match=r"has 2 columns, .* names none of them 'de'"):
        read_test_set(options(bundle_dir, "--src", table, "--ref", lines))


def test_a_column_that_is_named_after_another_language_is_no_reference(bundle_dir, tmp_path):
    table, lines = tmp_path / "refs.tsv", tmp_path / "test.de"
    lines.write_text("Ein Haus\nDer Hund\n")
    table.write_text("German\ten\tEnglish 2\nEin Haus\tA house\tOne house\nDer Hund\tThe dog\tThe hound\n")
    _, _, found = read_test_set(options(bundle_dir, "--src", lines, "--ref", table))
    assert found == [["A house", "The dog"], ["One house", "The hound"]]
    table.write_text("German\tFrench\nEin Haus\tUne maison\nDer Hund\tLe chien\n")
    with pytest.raises(ValueError, match="refs.tsv names no column 'en': 'German', 'French'"):
        read_test_set(options(bundle_dir, "--src", lines, "--ref", table))


def test_json_lines_of_pairs_are_no_lines_of_text(bundle_dir, tmp_path):
    (tmp_path / "a.jsonl").write_text(PAIRS["pairs.jsonl"])
    (tmp_path / "lines").write_text("A house\n")
    with pytest.raises(ValueError, match=r"a.jsonl has both languages in it; give it as --src and as --ref"):
        read_test_set(options(bundle_dir, "--src", tmp_path / "a.jsonl", "--ref", tmp_path / "lines"))
