"""What a translator takes: texts, and whether there is anything to translate in them."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
import toy

import nmt
from nmt.bundle import seal
from nmt.data.directions import Directions
from nmt.search import Beam, Greedy, Sample
from nmt.training.run import train
from nmt.translation.translator import Translator
from nmt.translation.values import copies_letterless_text


@pytest.fixture
def translator(bundle_dir) -> Translator:
    return nmt.load(bundle_dir, device="cpu", compute="float32")


LETTERLESS = ["1.000,5 %", "👍🏽 🎉", "¿?", " -- 42 -- ", "½", "١٢٣"]


def test_a_text_without_a_letter_is_its_own_translation_without_the_model(translator):
    texts = [*LETTERLESS, "Anna 1", "三", "ก", "Ⓐ"]
    together = translator.translate(texts, nbest=2)
    assert [t.text for t in together[: len(LETTERLESS)]] == LETTERLESS
    for copied in together[: len(LETTERLESS)]:
        assert (copied.score, copied.log_prob, copied.tokens, copied.alternatives) == (0, 0, (), ())
        assert not copied.estimated
    assert [bool(t.tokens) for t in together[len(LETTERLESS) :]] == [True, True, True, False]
    broken = ["1\r2", "1\u20282", "7\n"]  # which is no line: it is searched
    assert all(t.tokens and t.text != text for t, text in zip(translator.translate(broken), broken, strict=True))
    translator.network = None
    assert [t.text for t in translator.translate(LETTERLESS, plain=True)] == LETTERLESS


def test_a_text_without_a_letter_is_copied_whole_and_advises_nothing(translator):
    texts = ["1" * 25_000, "12. " * 3000 + "12."]
    for split in ("none", "sentences"):
        found = translator.translate(texts, split=split)
        assert [one.text for one in found] == texts
        assert not any(one.crowded or one.truncated for one in found)
    assert translator.translate("1" * 25_000 + "a", Greedy(max_extra=2, max_ratio=0.0))[0].truncated


def test_a_text_without_a_letter_is_translated_where_it_shall_be(translator):
    """Where the model says so, and where the translation must begin with something."""
    prefixed = translator.translate(LETTERLESS[:2], prefixes=["The dog", ""])
    assert prefixed[0].text.startswith("The dog")
    assert prefixed[1].text == LETTERLESS[1]
    translator.copy_letterless = False
    assert all(t.tokens for t in translator.translate(LETTERLESS))


@pytest.mark.parametrize(
    ("pairs", "copied"),
    [
        ([], True),
        ([("Anna", "Paul"), ("", "x"), (" ", "y")], True),
        ([("12", "12"), ("3,5", "3.5")], True),
        ([("12", "zwölf"), ("3,5", "3,5"), ("...", "…"), ("a", "a")], False),
    ],
)
def test_the_validation_text_tells_whether_text_without_a_letter_is_copied(pairs, copied):
    assert copies_letterless_text(pairs) == copied


def test_a_model_of_numbers_translates_numbers(tmp_path):
    """It is trained, chosen and opened as one that copies nothing; a config of before copies."""
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    pairs = [
        (f"{a} {b} {c}", f"{words[a]} {words[b]} {words[c]}") for a, b, c in itertools.product(range(6), repeat=3)
    ]
    for split, part in (("valid", pairs[::9]), ("train", [pair for i, pair in enumerate(pairs) if i % 9])):
        for side, code in enumerate(("de", "en")):
            (tmp_path / f"{split}.{code}").write_text("".join(f"{pair[side]}\n" for pair in part), encoding="utf-8")
    config = toy.run_config(tmp_path, tmp_path / "runs", trainer__max_epochs=1, tokenizer__vocab_size=285)
    model_dir = train(config).model_dir
    translator = nmt.load(model_dir, "cpu")
    assert not translator.copy_letterless
    assert translator.translate("1 2 3")[0].tokens
    config = json.loads((model_dir / "config.json").read_text())
    assert not config.pop("copy_letterless")
    (model_dir / "config.json").write_text(json.dumps(seal(config, config["checksums"])))
    assert nmt.load(model_dir, "cpu").translate("1 2 3")[0].text == "1 2 3"


def test_a_str_is_one_text_and_not_its_letters(translator):
    (alone,) = translator.translate("Anna mag kein Boot.")
    assert alone == translator.translate(["Anna mag kein Boot."])[0]
    assert [alone] == translator.translate(text for text in ["Anna mag kein Boot."])
    (forced,) = translator.translate("Anna", prefixes="The")
    assert forced.text.startswith("The")
    (scored,) = translator.score("Anna", "Paul")
    assert [scored] == translator.score(["Anna"], ["Paul"])
    assert len(translator.score("Ja", "No")) == 1


class DataFrame:
    """As those of libraries are: what it iterates over are the names of its columns."""

    columns = property(lambda self: ["text"])

    def __iter__(self):
        return iter(self.columns)


def call(method, *arguments, **options):
    return lambda translator: getattr(translator, method)(*arguments, **options)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (call("translate", [None]), TypeError, r"texts\[0\] is None \(NoneType\); it must be a str"),
        (call("translate", ["a", b"b"]), TypeError, r"texts\[1\] is b'b' \(bytes\); it must be a str"),
        (call("translate", b"Der Hund"), TypeError, r"texts is b'Der Hund' \(bytes\); it must be a str or a list"),
        (call("translate", 7), TypeError, r"texts is 7 \(int\)"),
        (call("translate", {"text": ["a"]}), TypeError, "texts is a dict; it must be a str or a list of them"),
        (call("translate", {"a"}), TypeError, "texts is a set; it must be a str or a list of them"),
        (call("score", ["a"], frozenset("b")), TypeError, "tgts is a frozenset"),
        (call("translate", DataFrame()), TypeError, "texts is a DataFrame; give one of its columns"),
        (call("translate", ["a"], 5), TypeError, r"search is 5 \(int\); it must be a search"),
        (lambda one: setattr(one, "search", "greedy"), TypeError, r"search is 'greedy' \(str\); it must be a search"),
        (call("translate", ["a"], False), TypeError, r"search is False \(bool\)"),
        (call("translate", ["a"], split=""), ValueError, "split is ''"),
        (call("translate", ["a"], mbr=""), ValueError, "mbr is ''"),
        (call("translate", ["a"], to=3), TypeError, r"^to is 3 \(int\); it must be a str$"),
        (call("score", ["a"], ["b"], from_=b"de"), TypeError, r"^from_ is b'de' \(bytes\); it must be a str$"),
        (lambda one: setattr(one, "languages", "de"), TypeError, r"languages is 'de' \(str\); it must be a pair"),
        (lambda one: setattr(one, "direction", "de"), TypeError, r"direction is 'de' \(str\)"),
        (lambda one: setattr(one, "mbr", "ter"), ValueError, "mbr is 'ter'; choose one of: chrf, bleu"),
        (lambda one: setattr(one, "split", "lines"), ValueError, "split is 'lines'; choose one of: none, sentences"),
        (lambda one: setattr(one, "rules", ["all"]), TypeError, r"rules is \['all'\] \(list\)"),
        (lambda one: setattr(one, "glossary", {"Hund": "hound"}), TypeError, r"glossary is {.*} \(dict\)"),
        (lambda _: Beam(beam_size="5"), TypeError, r"^beam_size is '5' \(str\); it must be an int$"),
        (lambda _: Beam(beam_size=10**400), ValueError, "^beam_size is 10+; it must be from 1 to "),
        (lambda _: Beam(beam_size=2.5), TypeError, r"^beam_size is 2.5 \(float\); it must be an int$"),
        (lambda _: Beam(patience="2"), TypeError, r"^patience is '2' \(str\); it must be a number$"),
        (lambda _: Sample(seed=None), TypeError, r"^seed is None \(NoneType\); it must be an int$"),
        (lambda _: Sample(samples=True), TypeError, r"^samples is True \(bool\); it must be an int$"),
        (call("translate", ["a", "b"], prefixes=["c"]), ValueError, "prefixes has 1 texts but texts has 2"),
        (call("translate", ["a"], prefixes=[]), ValueError, "prefixes has 0 texts but texts has 1"),
        (call("translate", ["a"], prefixes=[3]), TypeError, r"prefixes\[0\] is 3"),
        (call("translate", ["a"], Beam(5), nbest=50), ValueError, "nbest is 50; .* 0 to 5, .*beam_size=50"),
        (call("translate", ["a"], Sample(samples=2), nbest=3), ValueError, "from 0 to 2, .*samples=3"),
        (call("translate", ["a"], nbest=-1), ValueError, "nbest is -1"),
        (call("translate", ["a"], nbest="2"), TypeError, r"^nbest is '2' \(str\); it must be an int$"),
        (call("translate", ["a"], nbest=2.0), TypeError, r"^nbest is 2.0 \(float\)"),
        (call("translate", ["a"], nbest=True), TypeError, r"^nbest is True \(bool\)"),
        (call("translate", ["a"], batch_size="2"), TypeError, r"^batch_size is '2' \(str\); it must be an int$"),
        (
            lambda _: nmt.load(None),
            TypeError,
            r"^a model directory is None \(NoneType\); it must be a str or a Path$",
        ),
        (lambda _: nmt.load(["a", 3]), TypeError, r"^a model directory is 3 \(int\)"),
        (call("translate", ["a"], mbr="ter"), ValueError, "mbr is 'ter'; choose one of: chrf, bleu"),
        (call("translate", ["a"], batch_size=0), ValueError, "batch_size is 0; it must be at least 1"),
        (call("score", ["a", "b"], ["c"]), ValueError, "tgts has 1 texts but srcs has 2"),
        (call("score", [None], ["c"]), TypeError, r"srcs\[0\] is None"),
        (call("score", ["a"], [b"c"]), TypeError, r"tgts\[0\] is b'c'"),
        (call("score", ["a"], ["c"], batch_size=0), ValueError, "batch_size is 0"),
    ],
)
def test_an_argument_of_the_wrong_kind_or_number_is_named_with_what_would_be_right(translator, wrong, error, message):
    with pytest.raises(error, match=message):
        wrong(translator)


def test_the_languages_of_a_model_with_tags_are_set_to_a_direction_that_it_has(translator):
    """It took any, and translated from a language into itself."""
    translator.directions = Directions.of("", "", ["de-en", "en-de"], tags=True)
    translator.languages = ("en", "de")
    assert translator.direction == ("en", "de")
    with pytest.raises(ValueError, match="does not translate from 'de' to 'de'; it has: de-en, en-de"):
        translator.languages = ("de", "de")


def test_a_device_may_be_one_of_torch(bundle_dir):
    assert nmt.load(bundle_dir, device=torch.device("cpu")).device == torch.device("cpu")
    with pytest.raises(ValueError, match="device is 'None'; choose one of"):
        nmt.load(bundle_dir, device=None)
