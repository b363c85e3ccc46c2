#!/usr/bin/env bash
# safetensors 0.8.0: transposed NumPy weights are written in another order, and read back as other numbers.
# Guessed: an array that is a view is copied or refused, as safetensors.torch refuses such a tensor. Found:
# safetensors.numpy writes the array's memory as it lies, under the shape of the view. Converters between toolkits
# transpose most matrices and take columns of others; the file has the right names, shapes and types, and the model
# translates noise. np.ascontiguousarray before saving keeps them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PY'
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

weight = np.arange(12, dtype=np.float32).reshape(3, 4)
views = {
    "as it is": weight,
    "transposed": weight.T,
    "Fortran's order": np.asfortranarray(weight),
    "columns": weight[:, 1:],
}
found = {}
for name, array in views.items():
    save_file({"weight": array}, "model.safetensors")
    back = load_file("model.safetensors")["weight"]
    assert back.shape == array.shape and back.dtype == array.dtype
    found[name] = bool((back == array).all())
print(f"safetensors {safetensors.__version__}: read as written? {found}")
if found != {"as it is": True, "transposed": False, "Fortran's order": False, "columns": False}:
    raise SystemExit("it has changed")
PY
