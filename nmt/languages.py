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

# The code of ISO 639-1 and the English name.
_ENGLISH = """
af Afrikaans|am Amharic|ar Arabic|az Azerbaijani|be Belarusian|bg Bulgarian|bn Bengali|bs Bosnian|ca Catalan|cs Czech
cy Welsh|da Danish|de German|el Greek|en English|eo Esperanto|es Spanish|et Estonian|eu Basque|fa Persian|fi Finnish
fr French|ga Irish|gl Galician|gu Gujarati|he Hebrew|hi Hindi|hr Croatian|hu Hungarian|hy Armenian|id Indonesian
is Icelandic|it Italian|ja Japanese|ka Georgian|kk Kazakh|km Khmer|kn Kannada|ko Korean|ky Kyrgyz|la Latin|lo Lao
lt Lithuanian|lv Latvian|mk Macedonian|ml Malayalam|mn Mongolian|mr Marathi|ms Malay|mt Maltese|my Burmese
nb Norwegian (Bokmål)|ne Nepali|nl Dutch|nn Norwegian (Nynorsk)|no Norwegian|oc Occitan|pa Punjabi|pl Polish|ps Pashto
pt Portuguese|ro Romanian|ru Russian|si Sinhala|sk Slovak|sl Slovenian|so Somali|sq Albanian|sr Serbian|sv Swedish
sw Swahili|ta Tamil|te Telugu|tg Tajik|th Thai|tl Tagalog|tr Turkish|uk Ukrainian|ur Urdu|uz Uzbek|vi Vietnamese
yi Yiddish|zh Chinese|zu Zulu
"""
ENGLISH = dict(entry.split(" ", 1) for entry in re.split(r"[|\n]", _ENGLISH.strip()))
# The code of ISO 639-1, those of ISO 639-3 and 639-2, and the native name.
NAMES = """
ar ara العربية|az aze azərbaycanca|bg bul български|bn ben বাংলা|ca cat català|cs ces cze čeština|da dan dansk
de deu ger deutsch|el ell gre ελληνικά|en eng|es spa español|et est eesti|eu eus baq euskara|fa fas per فارسی
fi fin suomi|fr fra fre français|ga gle gaeilge|gl glg galego|he heb עברית|hi hin हिन्दी|hr hrv hrvatski|hu hun magyar
hy hye arm հայերեն|id ind|is isl ice íslenska|it ita italiano|ja jpn 日本語|ka kat geo ქართული|km khm ខ្មែរ
ko kor 한국어|lo lao ລາວ|lt lit lietuvių|lv lav latviešu|mk mkd македонски|ms msa|mt mlt malti|my mya မြန်မာ
nl nld dut nederlands|no nor nb nob norsk bokmål|pl pol polski|pt por português|ro ron rum română|ru rus русский
sk slk slo slovenčina|sl slv slovene slovenščina|sq sqi alb shqip|sr srp српски srpski|sv swe svenska|sw swa kiswahili
ta tam தமிழ்|te tel తెలుగు|th tha ไทย|tr tur türkçe|uk ukr українська|ur urd اردو|vi vie|zh zho chi 中文
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
CODE_OF = {  # code or name of a language in NAMES, in lower case -> code of ISO 639-1
    name: names.split()[0]
    for names in re.split(r"[|\n]", NAMES.strip() + MORE_NAMES.rstrip())
    for name in f"{names} {ENGLISH[names.split()[0]]}".casefold().split()
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


def primary(code: str) -> str:
    """The language of a code or tag, without script and region, in lower case."""
    return re.split("[-_]", code.casefold())[0]


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
    return CODE_OF.get(primary(language)) in ("az", "tr")


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
