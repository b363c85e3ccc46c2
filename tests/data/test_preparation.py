from __future__ import annotations

import json
import multiprocessing
import shutil
import subprocess

import numpy as np
import pytest
import toy
from commands import programs

from nmt.common.files import locked
from nmt.data import encoded as encoded_module
from nmt.data import preparation
from nmt.data.augmentation import augmented, with_rules
from nmt.data.cleaning import CleaningConfig
from nmt.data.corpora import FileCorpus, Pair
from nmt.data.directions import Direction
from nmt.data.encoded import EncodedCorpus, write_encoded
from nmt.data.oddities import oddities
from nmt.data.preparation import checksums, prepare
from nmt.data.tokenizer import Tokenizer, TokenizerConfig
from nmt.text.protection import SYMBOL, TextRules

CONFIG = TokenizerConfig(vocab_size=320)


def corpus(folder, **settings):
    return FileCorpus("de", "en", dir=str(folder), **settings)


def test_what_is_prepared_is_the_training_text(corpus_dir, tmp_path):
    prepared = prepare(corpus(corpus_dir), CONFIG, tmp_path / "runs" / ".cache")
    assert len(prepared.train) == 130
    assert len(prepared.valid) == 20
    first = (corpus_dir / "train.en").read_text(encoding="utf-8").splitlines()[0]
    batch = prepared.train.batch([0])
    assert prepared.tokenizer.decode_tgt(batch.tgt_out[0, :-1].tolist()) == first
    assert prepared.train.lengths(np.array([0])) == (batch.src_len[0], batch.tgt_len[0])
    assert prepared.oddities == []


def test_some_pairs_are_there_once_more_with_symbols_and_in_capitals(corpus_dir, tmp_path):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for code, line in (("de", "Sieh <b>{a}</b>, {b} und 7."), ("en", "See {b}, <i>{a}</i> and 7.")):
        with (text / f"train.{code}").open("a") as file:
            file.write(f"{line}\n")
    shares = {"protect_share": 0.5, "capitals_share": 0.25}
    config = TokenizerConfig(vocab_size=340, protect=("all",), casing="marked", **shares)
    prepared = prepare(corpus(text), config, tmp_path)
    train, tokenizer = prepared.train, prepared.tokenizer
    src = ["".join(tokenizer.src_pieces(train.pair(row)[0].tolist()[:-1])) for row in range(len(train))]
    tgt = [tokenizer.decode_tgt(train.pair(row)[1].tolist()[1:-1]) for row in range(len(train))]
    assert src[130] == "▁⇧▁sieh▁⟦1⟧,▁⟦2⟧▁und▁7."
    assert tgt[130] == "See ⟦2⟧, ⟦1⟧ and 7."
    more = list(zip(src, tgt, strict=True))[131:]
    with_symbols = [pair for pair in more if "⟦1⟧" in pair[0]]
    assert 131 * 0.35 < len(with_symbols) < 131 * 0.65
    assert all(sorted(SYMBOL.findall(one)) == sorted(SYMBOL.findall(other)) for one, other in with_symbols)
    # The tiny language is translated word by word, so that symbols for words have the same places on both sides.
    words = [(one.replace("▁", " ").replace("⇧", "").split(), other.split()) for one, other in with_symbols]
    alike = [list(map(SYMBOL.findall, one)) == list(map(SYMBOL.findall, other)) for one, other in words]
    at_end = [bool(SYMBOL.fullmatch(one[-1]) and SYMBOL.fullmatch(other[-1])) for one, other in words]
    assert alike.count(True) > 0.5 * len(words)  # rough alignments err
    assert 0.05 * len(words) < at_end.count(True) < 0.4 * len(words)
    assert {len(one) for one, _ in words} > {4, 5, 6}  # some stand before words, some instead of them
    capitals = [pair for pair in more if "⇈" in pair[0]]
    assert len(with_symbols) + len(capitals) == len(more)
    assert 131 * 0.1 < len(capitals) < 131 * 0.4
    assert all(pair[1].isupper() for pair in capitals)
    again = prepare(corpus(text), config, tmp_path / "again").train
    assert [again.pair(row)[0].tolist() for row in range(len(again))] == [
        train.pair(row)[0].tolist() for row in range(len(train))
    ]


def test_without_rules_a_pair_stays_as_it_is():
    pair = Pair("Sieh <b>{a}</b>!", "See <b>{a}</b>!")
    assert with_rules(pair, TextRules()) == pair
    assert with_rules(pair, TextRules(("tags",)))[:2] == ("Sieh {a}!", "See {a}!")


