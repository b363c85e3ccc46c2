from __future__ import annotations

import re
import time
from collections import Counter
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.text.check import Check, lost_parts
from nmt.text.edits import edited
from nmt.text.glossary import Glossary
from nmt.text.guard import Guard
from nmt.text.pieces import diagonal
from nmt.text.protection import SYMBOLS, TextRules, found_in, masked, masked_like, masked_pair
from nmt.text.restoring import forced, unmasked

ALL = TextRules(("all", "numbers"))


def hidden(text, rules=ALL):
    return masked(text, [(start, end, text[start:end]) for start, end in found_in(text, rules.pattern)])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hallo {name}, {0} von %s, %1$d %-5.2f %(n)s %@ ${x} {{ y }}", None),
        ("Hallo {name}, {0}: {{user.name}}", ["{name}", "{0}", "{{user.name}}"]),
        ("%s %1$d %-5.2f %(n)s", ["%s", "%1$d", "%-5.2f", "%(n)s"]),
        (
            "%{count} #{name} {0,number,integer} {n, date, short}",
            ["%{count}", "#{name}", "{0,number,integer}", "{n, date, short}"],
        ),
        ("%*d %.*f %1 %L2 %n %%", ["%*d", "%.*f", "%1", "%L2", "%n", "%%"]),
        (
            "Es {n, plural, one {ist # Hund} other {sind {n, number} Hunde}} da",
            ["{n, plural, one {ist # Hund} other {sind {n, number} Hunde}}"],
        ),
        ("{wer, select, er {sein} sie {ihr}} Hund", ["{wer, select, er {sein} sie {ihr}}"]),
        ("{n, plural, one {# Hund", []),
        ("100 % der Leute, 50%", ["100", "50%"]),
        ("Siehe https://a.org/x?y=1,2. (www.b.de/c)", ["https://a.org/x?y=1,2", "www.b.de/c"]),
        ("An a.b+c@d-e.co.uk, -3,5 und 1.000,50 Grad", ["a.b+c@d-e.co.uk", "-3,5", "1.000,50"]),
        ("A4 und U2 und H2O", []),
        ("1,000km 3.5km 10.30Uhr 10:30Uhr 1.000.000x -2,5x x10:30 50%ige", ["50"]),
        ("⟦3⟧ stand schon da", ["⟦3⟧"]),
        ("请发邮件到info@example.com联系我们", ["info@example.com"]),
        ("info@example.com으로 34권, 1,000원", ["info@example.com", "34", "1,000"]),
        ("请看https://a.org/x?y=%E4%BD%A0。或www.b.de/c，谢谢", ["https://a.org/x?y=%E4%BD%A0", "www.b.de/c"]),
        ("「https://a.org/x」を見て、https://b.orgへ", ["https://a.org/x", "https://b.org"]),
        ("https://a.org/x ดู https://b.orgครับ", ["https://a.org/x", "https://b.org"]),
        ("我有34本书，气温-5.5度，占50%。ฉันมี3เล่ม", ["34", "-5.5", "50%", "3"]),
        ("有%n个文件，%1页", ["%n", "%1"]),
        ("Müller müller@straße.de, почта@почта.рф und -x@y.de-", ["müller@straße.de", "почта@почта.рф", "x@y.de"]),
        (
            "http://президент.рф/новости, https://de.example.org/wiki/Köln.",
            ["http://президент.рф/новости", "https://de.example.org/wiki/Köln"],
        ),
    ],
)
def test_what_is_protected_is_found_and_comes_back(text, kept):
    found = hidden(text)
    assert kept is None or list(found.kept) == kept
    assert unmasked(found, found.text, ()).text == text


def test_all_that_is_kept_has_a_symbol_before_any_term_has():
    letters = "abcdefghi"
    glossary = Glossary({"Mann": "bloke", "Hund": "hound"})
    guard = Guard(TextRules(("placeholders",)), glossary, symbols=True)
    found = guard.masked("Mann und Hund: " + " ".join(f"{{{letter}}}" for letter in letters))
    assert found.kept == tuple(f"{{{letter}}}" for letter in letters)
    assert guard.masked("Mann und Hund: {a} {b}").kept == ("bloke", "hound", "{a}", "{b}")


def test_a_pattern_of_ones_own_counts_and_a_wrong_one_is_refused_in_words():
    rules = TextRules(keep=("[A-Z]{2}-[0-9]+",))
    assert hidden("Teil AB-12 fehlt", rules).text == "Teil ⟦1⟧ fehlt"
    assert rules.keeping(["urls"]).kinds == ["urls"]
    for pattern, why in (
        ("(a", "no regular"),
        ("a*", "nothing at all"),
        ("(a)", "groups"),
        ("a" * 1001, "1001 char"),
    ):
        with pytest.raises(ValueError, match=why):
            TextRules(keep=(pattern,))
    assert TextRules().pattern is None
    assert TextRules().symbols == ()


