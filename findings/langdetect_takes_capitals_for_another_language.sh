#!/usr/bin/env bash
# langdetect 1.0.9: English in capitals is Vietnamese, and French and Spanish are German or Portuguese.
# Guessed: the language of a line does not depend on its case. Found: of 18 sentences in nine languages it tells all, of
# the same in capitals five, and is sure of some wrong ones (0.99999), so no threshold finds them. Of a word in capitals
# it looks at the first letter and the ending only. A corpus filtered by it loses headings, labels and warnings, and a
# model never learns them. Lower-case a line that has no small letter before asking.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check langdetect==1.0.9
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from langdetect import DetectorFactory, detect_langs

DetectorFactory.seed = 1
lines = {
    "en": ["The price of the house is too high.", "Please close the window before you leave."],
    "de": ["Der Preis des Hauses ist zu hoch.", "Bitte schließen Sie das Fenster, bevor Sie gehen."],
    "fr": ["Le prix de la maison est trop élevé.", "Veuillez fermer la fenêtre avant de partir."],
    "es": ["El precio de la casa es demasiado alto.", "Cierre la ventana antes de salir."],
    "it": ["Il prezzo della casa è troppo alto.", "Chiudete la finestra prima di uscire."],
    "pl": ["Cena domu jest zbyt wysoka.", "Przed wyjściem proszę zamknąć okno."],
    "nl": ["De prijs van het huis is te hoog.", "Sluit het raam voordat u weggaat."],
    "ru": ["Цена дома слишком высока.", "Закройте окно перед уходом."],
    "el": ["Η τιμή του σπιτιού είναι πολύ υψηλή.", "Κλείστε το παράθυρο πριν φύγετε."],
}


def told(change):
    found = {line: detect_langs(change(line))[0] for group in lines.values() for line in group}
    right = sum(found[line].lang == language for language, group in lines.items() for line in group)
    return right, {change(line): str(found[line]) for line in (lines["en"][0], lines["fr"][1], lines["es"][1])}


small, capitals = told(str.lower), told(str.upper)
print(f"langdetect {version('langdetect')}: in small letters {small[0]} of 18 are right, such as {small[1]}")
print(f"in capitals {capitals[0]} of 18, and {capitals[1]}")
if small[0] != 18 or capitals[0] != 5 or not capitals[1][lines["en"][0].upper()].startswith("vi"):
    raise SystemExit("it has changed")
PY
