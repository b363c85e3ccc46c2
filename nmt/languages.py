"""Names and scripts of languages, and whether they divide words by spaces, as told by the code or the text.

Codes follow BCP 47, in any case and with "-" or "_" between their parts: zh, zh-TW, ZH_cn, zho_Hans.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal

# The code of ISO 639-1, those of ISO 639-3 and 639-2, the English name, the native name.
NAMES = """
ar ara arabic العربية|az aze azerbaijani azərbaycanca|bg bul bulgarian български|bn ben bengali বাংলা
ca cat catalan català|cs ces cze czech čeština|da dan danish dansk|de deu ger german deutsch|el ell gre greek ελληνικά
en eng english|es spa spanish español|et est estonian eesti|eu eus baq basque euskara|fa fas per persian فارسی
fi fin finnish suomi|fr fra fre french français|ga gle irish gaeilge|gl glg galician galego|he heb hebrew עברית
hi hin hindi हिन्दी|hr hrv croatian hrvatski|hu hun hungarian magyar|hy hye arm armenian հայերեն
id ind indonesian|is isl ice icelandic íslenska|it ita italian italiano|ja jpn japanese 日本語
ka kat geo georgian ქართული|km khm khmer ខ្មែរ|ko kor korean 한국어|lo lao ລາວ|lt lit lithuanian lietuvių
lv lav latvian latviešu|mk mkd macedonian македонски|ms msa malay|mt mlt maltese malti|my mya burmese မြန်မာ
nl nld dut dutch nederlands|no nor nb nob norwegian norsk bokmål|pl pol polish polski|pt por portuguese português
ro ron rum romanian română|ru rus russian русский|sk slk slo slovak slovenčina
sl slv slovenian slovene slovenščina|sq sqi alb albanian shqip|sr srp serbian српски srpski
sv swe swedish svenska|sw swa swahili kiswahili|ta tam tamil தமிழ்|te tel telugu తెలుగు|th tha thai ไทย
tr tur turkish türkçe|uk ukr ukrainian українська|ur urd urdu اردو|vi vie vietnamese|zh zho chi chinese 中文
"""
# The code of ISO 639-1, and the names in German, French, Spanish, Italian, Portuguese and Dutch, where they differ.
MORE_NAMES = """
ar arabisch arabe árabe arabo|cs tschechisch tchèque checo ceco tcheco tsjechisch|da dänisch danois danés danese
da dinamarquês deens|de allemand alemán tedesco alemão duits|el griechisch grec griego greco grego grieks
en englisch anglais inglés inglese inglês engels|es spanisch espagnol castellano spagnolo espanhol spaans
fr französisch francés francese francês frans|hu ungarisch hongrois húngaro ungherese hongaars
it italienisch italien italiaans|ja japanisch japonais japonés giapponese japonês japans
ko koreanisch coréen coreano koreaans|nl niederländisch holländisch néerlandais neerlandés holandés olandese
nl neerlandês holandês|no norwegisch norvégien noruego norvegese norueguês noors
pl polnisch polonais polaco polacco polonês pools|pt portugiesisch portugais portugués portoghese portugees
ro rumänisch roumain rumano rumeno romeno roemeens|ru russisch russe ruso russo
sv schwedisch suédois sueco svedese zweeds|tr türkisch turc turco turks
uk ukrainisch ukrainien ucraniano ucraino oekraïens|zh chinesisch chinois chino cinese chinês chinees
"""
CODE_OF = {  # code or name, in lower case -> code of ISO 639-1
    name: names.split()[0]
    for names in re.split(r"[|\n]", NAMES.strip() + MORE_NAMES.rstrip())
    for name in names.casefold().split()
}

# How words are divided: by spaces; not at all, in Chinese, Japanese and others ("unspaced"); or, in Korean, by spaces
# around words that carry their particles.
Writing = Literal["spaced", "chinese", "japanese", "korean", "unspaced"]

_CODES: dict[Writing, str] = {
    "chinese": "zh zho chi cmn yue wuu hak nan hsn gan cdo lzh chinese mandarin cantonese",
    "japanese": "ja jpn japanese",
    "korean": "ko kor korean",
    "unspaced": "th tha thai lo lao km khm khmer my mya bur burmese bo bod tib tibetan dz dzo dzongkha shn nod",
}
_SCRIPTS: dict[Writing, str] = {
    "chinese": "hans hant hani bopo",
    "japanese": "jpan hira kana hrkt",
    "korean": "kore hang",
    "unspaced": "thai laoo khmr mymr tibt lana tale talu tavt",
}
WRITING_OF_CODE = {code: writing for writing, codes in _CODES.items() for code in codes.split()}
WRITING_OF_SCRIPT = {code: writing for writing, codes in _SCRIPTS.items() for code in codes.split()}

_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HAN = "\u3005-\u3007\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_OTHERS = (
    "\u0e01-\u0e4f\u0e81-\u0edf\u0f00-\u0f1f\u0f35-\u0fbc\u1000-\u109f\u1780-\u17dd\u1950-\u19df\u1a20-\u1aad"
    "\ua9e0-\ua9ff\uaa60-\uaadf"
)
# For a set in a regular expression.
UNSPACED = f"{_KANA}{_HAN}{_OTHERS}"
HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc"
_UNSPACED = re.compile(f"[{UNSPACED}]")
_SAMPLE = 1000  # texts that are enough to detect a script


def writing(language: str, texts: Iterable[str] = ()) -> Writing:
    """How a language divides words. A script in the code (zh-Latn) decides, then the language. Where the code does
    not tell, `texts` decide: whether more than half of their letters are of a script without spaces."""
    first, *others = re.split("[-_]", language.lower())
    scripts = [part for part in others if len(part) == 4 and part.isalpha()]
    if scripts:
        return WRITING_OF_SCRIPT.get(scripts[0], "spaced")
    return WRITING_OF_CODE.get(first) or _writing_of(" ".join(islice(texts, _SAMPLE)))


def _writing_of(text: str) -> Writing:
    letters = sum(map(str.isalpha, text))
    kana, han, others = (len(re.findall(f"[{script}]", text)) for script in (_KANA, _HAN, _OTHERS))
    if 2 * (kana + han + others) <= letters or not letters:
        return "spaced"
    if others > kana + han:
        return "unspaced"
    return "japanese" if kana * 10 > han else "chinese"


# First word of the Unicode names of a script's characters -> code of the script (ISO 15924).
_OF_NAMES = """
LATIN=Latn CYRILLIC=Cyrl GREEK=Grek ARABIC=Arab HEBREW=Hebr ARMENIAN=Armn GEORGIAN=Geor ETHIOPIC=Ethi
DEVANAGARI=Deva BENGALI=Beng GURMUKHI=Guru GUJARATI=Gujr ORIYA=Orya TAMIL=Taml TELUGU=Telu KANNADA=Knda
MALAYALAM=Mlym SINHALA=Sinh THAI=Thai LAO=Laoo TIBETAN=Tibt MYANMAR=Mymr KHMER=Khmr MONGOLIAN=Mong SYRIAC=Syrc
THAANA=Thaa CJK=Hani HIRAGANA=Hira KATAKANA=Kana HANGUL=Hang
"""
SCRIPT_OF_NAME = dict(pair.split("=") for pair in _OF_NAMES.split())


def script(texts: Iterable[str]) -> str | None:
    """The code (ISO 15924) of the script of most letters in these texts; None if no script is known."""
    letters = Counter(filter(str.isalpha, "".join(islice(texts, _SAMPLE))))
    found = Counter[str]()
    for letter, count in letters.items():
        if code := SCRIPT_OF_NAME.get(unicodedata.name(letter, "").partition(" ")[0]):
            found[code] += count
    kana = found["Hira"] + found["Kana"]
    if kana and kana * 10 > found["Hani"]:
        found["Jpan"] = kana + found["Hani"]
    best = found.most_common(1)
    return best[0][0] if best and best[0][1] else None


def has_dotless_i(language: str) -> bool:
    """Whether in this language I is the capital of ı, and İ that of i."""
    first = re.split("[-_]", language.casefold())[0]
    return CODE_OF.get(first) in ("az", "tr")


def words(text: str) -> list[str]:
    """The words of a text; in a script without spaces, its characters."""
    return _UNSPACED.sub(r" \g<0> ", text).split()


def is_word(character: str) -> bool:
    """Whether a character always counts as a word, because its script has no spaces."""
    return _UNSPACED.match(character) is not None


def is_mark(character: str) -> bool:
    """Whether a character is part of the one before it, as vowel signs and accents are."""
    return unicodedata.category(character)[0] == "M"


def is_letter(character: str) -> bool:
    """Whether a character is part of words: a letter, a digit, or a mark."""
    return character.isalnum() or is_mark(character)


def is_inside_word(left: str, right: str) -> bool:
    """Whether no word ends between two characters; "" is the end of a text."""
    if not left or not right or not is_letter(left):
        return False
    return is_mark(right) or (right.isalnum() and not is_word(left) and not is_word(right))


def digits(number: str) -> str:
    """The digits of a number as 0-9, without separators, which differ between languages."""
    return "".join(str(unicodedata.digit(character)) for character in number if character.isdigit())


def unit(texts: Sequence[str]) -> Literal["words", "characters"]:
    """Whether `words` mostly finds words or single characters in these texts."""
    units = [unit for text in islice(texts, _SAMPLE) for unit in words(text)]
    return "characters" if 2 * sum(map(bool, map(_UNSPACED.match, units))) > len(units) else "words"