@pytest.mark.parametrize(("word", "meant"), [("place", "placeholders"), ("URL", "urls"), ("mail", "emails")])
def test_a_word_that_is_nearly_a_kinds_name_is_a_pattern_that_costs_a_warning(word, meant):
    said = f"--keep {word} is a regular expression; did you mean {meant}?"
    with pytest.warns(UserWarning, match=re.escape(said)):
        assert TextRules().keeping([word]).keep == (word,)
    assert TextRules().keeping(["Hund", "url[0-9]", "urls"]).keep == ("Hund", "url[0-9]")  # an error if it warned


def test_a_pattern_that_tries_too_many_ways_is_given_up():
    """It may have come with a stranger's model."""
    text = f"AB-12 {'a' * 3000}"
    begun = time.perf_counter()
    assert hidden(text, TextRules(keep=("[A-Z]{2}-[0-9]+", "(?:a|aa)+b"))).kept == ("AB-12",)
    assert time.perf_counter() - begun < 10  # and not for longer than the world has stood


def test_a_pair_has_symbols_for_what_both_sides_have():
    src, tgt = masked_pair("{a} und {b} mit 5 und 5", "5 mit {b} und {c}", ALL.pattern)
    assert (src, tgt) == ("{a} und ⟦1⟧ mit ⟦2⟧ und 5", "⟦2⟧ mit ⟦1⟧ und {c}")
    assert masked_pair("a", "{b}", ALL.pattern) == ("a", "{b}")
    assert masked_like(hidden("{a} {b}"), "{b} {b} {a}", [(0, 3), (4, 7), (8, 11)]) == "⟦2⟧ {b} ⟦1⟧"


def test_what_a_model_has_lost_is_put_where_the_links_say_and_what_is_too_much_goes():
    source = hidden("Der {a} Hund {b} schläft.")
    links = [(0, 3, 0, 3), (8, 12, 4, 7), (17, 24, 8, 14), (24, 25, 14, 15)]
    assert unmasked(source, "The dog sleeps.", links).text == "The {a} dog {b} sleeps."
    assert unmasked(source, "The ⟦2⟧ ⟦2⟧ dog ⟦7⟧.", ()).text.count("{b}") == 1
    assert unmasked(source, "", ()).text == "{a}{b}"
    assert unmasked(source, "⟦1⟧ b ⟦1⟧", [(4, 7, 6, 9)], "⟦1⟧ b").text == "{a} b {b}"
    assert unmasked(source, "A dog ⟦7⟧", ()).text == "A dog {a} {b}"


@given(
    st.lists(st.sampled_from(["{a}", "{a}", "b", "https://x.y/z", "7", "c,", "漢"]), max_size=14),
    st.lists(st.sampled_from([*SYMBOLS, "x", "y.", "z"])),
)
def test_all_that_is_protected_comes_back_once_whatever_a_model_writes(words, written):
    text, translation = " ".join(words), " ".join(written)
    source = hidden(text)
    found = unmasked(source, translation, diagonal(source.text, translation))
    assert Counter(found.text[new:end].strip() for *_, new, end in found.edits if end > new) == Counter(source.kept)
    for start, end, new, new_end in found.edits:
        assert found.now(start, end) == (new, new_end) or start == end, found


def test_edits_move_characters():
    found = edited("ab cd ef", [(3, 5, "long"), (8, 8, "!")])
    assert found.text == "ab long ef!"
    assert [found.now(*span) for span in ((0, 2), (3, 5), (4, 5), (6, 8))] == [(0, 2), (3, 7), (3, 7), (8, 10)]


