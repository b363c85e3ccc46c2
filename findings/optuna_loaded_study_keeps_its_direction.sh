#!/usr/bin/env bash
# optuna 5.0.0: create_study(direction="maximize", load_if_exists=True) of a study that minimises minimises on.
# Guessed: another direction than that of the study found is an error. Found: the argument is dropped without a word.
# Who first tuned by loss, or forgot the direction, and tunes by BLEU under the same name is told that the worst
# translations are the best, and the sampler seeks more of them. Compare study.direction with what was asked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
cd "$folder"
venv/bin/python - <<'PY'
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
place = {"study_name": "tuning", "storage": "sqlite:///studies.db"}
optuna.create_study(**place)  # minimises, by default
study = optuna.create_study(**place, direction="maximize", load_if_exists=True)
for bleu in (30.0, 10.0):
    study.add_trial(optuna.trial.create_trial(value=bleu))
print(f"optuna {optuna.__version__}: asked to maximise, it has {study.direction.name}; best BLEU {study.best_value}")
if study.direction.name != "MINIMIZE" or study.best_value != 10.0:
    raise SystemExit("it has changed")
PY
