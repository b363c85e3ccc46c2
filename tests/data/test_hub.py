from __future__ import annotations

import gzip
import json

import pytest

from nmt.data.cleaning import Tally
from nmt.data.corpora import FileCorpus, HubCorpus


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """The hub is out of reach, and what the libraries keep goes into a folder of its own."""
    import huggingface_hub

    from nmt.data.corpora.library import datasets

    home = tmp_path_factory.mktemp("home")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", home / "cache")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home / "hub"))
    return home


def hub(folder, **settings):
    return HubCorpus("de", "en", dataset=str(folder), **settings)


def rows(corpus, split="train"):
    return [(pair.src, pair.tgt) for pair in corpus.pairs(split)]


ROWS = [("Ja.", "Yes."), ('"Halt', "stop"), ("er sagt\r", 'so"'), ("NA", "null"), ("2020-01-01", "1999"), ("", "nan")]
TABLE = "de\ten\n" + "".join(f"{src}\t{tgt}\n" for src, tgt in ROWS)
DATES = "de\ten\n" + "2020-01-01\t7\n" * 3
JSONL = "".join(json.dumps({"de": src, "en": tgt}) + "\n" for src, tgt in ROWS)
RAGGED = JSONL + json.dumps({"de": "a", "en": "b", "fr": "c"}) + "\n"
TIMES = json.dumps({"de": "2020-01-01 00:00:00", "en": "2020-01-01T00:00:00Z"}) + "\n"
NESTED = "".join(json.dumps({"translation": {"de": src, "en": tgt}}) + "\n" for src, tgt in ROWS)
LAST = json.dumps({"translation": {"de": "a", "en": "b", "fr": "c"}}) + "\n"


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        pytest.param("train.tsv", TABLE, "translation", id="quotes, NA and CR"),
        pytest.param("train.tsv", DATES, "translation", id="dates and numbers"),
        pytest.param("train.jsonl", RAGGED, None, id="a language more in the last row"),
        pytest.param("train.jsonl", TIMES, "translation", id="times"),
        pytest.param("train.jsonl", NESTED + LAST, "translation", id="nested, a language more in the last row"),
    ],
)
def test_a_file_has_the_same_rows_in_a_dataset_and_as_files(tmp_path, name, content, column, suffix, streaming):
    folder = tmp_path / "text"
    folder.mkdir()
    data = content.encode()
    (folder / f"{name}{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    as_files = list(FileCorpus("de", "en", dir=str(folder)).pairs("train"))
    dataset = hub(folder, streaming=streaming, column=column)
    assert list(dataset.pairs("train")) == as_files
    assert dataset.fingerprint("train") == hub(folder).fingerprint("train")
    assert len(as_files) == content.count("\n") - name.endswith(".tsv")


@pytest.mark.parametrize("streaming", [False, True])
def test_text_of_a_csv_stays_text(tmp_path, streaming):
    content = 'id,de,en\n1,"Ja, ""so"".","Yes,\nso."\nx2,NA,null\n3,2020-01-01,007\n4,,nan\n'
    (tmp_path / "train.csv").write_text(content)
    found = rows(hub(tmp_path, streaming=streaming))
    assert found == [('Ja, "so".', "Yes,\nso."), ("NA", "null"), ("2020-01-01", "007"), ("", "nan")]


@pytest.mark.parametrize("name", ["csv", "text", "json"])
def test_a_folder_is_no_reader_of_that_name(tmp_path, name, monkeypatch):
    (tmp_path / name).mkdir()
    (tmp_path / name / "train.tsv").write_text("Ja.\tYes.\n")
    monkeypatch.chdir(tmp_path)
    assert rows(hub(name)) == [("Ja.", "Yes.")]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"de": ["a"], "en": [7]}, "'en' is of type int"),
        ({"de": ["a"], "en": [None]}, "'en' is null"),
        ({"de": ["a"], "fr": ["b"]}, "it has 'de', 'fr'"),
        ({"translation": [["a", "b"]]}, "it is of type list"),
    ],
)
def test_a_column_that_is_no_text_is_named_with_its_type(tmp_path, columns, found, streaming):
    from nmt.data.corpora.library import datasets

    datasets.Dataset.from_dict(columns).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(ValueError, match=f"row 1 has no text for 'de' and 'en': {found}"):
        rows(hub(tmp_path, streaming=streaming))


@pytest.mark.parametrize("streaming", [False, True])
def test_parts_that_differ_in_columns_are_one_line_and_not_out_of_reach(tmp_path, streaming):
    from nmt.data.corpora.library import datasets

    for number, columns in enumerate([{"de": ["a"], "en": ["b"]}, {"de": ["a"], "en": ["b"], "fr": ["c"]}]):
        datasets.Dataset.from_dict(columns).to_parquet(tmp_path / f"train-{number}-of-2.parquet")
    with pytest.raises(ValueError, match="cannot be read: .*fr") as error:
        rows(hub(tmp_path, streaming=streaming))
    assert "\n" not in str(error.value)


