from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.text.sentences import between, clauses, sentences

PARAGRAPHS = [
    ("de", " ", ["Der Zug fährt am 3. Mai um 10.30 Uhr.", "Wir kommen z. B. mit dem Auto."]),
    ("de", " ", ["„Wohin gehst du?“, fragte sie.", "Er schwieg ...", "Das kostet ca. 3.500,50 Euro."]),
    ("de-AT", " ", ["Im 19. Jahrhundert war Ludwig XIV. tot.", "Dr. Müller wohnt in der Hauptstr. 5.", "Gut!"]),
    ("de", "  ", ["Siehe https://www.example.org/a.html?x=1.5 für mehr.", "Danke."]),
    ("de", " ", ["1. Öffnen Sie die Datei.", "2. Drucken Sie sie.", "3. Fertig."]),
    ("de", " ", ["Das ist z.\u00a0B. gut.", "Ja."]),
    (
        "de",
        " ",
        [
            "Hier geschieht etwas?",
            "2 Dinge geschehen.",
            "5 Männer wohnen seit ca. 3 Jahren in der Hauptstr. 7 oder so.",
        ],
    ),
    ("en", " ", ["Mr. Smith paid $3.50 at 5 p.m. on Monday.", "Wait... what?", "I live in the U.S. and work."]),
    ("en", " ", ["See e.g. https://example.org/a.b?c=d. for more.", '"Where to?" she asked.', "J. R. Brown left."]),
    ("en", "\n\n", ["It is point A.", "A new paragraph."]),
    ("fr", " ", ["M. Dupont est là, p. ex. ici.", "« Où vas-tu ? » demanda-t-elle.", "Il se tut… MM. Roux aussi."]),
    ("zh-TW", "", ["他说：“我来了。”", "圆周率是3.14159。", "等等……什么？", "没事！"]),
    ("ja", "", ["「行きます。」と彼は言った。", "円周率は3.14です。", "あなたは？"]),
    ("", "", ["今日は天気がいいです。", "「行きます。」と彼は言った。"]),
    ("ar", " ", ["قال د. أحمد إن السعر 3.5 دينار.", "هل أنت بخير؟", "نعم!"]),
    ("hi", " ", ["डॉ. शर्मा ने 3.5 रुपये दिए।", "क्या तुम ठीक हो?", "हाँ!"]),
    *((code, " ", ["Wir kommen am 3. Mai.", "Es ist z. B. gut."]) for code in ("deu", "ger", "German", "Deutsch")),
    *((code, "", ["「行きます。」と彼は言った。", "円周率は3.14です。"]) for code in ("jpn", "Japanese", "src")),
    ("xx", " ", ["one ends here.", "another one, too!"]),
]


@pytest.mark.parametrize(("language", "blank", "expected"), PARAGRAPHS)
def test_sentences_end_where_a_reader_ends_them(language, blank, expected):
    text = f"  {blank.join(expected)}\t"
    found = sentences(text, language)
    assert [one.strip() for one in found] == expected
    assert "".join(found) == text


def test_nothing_and_blank_space_have_no_sentence_to_end():
    assert sentences("") == []
    assert sentences(" \t\n") == [" \t\n"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*"aB1.!?…。«»“”「」'()\n \u00a0\u3000😀,;-—é", "z. B. ", "2. "])).map("".join))
def test_sentences_and_clauses_lose_nothing(text):
    for language in ("de", "ja", ""):
        found = sentences(text, language)
        assert "".join(found) == text
        assert all(one.strip() for one in found) or not text.strip()
        for one in found:
            parts = clauses(one, 2, lambda texts: [len(text.split()) for text in texts])
            assert "".join(parts) == one
            assert all(part.strip() for part in parts) or not text.strip()


def test_what_the_library_fails_at_is_one_sentence(monkeypatch):
    class PanicException(BaseException):
        """As the library's."""

    def fail(language, text):
        raise PanicException

    monkeypatch.setitem(sys.modules, "sentencex", SimpleNamespace(segment=fail))
    assert sentences("One. Two.", "en") == ["One. Two."]
    monkeypatch.setitem(sys.modules, "sentencex", SimpleNamespace(segment=lambda language, text: [text[:-1]]))
    assert sentences("One. Two.", "en") == ["One. Two."]


def test_a_hostile_line_takes_time_by_its_length():
    def seconds(text):
        begin = time.process_time()
        assert "".join(sentences(text, "de")) == text
        clauses(text, 50, lambda texts: [1] * len(texts))
        return time.process_time() - begin

    for unit in ("«", "a, ", "„Ja.“ ", " "):
        assert seconds(unit * (150_000 // len(unit))) < 3  # of the first one the library alone takes 7


SENTENCE = "Der Mann, der im Park saß, las 3,50 Zeilen; seine Frau, die neben ihm stand, sah den Kindern zu."


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (20, [SENTENCE]),
        (
            12,
            ["Der Mann, der im Park saß, las 3,50 Zeilen; ", "seine Frau, die neben ihm stand, sah den Kindern zu."],
        ),
        (
            7,
            [
                "Der Mann, der im Park saß, ",
                "las 3,50 Zeilen; ",
                "seine Frau, die neben ihm stand, ",
                "sah den Kindern zu.",
            ],
        ),
    ],
)
def test_a_long_sentence_is_cut_at_clauses(most, expected):
    assert clauses(SENTENCE, most, lambda texts: [len(text.split()) for text in texts]) == expected


def test_without_punctuation_a_sentence_is_cut_at_blanks_and_a_word_is_left_whole():
    def count(texts):
        return [len(text.strip()) for text in texts]

    assert clauses("ab cd ef gh ij", 5, count) == ["ab cd ", "ef ", "gh ij"]
    assert clauses("abcdefgh", 3, count) == ["abcdefgh"]
    assert clauses("他今天去了北京，我没有去", 7, count) == ["他今天去了北京，", "我没有去"]


@pytest.mark.parametrize(
    ("blank", "language", "expected"),
    [
        ("  ", "en", "  "),
        ("", "en", " "),
        ("\u3000", "de", " "),
        (" ", "zh-CN", ""),
        (" ", "ja", ""),
        ("\u3000", "ja", ""),
        (" ", "ko", " "),
        ("", "th", " "),
        ("\n\n", "zh", "\n\n"),
        ("\t", "en", "\t"),
    ],
)
def test_translated_sentences_are_joined_as_their_language_is_written(blank, language, expected):
    assert between(blank, language) == expected


def test_where_no_code_tells_the_translations_do():
    assert between(" ", "", ["他今天去了北京。"]) == ""
    assert between("", "", ["He went."]) == " "


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("de", "12.345,67 EUR; 89,10 EUR; "),
        ("de", "77001,"),
        ("th", "สุนัขนอนหลับอยู่ในสวน"),
        ("ar", "الكلب ينام في الحديقة "),
        ("en", "1"),
    ],
)
@pytest.mark.parametrize("before", ["", "ab", "x. "])
def test_where_no_sentence_ends_for_thousands_of_characters_none_does(language, unit, before):
    text = before + unit * (9000 // len(unit))
    assert sentences(text, language) in ([text], [before, text[len(before) :]])


def test_a_sentence_at_the_end_of_a_block_is_whole():
    assert sentences("Das ist ein Satz. " * 300, "de") == ["Das ist ein Satz. "] * 300


def test_a_sentence_that_ends_behind_a_long_one_is_found():
    long, last = "and so on, " * 900 + "he said.", "They left."
    assert [one.strip() for one in sentences(f"{long} {last}", "en")] == [long, last]
