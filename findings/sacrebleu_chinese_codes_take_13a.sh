#!/usr/bin/env bash
# sacreBLEU 2.6.0: of the codes of Chinese only "zh" has Chinese tokens; zh-Hans, zh_CN, zho_Hans and cmn have 13a.
# Guessed: trg_lang chooses the tokens by the language, so a region or a script beside it, or the code that a corpus
# such as FLORES uses, makes no difference; a code that is not known is refused. Found: it is looked up as it is, and
# all others get 13a without a word (so do ja_JP, jpn and kor), by which a Chinese sentence is one or two words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from sacrebleu.metrics import BLEU

hyps, refs = ["我今天早上在北京喝茶。", "他住在上海。"], [["我今天早上在北京喝咖啡。", "他住在上海。"]]
print(f"sacrebleu {version('sacrebleu')}")
tokens = {}
for code in ("zh", "zh-Hans", "zh_CN", "zho_Hans", "cmn", "yue", "ja_JP", "jpn", "kor"):
    bleu = BLEU(trg_lang=code)
    score = bleu.corpus_score(hyps, refs).score
    tokens[code] = bleu.get_signature().info["tok"]
    print(f"{code:9} tok:{tokens[code]:4} BLEU {score:.1f}")
if [code for code, name in tokens.items() if name != "13a"] != ["zh"]:
    raise SystemExit("it has changed")
PY
