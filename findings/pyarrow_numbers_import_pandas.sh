#!/usr/bin/env bash
# pyarrow 26.0.1 beside pandas 3.1.1: Array.to_numpy(), and pa.array() of a list or a NumPy array, import pandas.
# Guessed: numbers without nulls go from Arrow to NumPy without a third library; only to_pandas() needs pandas. Found:
# where pandas is installed (datasets, mlflow and others bring it) the first such call imports it, which takes half a
# second and some 50 MB in every process that reads a memory-mapped file of integers. numpy.from_dlpack and
# Array.from_buffers give the same arrays and import nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
cat > "$folder/way.py" <<'PY'
import sys

import numpy as np
import pyarrow as pa

four = np.arange(4, dtype=np.int32)
array = pa.Array.from_buffers(pa.int32(), 4, [None, pa.py_buffer(four)])
ways = {
    "Array.from_buffers": lambda: array,
    "numpy.from_dlpack": lambda: np.from_dlpack(array),
    "Array.to_numpy": array.to_numpy,
    "pa.array of a list": lambda: pa.array([0, 1, 2, 3]),
    "pa.array of NumPy's": lambda: pa.array(four),
}
assert [int(number) for number in memoryview(np.from_dlpack(array))] == [0, 1, 2, 3]
ways[sys.argv[1]]()
print(sys.argv[1], "pandas" if "pandas" in sys.modules else "nothing", sep=": ")
PY
found=$(for way in Array.from_buffers numpy.from_dlpack Array.to_numpy "pa.array of a list" "pa.array of NumPy's"; do
    "$folder/venv/bin/python" "$folder/way.py" "$way"
done)
echo "imports, each in a process of its own:"
echo "$found"
expected="Array.from_buffers: nothing
numpy.from_dlpack: nothing
Array.to_numpy: pandas
pa.array of a list: pandas
pa.array of NumPy's: pandas"
[ "$found" = "$expected" ] || { echo "it has changed"; exit 1; }
