#!/usr/bin/env bash
# translate-toolkit 3.20.4: Chinese as such, zh-Hans and Norwegian as "no" have 0 plural forms, by the rule "0".
# Guessed: a language that the library does not know says so by None or an error, as gettext has no rule of 0 forms,
# and a less particular code (zh) is known where a more particular one (zh_CN) is. Found: only zh_CN, zh_TW and the
# like are known; what is not known has nplurals 0 and, as a string that counts as true, the rule that Japanese has.
# A PO file made with `nplurals or 2` then says "nplurals=2; plural=0;", with which every count has the singular.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check translate-toolkit==3.20.4
"$folder/venv/bin/python" - <<'PY'
from translate.lang import factory

found = {}
for code in ("zh_CN", "zh", "zh-Hans", "nb", "no", "fil", "tl", "ja"):
    language = factory.getlanguage(code)
    found[code] = (language.nplurals, language.pluralequation)
    print(f"{code:8} nplurals={language.nplurals!r} plural={language.pluralequation!r}")
unknown = [code for code, rule in found.items() if rule == (0, "0")]
assert unknown == ["zh", "zh-Hans", "no", "tl"], "it has changed"
PY
