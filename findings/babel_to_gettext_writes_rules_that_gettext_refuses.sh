#!/usr/bin/env bash
# babel 2.19.0: to_gettext of the plural rule of French, Spanish, Italian, Portuguese or Catalan is no rule for gettext.
# Guessed: the plural rule "as gettext expression" can stand in the head of a PO file. Found: by CLDR these languages
# have a form for millions, whose rule looks at an exponent, and what is written has a variable e for it; gettext knows
# n only. msgfmt refuses such a file, and Python's gettext raises an error when it loads one. The rules of
# babel.messages.plurals.get_plural work.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.19.0
"$folder/venv/bin/python" - <<'PY'
import gettext

import babel
from babel.messages.plurals import get_plural
from babel.plural import to_gettext


def refused(header):
    try:
        gettext.c2py(header.split("plural=")[1].rstrip(";"))
    except ValueError as error:
        return str(error)


languages = "ar ca cs de en es fr he it pl pt ru".split()
found = {language: refused(to_gettext(babel.Locale.parse(language).plural_form)) for language in languages}
print(f"babel {babel.__version__}: {to_gettext(babel.Locale.parse('fr').plural_form)}")
print("refused by gettext:", {language: error for language, error in found.items() if error})
others = [language for language in languages if refused(str(get_plural(language)))]
if [language for language in languages if found[language]] != ["ca", "es", "fr", "it", "pt"] or others:
    raise SystemExit("it has changed")
PY