def test_lines_that_are_not_sound_are_told_by_file_and_number(tmp_path):
    (tmp_path / "train.jsonl").write_bytes(b'{"de": "a", "en": "b"}\n{"de": "\xff", "en": "b"}\n{"de": 3}\n')
    with pytest.raises(ValueError, match=r"train.jsonl, line 2 is not UTF-8 \(data.malformed"):
        rows(hub(tmp_path))
    tally = Tally()
    assert len(list(hub(tmp_path, malformed="skip").pairs("train", tally))) == 1
    assert len(tally.faults) == 2


def test_lines_are_counted_on_over_the_files_of_a_split(tmp_path):
    for number in range(2):
        (tmp_path / f"train-{number}.tsv").write_text(f"de\ten\na{number}\tb\n\n")
    assert [(pair.src, pair.line) for pair in hub(tmp_path).pairs("train")] == [("a0", 2), ("a1", 4)]


def test_a_split_may_be_a_slice(tmp_path):
    (tmp_path / "train.jsonl").write_text(JSONL)
    (tmp_path / "test.jsonl").write_text(JSONL)
    assert rows(hub(tmp_path), "train[:50%]") == ROWS[:3]
    both = hub(tmp_path)
    assert rows(both, "train[4:]+test[:1]") == [*ROWS[4:], ROWS[0]]
    assert [(pair.line, pair.part) for pair in both.pairs("train[4:]+test[:1]")] == [(5, 0), (6, 0), (1, 1)]
    assert both.parts("train[4:]+test[:1]") == ["train[4:]", "test[:1]"]
    with pytest.raises(ValueError, match="cannot be read: Unknown split .valid.. Should be one of"):
        rows(hub(tmp_path), "valid")


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_a_slice_is_the_same_of_every_kind_of_file_streamed_or_not(tmp_path, kind, streaming):
    from nmt.data.corpora.library import datasets

    for split in ("train", "test"):
        if kind == "jsonl":
            (tmp_path / f"{split}.jsonl").write_text(JSONL)
        else:
            columns = {code: [row[i] for row in ROWS] for i, code in enumerate(("de", "en"))}
            datasets.Dataset.from_dict(columns).to_parquet(tmp_path / f"{split}.parquet")
    found = hub(tmp_path, streaming=streaming)
    assert rows(found) == ROWS
    assert rows(found, "train[50%:]") == ROWS[3:]
    assert rows(found, "train[4:]+test[:1]") == [*ROWS[4:], ROWS[0]]
    with pytest.raises(ValueError, match="cannot be read: Unknown split .valid.. Should be one of"):
        rows(found, "valid")


def test_a_file_of_json_may_be_one_list(tmp_path):
    (tmp_path / "train.json").write_text("\n" + json.dumps([{"de": src, "en": tgt} for src, tgt in ROWS], indent=2))
    assert rows(hub(tmp_path)) == ROWS
    (tmp_path / "train.json").write_text("[{]")
    with pytest.raises(ValueError, match="train.json is not JSON"):
        rows(hub(tmp_path))


def test_what_was_fetched_before_is_read_without_a_network(home):
    repository = home / "hub" / "datasets--some--set"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    (snapshot / "train.jsonl").write_text(JSONL)
    assert rows(HubCorpus("de", "en", dataset="some/set")) == ROWS
    with pytest.raises(ValueError, match="^data.dataset 'some/other' is out of reach .*data=files data.dir=FOLDER"):
        rows(HubCorpus("de", "en", dataset="some/other"))


def test_a_dataset_must_be_named():
    with pytest.raises(ValueError, match="dataset is empty; it must name a dataset"):
        HubCorpus("de", "en", dataset="")


def test_a_file_in_the_place_of_a_folder_is_one_line(tmp_path):
    (tmp_path / "train.jsonl").write_text(JSONL)
    with pytest.raises(ValueError, match="train.jsonl' cannot be read") as error:
        rows(hub(tmp_path / "train.jsonl"))
    assert "\n" not in str(error.value)


def test_a_datasets_languages_are_matched_as_those_of_files(tmp_path):
    from nmt.data.corpora.library import datasets

    row = {"zh-Hans": "国", "en-US": "land"}
    datasets.Dataset.from_list([{"translation": row}, {"translation": row}]).to_parquet(tmp_path / "train.parquet")
    assert [pair[:2] for pair in HubCorpus("zh", "en", dataset=str(tmp_path)).pairs("train")] == [("国", "land")] * 2