def test_marked_case_is_advised_against_where_i_has_another_capital_and_nothing_is_taught_in_capitals():
    pair, rules = Pair("Bir adam", "A man"), TextRules(casing="marked")
    config = TokenizerConfig(vocab_size=320, casing="marked", capitals_share=1)
    for language, number in (("de", 1), ("tr", 0), ("Turkish", 0), ("az-Latn", 0)):
        assert len(list(augmented([pair], rules, config, None, Direction(language, "en")))) == number
        assert (
            len(list(augmented([pair._replace(languages=("en", language))], rules, config, None, ("", "")))) == number
        )
        told = oddities(FileCorpus(language, "en", dir=""), [pair], 1, 0, {}, rules)
        assert len(told) == 1 - number
        assert all(f"which is another letter in {language}: use kept" in one for one in told)
        assert oddities(FileCorpus(language, "en", dir=""), [pair], 1, 0, {}, TextRules()) == []


def test_the_second_time_comes_from_the_cache(corpus_dir, tmp_path, monkeypatch):
    first = prepare(corpus(corpus_dir), CONFIG, tmp_path)
    monkeypatch.setattr("nmt.data.training_text.train_tokenizer", None)
    monkeypatch.setattr("nmt.data.preparation.write_encoded", None)
    second = prepare(corpus(corpus_dir), CONFIG, tmp_path)
    assert second.tokenizer.models == first.tokenizer.models


def test_neither_preparing_nor_reading_imports_pandas(tmp_path):
    """pyarrow does in its ways from lists and to NumPy: half a second, and 50 MB of every process that trains."""
    pytest.importorskip("pandas")
    code = (
        "import sys; from pathlib import Path; from nmt.data.encoded import EncodedCorpus, write_encoded\n"
        "write_encoded(Path('x.arrow'), [([4, 5, 3], [2, 6, 3], 1, 0), ([3], [2, 3], 2, 0)])\n"
        "text = EncodedCorpus(Path('x.arrow'))\n"
        "print([text.pair(0)[0].tolist(), text.pair(1)[1].tolist(), text.counts.tokens, text.longest])\n"
        "print('pandas' in sys.modules)"
    )
    run = [programs() / "python3", "-c", code]
    found = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert found.stdout.splitlines() == ["[[4, 5, 3], [2, 3], 4, 3]", "False"]


def test_other_text_or_settings_make_another_folder(corpus_dir, tmp_path):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    cache = tmp_path / "cache"
    prepare(corpus(text), CONFIG, cache)
    prepare(corpus(text, cleaning=CleaningConfig(max_chars=30)), CONFIG, cache)
    prepare(corpus(text), TokenizerConfig(vocab_size=310), cache)
    with (text / "train.de").open("a") as de, (text / "train.en").open("a") as en:
        de.write("Neu.\n")
        en.write("New.\n")
    prepare(corpus(text), CONFIG, cache)
    assert len(list(cache.iterdir())) == 4


def test_what_one_file_has_in_other_languages_is_other_data(corpus_dir, tmp_path):
    lines = toy.lines(corpus_dir, "train")
    for split in ("train", "valid"):
        rows = [json.dumps({"de": de, "en": en, "xx": en.upper()}) + "\n" for de, en in zip(*lines, strict=True)]
        (tmp_path / f"{split}.jsonl").write_text("".join(rows[:60] if split == "train" else rows[60:70]))
    found = []
    for src, tgt in (("de", "en"), ("en", "de"), ("xx", "de")):
        prepared = prepare(FileCorpus(src, tgt, dir=str(tmp_path)), CONFIG, tmp_path / "cache")
        ids = prepared.train.pair(0)[0][:-1].tolist()
        found.append("".join(prepared.tokenizer.src_pieces(ids)).replace("▁", " ").strip())
    assert found == [lines[0][0], lines[1][0], lines[1][0].upper()]


def test_the_same_bytes_are_other_data_where_they_are_read_otherwise(tmp_path):
    for split, count in (("train.csv", 60), ("train.tsv", 60), ("valid.csv", 1)):
        (tmp_path / split).write_text("".join(f'"Satz {i}\tx","sentence {i}"\n' for i in range(count)))
    config, cleaning = TokenizerConfig(vocab_size=290), CleaningConfig(decontaminate=False)
    for name, first in (("train.csv", "sentence 0"), ("train.tsv", 'x","sentence 0"')):
        text = corpus(tmp_path, train=name, valid="valid.csv", cleaning=cleaning)
        prepared = prepare(text, config, tmp_path / "cache")
        assert prepared.tokenizer.decode_tgt(prepared.train.pair(0)[1].tolist()[1:-1]) == first