def test_terms_are_found_by_words_the_longest_first(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("# terms\nHund\thound\nroter Hund\tred hound\nder\tthe one\n漢\tHan\n", encoding="utf-8")
    glossary = Glossary.load(path)
    text = "Der Hundekuchen, ein roter Hund, Hund; 漢字"
    assert [(text[a:b], tgt) for a, b, tgt in glossary.find(text)] == [
        ("Der", "The one"),
        ("roter Hund", "red hound"),
        ("Hund", "hound"),
        ("漢", "Han"),
    ]


@pytest.mark.parametrize(
    ("terms", "text", "found"),
    [
        (["पान", "कल"], "पानी, कला और पान", ["पान"]),
        (["नी"], "पानी", []),
        (["ที"], "ที่", []),  # the tone stands on the last letter
        (["cho"], normalize("NFD", "chó cho"), ["cho"]),
        (["chó"], normalize("NFD", "Ở chó, chón"), [normalize("NFD", "chó")]),
        ([normalize("NFD", "chó")], "Ở chó", ["chó"]),
        (["한국"], normalize("NFD", "한국 한국어"), [normalize("NFD", "한국")]),
        (["❤"], normalize("NFD", "é ❤\ufe0f"), ["❤"]),
    ],
)
def test_no_term_is_part_of_a_word_with_marks_and_terms_are_found_in_any_form_of_unicode(terms, text, found):
    glossary = Glossary(dict.fromkeys(terms, "x"))
    assert [text[start:end] for start, end, _ in glossary.find(text)] == found


def test_terms_of_a_long_line_are_found_in_no_time():
    glossary, begun = Glossary({"hund": "dog"}), time.process_time()
    assert list(glossary.find(f" hund {'b ' * 100_000}Hund hund")) == [(1, 5, "dog"), (200_011, 200_015, "dog")]
    assert time.process_time() - begun < 3  # s; ten times that if each word were compared with all before it


def test_a_targets_term_is_no_part_of_a_word_with_marks():
    guard = Guard(TextRules(), Glossary({"leaf": "पान"}), symbols=True)
    assert guard.masked_targets([guard.masked("a leaf")], ["पानी पान"]) == ["पानी ⟦1⟧"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"a\n", r"terms.tsv, line 1: a term is `source TAB target`"),
        (b"a\t\n", "line 1: a term is"),
        (b"a\tb\na\tc\n", r"line 2: 'a' is 'b' already, and now 'c'"),
        ("chó\tdog\n{}\thound\n".format(normalize("NFD", "chó")).encode(), "line 2: 'chó' is 'dog' already"),
        (b"\n", "has no terms"),
        (b"\xff\t\xfe", "is not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_of_no_terms_is_refused_in_one_line(tmp_path, content, error):
    path = tmp_path / "terms.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=error):
        Glossary.load(path)


def test_a_term_takes_the_place_of_what_translates_it():
    links = [(0, 3, 0, 3), (4, 8, 4, 7), (9, 16, 8, 14)]
    assert forced("Der Hund schläft", [(4, 8, "hound")], "The dog sleeps", links).text == "The hound sleeps"
    assert (
        forced("Der Hund schläft", [(4, 8, "hound")], "The dog sleeps", links, "The dog").text
        == "The dog hound sleeps"
    )
    assert forced("Der Hund schläft", [(4, 8, "dog")], "The dog sleeps", links).text == "The dog sleeps"


def test_a_term_takes_no_more_words_than_its_own_and_one_and_leaves_the_article_that_nothing_else_becomes():
    src, translation = "Ein Hund schläft im Wasser.", "A dog is sleeping on the water."
    words = [(0, 1), (2, 5), (6, 8), (9, 17), (18, 20), (21, 24), (25, 30)]
    vague = [*((4, 8, *word) for word in words[:4]), *((20, 26, *word) for word in words[4:]), (26, 27, 30, 31)]
    terms = [(4, 8, "hound"), (20, 26, "river")]
    assert forced(src, terms[:1], translation, vague).text == "A hound sleeping on the water."
    assert forced(src, terms, translation, vague).text == "A hound sleeping on river."
    assert forced(src, terms, translation, [*vague, (17, 19, *words[4])]).text == "A hound sleeping on river."
    assert forced("Hund", [(0, 4, "hound")], translation, vague).text == "hound"
    between = ((0, 3, 0, 2), (9, 16, 3, 9))
    assert forced("Der Hund schläft", [(4, 8, "hound")], "He sleeps", between).text == "He hound sleeps"


def test_what_is_lost_is_told_by_kind():
    src = "<b>Hallo</b> {name}, 1.000,5 und https://a.org"
    assert lost_parts(src, "{name} 1,000.5 <b></b> https://a.org") == []
    assert lost_parts("لدي ٣٤ كتابا، ٣٫٥ لتر", "I have 34 books and 3.5 l") == [] == lost_parts("５０％", "50%")
    assert lost_parts("لدي ٣٤ كتابا", "I have 43 books") == [("numbers", "٣٤")]
    assert lost_parts("1,000km", "1000 km") == []  # what touches letters is no number, nor is a part of it
    assert lost_parts("34 books: info@example.com", "34本，请发邮件到info@example.com联系我们") == []
    check = Check()
    assert check.told(()) == ""
    assert check.told(lost_parts(src, "Hallo <b>")) == "lost: </b>, {name}, 1.000,5, https://a.org"
    assert check.summary == "check: 1 of 2 lost something: 1 of tags, 1 of urls, 1 of placeholders, 1 of numbers"


def test_a_term_that_is_moved_behind_a_prefix_stands_apart_from_it():
    found = forced("Der Hund bellt", [(4, 8, "hound")], "THE dogs bark", [(4, 8, 0, 8)], "THE")
    assert found.text == "THE hound bark"
    found = forced("Der Hund bellt", [(4, 8, "hound")], "THEOLOGY", [(4, 8, 0, 8)], "THE")
    assert found.text == "THE hound"
