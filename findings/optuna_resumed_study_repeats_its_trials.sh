#!/usr/bin/env bash
# optuna 5.0.0: a study with a seeded sampler that is resumed proposes the same trials again.
# Guessed: the sampler goes on where the stored study stopped: the trials done are known to it, so it tries others.
# Found: the seed starts its numbers anew in each process, and the random trials at the start (TPE's first ten, all of
# RandomSampler's) do not look at what was done. A search in two sittings of four trials trains four models twice,
# and so do two workers with the same seed. Seed by the number of trials there are, or not at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
cd "$folder"
cat >tune.py <<'PY'
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
sampler = getattr(optuna.samplers, sys.argv[1])(seed=1)
study = optuna.create_study(
    study_name=sys.argv[1], storage="sqlite:///studies.db", load_if_exists=True, sampler=sampler
)
study.optimize(lambda trial: trial.suggest_float("dropout", 0, 0.5), n_trials=3)
tried = [round(trial.params["dropout"], 3) for trial in study.trials]
print(f"optuna {optuna.__version__}, {sys.argv[1]}: dropout {tried}")
if len(tried) == 6 and tried[:3] != tried[3:]:
    raise SystemExit("it has changed")
PY
for sampler in TPESampler RandomSampler; do
    venv/bin/python tune.py "$sampler"
    venv/bin/python tune.py "$sampler"
done