def test_a_failure_leaves_nothing_behind(corpus_dir, tmp_path):
    cache = tmp_path / "cache"
    with pytest.raises(ValueError, match="no training pair is left"):
        prepare(corpus(corpus_dir, cleaning=CleaningConfig(max_pieces=3)), CONFIG, cache)
    assert list(cache.iterdir()) == []


def test_two_runs_may_prepare_at_once(corpus_dir, tmp_path):
    fork = multiprocessing.get_context("fork")
    arguments = corpus(corpus_dir), CONFIG, tmp_path
    processes = [fork.Process(target=prepare, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    (folder,) = tmp_path.iterdir()
    made = folder.stat().st_mtime_ns
    assert len(prepare(*arguments).train) == 130
    assert folder.stat().st_mtime_ns == made


def test_rows_are_found_across_record_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(encoded_module, "BLOCK_ROWS", 4)
    rows = [([i, i + 1, 3], [2, *range(4, 4 + i), 3], i + 7, i // 8) for i in range(10)]
    assert write_encoded(tmp_path / "x.arrow", iter(rows)) == 10
    corpus = EncodedCorpus(tmp_path / "x.arrow")
    assert len(corpus) == 10
    assert [corpus.origin(row)[1] for row in range(len(corpus))] == list(range(7, 17))
    assert [corpus.origin(row)[0] for row in range(10)] == [0] * 8 + [1] * 2
    assert corpus.lengths(np.arange(10))[1].tolist() == [i + 1 for i in range(10)]
    batch = corpus.batch([9, 0, 5])
    assert batch.src.tolist() == [[9, 10, 3], [0, 1, 3], [5, 6, 3]]
    assert batch.tgt_len.tolist() == [10, 1, 6]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"valid": "train"},
            "130 of 130 training pairs are left out because they stand in .*data.cleaning.decontaminate",
        ),
        ({"cleaning": CleaningConfig(max_chars=3)}, "what was left out: 130 too long"),
        ({"train": "none"}, "the training text is empty"),
        (
            {"train": "spoilt", "malformed": "skip"},
            "4 fault.s. of the text, the first: .*spoilt.de, line 1 is not UTF-8",
        ),
    ],
)
def test_no_pair_is_left_is_said_before_pieces_are_learned_and_why(corpus_dir, tmp_path, settings, message):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for code in ("de", "en"):
        (text / f"none.{code}").write_text("")
        (text / f"spoilt.{code}").write_bytes(b"\xff\n" * 2)
    settings = {"malformed": "fail"} | settings
    with pytest.raises(ValueError, match=f"^no training pair is left[:;] .*{message}"):
        prepare(corpus(text, **settings), CONFIG, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_what_is_wrong_with_the_text_is_told_as_the_corpus_tells_it(corpus_dir, tmp_path):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    rows = [{"de": "Anna.", "en": f"Anna {i}."} for i in range(9)] + [{"de": None, "en": "Anna."}]
    (text / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(ValueError, match=r"^\S*rows.jsonl, line 10 has no text for 'de' and 'en'"):
        prepare(corpus(text, train="rows"), CONFIG, tmp_path / "cache")


BLANK = r"blank: none of its 20 pair\(s\) has text on both sides"


@pytest.mark.parametrize(
    ("side", "line", "what"),
    [("", "", "empty"), ("", "\n", BLANK), ("en", "\n", BLANK), ("de", " \t\u200b\n", BLANK)],
)
def test_validation_text_without_pairs_is_refused(corpus_dir, tmp_path, side, line, what):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for code in ("de", "en"):
        if side in ("", code):
            (text / f"valid.{code}").write_text(line * 20)
    with pytest.raises(ValueError, match=f"^the validation text is {what}$"):
        prepare(corpus(text), CONFIG, tmp_path / "cache")


def test_a_corpus_that_is_odd_is_told_so_from_the_cache_too(corpus_dir, tmp_path):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for split in ("train", "valid"):
        shutil.copy(text / f"{split}.de", text / f"{split}.en")
    valid = (text / "valid.de").read_text(encoding="utf-8").splitlines()
    (text / "valid.de").write_text("\n".join(["", *valid[1:]]) + "\n", encoding="utf-8")
    for _ in range(2):
        assert prepare(corpus(text), CONFIG, tmp_path / "cache").oddities == [
            "130 of 130 training pairs have the same text on both sides",
            "19 of 20 validation pairs have the same text on both sides",
            "1 of 20 validation pairs have a blank side",
        ]
    found = prepare(FileCorpus("de", "de", dir=str(corpus_dir)), CONFIG, tmp_path / "cache").oddities
    assert found[0] == "data.src and data.tgt are both 'de': the model learns to copy"


def test_most_pairs_lost_to_the_held_out_are_told(corpus_dir, tmp_path):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for code in ("de", "en"):
        lines = (text / f"train.{code}").read_text(encoding="utf-8").splitlines()
        (text / f"test.{code}").write_text("\n".join(lines[:70]) + "\n", encoding="utf-8")
    (told,) = prepare(corpus(text, test="test"), CONFIG, tmp_path / "cache").oddities
    assert told.startswith("70 of 130 training pairs are left out")


def test_the_cache_keeps_what_a_given_tokenizer_does_to_a_text(corpus_dir, tmp_path):
    ids = {}
    made = prepare(corpus(corpus_dir), CONFIG, tmp_path).tokenizer
    for name in (None, "nfc"):
        given = Tokenizer(made.models, tgt_normalization=name)
        for _ in range(2):
            prepared = prepare(corpus(corpus_dir), CONFIG, tmp_path, given)
            assert prepared.tokenizer.content == given.content
            ids[name] = prepared.tokenizer.encode_tgt(["½"])
    assert ids[None] != ids["nfc"]
    assert prepare(corpus(corpus_dir), CONFIG, tmp_path).tokenizer.encode_tgt(["½"]) == ids["nfc"]  # from the cache
    assert len(list(tmp_path.iterdir())) == 3


def spoil(corpus_dir, folder):
    """The training text with two lines that are not UTF-8."""
    text = shutil.copytree(corpus_dir, folder)
    lines = (text / "train.en").read_bytes().split(b"\n")
    lines[6] += b"\xff"
    lines[40] += b"\xfe"
    (text / "train.en").write_bytes(b"\n".join(lines))
    return text


def test_malformed_lines_are_reported_from_the_cache_too(corpus_dir, tmp_path):
    text = spoil(corpus_dir, tmp_path / "text")
    for _ in range(2):
        prepared = prepare(corpus(text, malformed="skip"), CONFIG, tmp_path / "cache")
        assert len(prepared.train) == 128
        assert prepared.faults == [f"{text / 'train.en'}, line {number} is not UTF-8" for number in (7, 41)]
        assert not {7, 41} & {prepared.train.origin(row)[1] for row in range(len(prepared.train))}
    assert len(prepare(corpus(text, malformed="replace"), CONFIG, tmp_path / "cache").train) == 130
    with pytest.raises(ValueError, match="line 7 is not UTF-8"):
        prepare(corpus(text), CONFIG, tmp_path / "cache")


@pytest.mark.parametrize("damage", ["flip", "remove", "no checksums"])
def test_a_damaged_cache_is_made_anew(corpus_dir, tmp_path, damage, caplog):
    before = prepare(corpus(corpus_dir), CONFIG, tmp_path).train.batch([3, 5]).src.tolist()
    (folder,) = tmp_path.iterdir()
    path = folder / ("checksums.json" if damage == "no checksums" else "train.arrow")
    content = bytearray(path.read_bytes())
    if damage in ("remove", "no checksums"):
        path.unlink()
    else:
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    assert prepare(corpus(corpus_dir), CONFIG, tmp_path).train.batch([3, 5]).src.tolist() == before
    assert f"{folder} is damaged and is made anew" in caplog.text
    assert checksums(folder) == json.loads((folder / "checksums.json").read_text())


def test_text_that_changes_while_it_is_read_is_not_cached(corpus_dir, tmp_path, monkeypatch):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    learn = preparation.learn_lexicon

    def changed(*arguments):
        (text / "train.de").write_bytes((text / "train.de").read_bytes().replace(b"Ball", b"Bell"))
        return learn(*arguments)

    monkeypatch.setattr(preparation, "learn_lexicon", changed)
    with pytest.raises(ValueError, match="the text changed while it was read"):
        prepare(corpus(text), CONFIG, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_draft_of_a_killed_process_is_removed_and_one_of_a_living_process_is_not(corpus_dir, tmp_path):
    key = "0" * 20
    for name in (f".{key}-left", f".{key}-busy", ".mine-kept"):
        (tmp_path / name).mkdir()
    with locked(tmp_path / f".{key}-busy", wait=False):
        prepare(corpus(corpus_dir), CONFIG, tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.name[0] == "."} == {f".{key}-busy", ".mine-kept"}
