"""Several directions in one corpus."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from nmt.data.cleaning import CleaningConfig, Tally, clean, reasons
from nmt.data.corpora import FileCorpus
from nmt.data.directions import Direction, Directions, read_direction
from nmt.data.duplicates import Duplicates
from nmt.data.preparation import prepare
from nmt.data.readers import Pair
from nmt.data.tokenizer import TokenizerConfig

CONFIG = TokenizerConfig(vocab_size=330)
SEVERAL = Directions.of("", "", ["de-en", "fr-en", "en-de", "pt-BR:en"], True)


def corpus(folder, *directions, **settings):
    return FileCorpus("", "", directions=directions, dir=str(folder), **{"tags": True} | settings)


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_a_direction_is_written_as_it_is_read():
    for direction in (*SEVERAL.every, Direction("zh-Hans", "sr-Latn-RS")):
        assert read_direction(str(direction)) == direction
    for wrong in ("de", "de-", "-en", "pt-BR-en", "a:b:c", ""):
        with pytest.raises(ValueError, match="^directions has .*; it must be two codes, such as de-en"):
            read_direction(wrong)


def test_a_language_is_chosen_by_code_or_name_where_the_model_needs_to_know():
    assert SEVERAL.chosen("de") == SEVERAL.chosen("German") == SEVERAL.chosen("DEU", "en") == ("en", "de")
    assert SEVERAL.chosen("en") == ("", "en")  # from any: the tag says no more
    assert SEVERAL.chosen("en", "pt") == SEVERAL.chosen("en", "pt-br") == ("pt-BR", "en")
    assert Directions.of("de", "en").chosen() == Directions.of("de", "en").chosen("en", "de") == ("de", "en")
    both = Directions(SEVERAL.every, "both")
    for options, message in (
        ((), r"say into which language with --to \(in Python to=\): en, de"),
        (("fr",), "does not translate to 'fr'; it has: de-en, fr-en, en-de, pt-BR:en"),
        (("de", "fr"), "does not translate from 'fr' to 'de'"),
        (("",), "does not translate to ''"),
    ):
        with pytest.raises(ValueError, match=message):
            SEVERAL.chosen(*options)
    with pytest.raises(ValueError, match=r"say from which language with --from \(in Python from_=\): de, fr, pt-BR"):
        both.chosen("en")
    assert both.tags_of(Direction("fr", "en")) == ["<2en>", "<fr>"]
    assert SEVERAL.tag_pieces == ["<2en>", "<2de>"]


@pytest.mark.parametrize("tags", [True, "both"])
@pytest.mark.parametrize(
    "ways", ["de-en", "de-en fr-en", "de-en en-de", "de-en fr-en en-de", "de-en fr-en en-de fr-de"]
)
def test_a_direction_is_found_by_the_options_that_it_needs_and_not_by_less(ways, tags):
    directions = Directions.of("", "", ways.split(), tags)

    def found(options):
        told = dict(zip(options[::2], options[1::2], strict=True))
        return directions.chosen(told.get("--to"), told.get("--from"))

    for direction in directions.every:
        needed = directions.needed(direction)
        assert found(needed) in (direction, ("", direction.tgt))
        for i in range(0, len(needed), 2):
            with pytest.raises(ValueError, match="^say "):
                found(needed[:i] + needed[i + 2 :])


def test_several_targets_need_tags():
    assert Directions.of("", "", ["de-en", "fr-en"]).tag_pieces == []
    with pytest.raises(
        ValueError, match="directions are 'de-en, en-de', into several languages, which needs tags=true"
    ):
        FileCorpus("de", "en", dir=".", both_ways=True)
    with pytest.raises(ValueError, match="directions has one twice: 'de-en, de-en'"):
        corpus(".", "de-en", "de-en")
    with pytest.raises(ValueError, match="src and tgt must be given, or directions"):
        FileCorpus("de", "", dir=".")


def test_a_folder_a_pair_or_one_folder_of_several_languages(tmp_path):
    write(tmp_path / "de-en" / "train.de", "Ja.", "Nein.")
    write(tmp_path / "de-en" / "train.en", "Yes.", "No.")
    write(tmp_path / "fr-en" / "train.tsv", "Oui.\tYes.")  # without names: in the order of the folder's
    write(tmp_path / "train.nl", "Ja.")
    write(tmp_path / "train.en", "Yes.")
    several = corpus(tmp_path, "de-en", "en-fr", "nl-en", both_ways=True)
    assert list(several.pairs("train")) == [
        Pair("Ja.", "Yes.", 1, 0, ("de", "en")),
        Pair("Yes.", "Ja.", 1, 0, ("en", "de")),
        Pair("Nein.", "No.", 2, 0, ("de", "en")),
        Pair("No.", "Nein.", 2, 0, ("en", "de")),
        Pair("Yes.", "Oui.", 1, 1, ("en", "fr")),
        Pair("Oui.", "Yes.", 1, 1, ("fr", "en")),
        Pair("Ja.", "Yes.", 1, 2, ("nl", "en")),
        Pair("Yes.", "Ja.", 1, 2, ("en", "nl")),
    ]
    assert several.every_part("train") == ["de-en train", "fr-en train", "nl-en train"]
    assert list(FileCorpus("nl", "en", dir=str(tmp_path)).pairs("train")) == [Pair("Ja.", "Yes.", 1)]


ROWS = [
    "src_lang\ttgt_lang\tid\tsource\ttarget",
    "de\ten\t1\tJa.\tYes.",
    "fr-FR\ten\t2\tOui.\tYes.",
    "en\tde\t3\tNo.\tNein.",
]
OBJECTS = [
    {"source_language": "de", "target_language": "en", "src": "Ja.", "tgt": "Yes."},
    {"translation": {"fr": "Oui.", "en": "Yes."}},
    {"tgt_lang": "de", "src_lang": "en", "tgt": "Nein.", "src": "No."},
]


@pytest.mark.parametrize("name", ["train.tsv", "train.jsonl"])
def test_rows_that_say_which_languages_they_are_in(tmp_path, name):
    write(tmp_path / name, *(ROWS if name == "train.tsv" else map(json.dumps, OBJECTS)))
    several = corpus(tmp_path, "de-en", "fr-en", "en-de")
    assert [(pair.src, pair.tgt, pair.languages) for pair in several.pairs("train")] == [
        ("Ja.", "Yes.", ("de", "en")),
        ("Oui.", "Yes.", ("fr", "en")),
        ("No.", "Nein.", ("en", "de")),
    ]
    with pytest.raises(ValueError, match="train has no pair of nl and en: all 3 are of other languages"):
        list(corpus(tmp_path, "de-en", "nl-en").pairs("train"))
    single = FileCorpus("de", "en", dir=str(tmp_path), malformed="skip")  # of one direction nothing goes unsaid
    tally = Tally()
    assert [pair.src for pair in single.pairs("train", tally)] == ["Ja."]
    assert len(tally.faults) == 2
    assert "has no text for 'de' and 'en': it has 'fr" in tally.faults[0]


@pytest.mark.parametrize("name", ["train.tsv", "train.jsonl"])
def test_with_both_ways_a_row_may_name_its_languages_in_either_order_and_what_is_lost_is_counted(tmp_path, name):
    write(tmp_path / name, *(ROWS if name == "train.tsv" else map(json.dumps, OBJECTS)))
    tally = Tally()
    both = FileCorpus("de", "en", dir=str(tmp_path), both_ways=True, tags=True)
    assert [pair[:2] + pair.languages for pair in both.pairs("train", tally)] == [
        ("Ja.", "Yes.", "de", "en"),
        ("Yes.", "Ja.", "en", "de"),
        ("Nein.", "No.", "de", "en"),
        ("No.", "Nein.", "en", "de"),
    ]
    assert reasons(tally.dropped) == "1 of other languages"
    tally = Tally()
    assert len(list(corpus(tmp_path, "de-en", "fr-en", "en-de").pairs("train", tally))) == 3
    assert not tally.dropped
    assert len(list(corpus(tmp_path, "de-en", "fr-en").pairs("train", tally))) == 2
    assert tally.dropped == {"of other languages": 1}


VARIANTS = {
    "train.tsv": [
        "src_lang\ttgt_lang\tsource\ttarget",
        "pt-BR\ten\tônibus\tbus",
        "pt\ten\tautocarro\tbus",
        "en\tpt-BR\ttrain\ttrem",
    ],
    "train.jsonl": [
        json.dumps({"src_lang": "pt_BR", "tgt_lang": "en", "source": "ônibus", "target": "bus"}),
        json.dumps({"pt": "autocarro", "en": "bus"}),
        json.dumps({"src_lang": "en", "tgt_lang": "pt_BR", "source": "train", "target": "trem"}),
    ],
}


@pytest.mark.parametrize("name", sorted(VARIANTS))
@pytest.mark.parametrize("both_ways", [False, True])
def test_a_row_in_a_variant_is_not_that_of_the_plain_language_too(tmp_path, name, both_ways):
    write(tmp_path / name, *VARIANTS[name])
    several = corpus(tmp_path, "pt-BR:en", "pt:en", both_ways=both_ways)
    found = [(pair.src, pair.languages[0]) for pair in several.pairs("train") if pair.tgt in ("bus", "train")]
    assert found == [("ônibus", "pt-BR"), *[("trem", "pt-BR")] * both_ways, ("autocarro", "pt")]
    alone = corpus(tmp_path, "pt:en").pairs("train")
    assert [pair.src for pair in alone] == ["ônibus", "autocarro"]


def test_a_row_that_does_not_say_its_languages_is_a_fault(tmp_path):
    write(tmp_path / "train.jsonl", json.dumps(OBJECTS[0] | {"target_language": None}))
    with pytest.raises(ValueError, match="train.jsonl, line 1 does not say which languages it is in"):
        list(corpus(tmp_path, "de-en").pairs("train"))


def test_a_text_is_held_out_in_its_language_and_pairs_are_equal_within_a_direction():
    ways = [("de", "en"), ("en", "de"), ("fr", "en")]
    pairs = [Pair("Ok", "Ok", i, 0, way) for i, way in enumerate([*ways, ways[0]])]
    dropped, repeated = Counter(), Duplicates(list, Path())
    assert [pair.line for pair in clean(pairs, CleaningConfig(), [], dropped, repeated)] == [0, 1, 2]
    assert dropped == {"duplicate": 1}
    held = [Pair("Ja.", "Yes.", 1, 0, ways[0])]
    found = [
        Pair("Yes.", "Jawohl.", 1, 0, ways[1]),
        Pair("Ja.", "So.", 2, 0, ways[2]),
        Pair("Yes.", "Ja.", 3, 0, ways[1]),
    ]
    assert [pair.line for pair in clean(found, CleaningConfig(), held, dropped, repeated)] == [2]
    by_pair = CleaningConfig(decontaminate="pair")
    assert [pair.line for pair in clean(found, by_pair, held, dropped, repeated)] == [1, 2]


@pytest.mark.parametrize("decontaminate", [True, "pair", "src", "tgt", False])
def test_of_a_pair_that_is_held_out_neither_direction_is_learned(tmp_path, decontaminate):
    words = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    write(tmp_path / "train.de", *(f"Wort {word} hier" for word in words))
    write(tmp_path / "train.en", *(f"word {word} here" for word in words))
    cleaning = CleaningConfig(decontaminate=decontaminate)
    both = corpus(tmp_path, "de-en", both_ways=True, valid=20, cleaning=cleaning)
    prepared = prepare(both, TokenizerConfig(vocab_size=310), tmp_path / "cache")
    held_out = {frozenset(pair[:2]) for pair in prepared.valid}
    assert len(prepared.train) == 2 * (100 - len(held_out))


def test_the_tag_is_the_first_piece_of_the_source_and_no_text_has_it(corpus_dir, tmp_path):
    prepared = prepare(corpus(corpus_dir, "de-en", both_ways=True), CONFIG, tmp_path)
    tokenizer, train = prepared.tokenizer, prepared.train
    assert (len(train), len(prepared.valid)) == (260, 40)
    assert [tokenizer.src_pieces(train.pair(row)[0].tolist())[0] for row in range(4)] == ["<2en>", "<2de>"] * 2
    assert tokenizer.src_pieces(tokenizer.encode_src(["<2de> Anna"])[0])[:2] == ["▁", "<0x3C>"]
    assert train.pair(1)[0].tolist()[1:] == train.pair(0)[1].tolist()[1:]  # one vocabulary, and one text, both ways
    (ids,) = prepared.encode_src([prepared.valid[1]])
    assert tokenizer.src_pieces(ids)[0] == "<2de>"
    assert prepare(corpus(corpus_dir, "de-en", both_ways=True), CONFIG, tmp_path).tokenizer.models == tokenizer.models
    other = prepare(corpus(corpus_dir, "en-de", both_ways=True, tags="both"), CONFIG, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert other.tokenizer.src_pieces(other.train.pair(0)[0].tolist())[:2] == ["<2de>", "<en>"]
