#!/usr/bin/env bash
# numpy 2.4.6: np.unique of many different integers takes many times as long as sorting them.
# Guessed: it sorts and compares neighbours, so it takes little more than np.sort, and finding repeated hashes of lines
# by it is as cheap. Found: since it has a hash table for integers it is several times slower where most of them are
# different, as hashes of lines are; asked for indices or counts too it sorts, and is fast again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import time

import numpy as np

keys = np.random.default_rng(0).integers(0, 2**62, 2_000_000)


def seconds(function):
    times = []
    for _ in range(3):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return min(times)


sort = seconds(lambda: np.sort(keys))
unique = seconds(lambda: np.unique(keys))
counted = seconds(lambda: np.unique(keys, return_counts=True))
print(f"numpy {np.__version__}: of {len(keys):,} different numbers, in times of np.sort ({sort:.2f} s):")
print(f"np.unique {unique / sort:.1f}, with return_counts {counted / sort:.1f}")
if not unique > 1.5 * counted:
    raise SystemExit("it has changed")
PY
