#!/usr/bin/env bash
# zstandard 0.25.0: decompress() of a file made of several frames returns the first, without a word.
# Guessed: as gzip.decompress and the zstd command it returns all that was compressed; `cat a.zst b.zst` and pzstd make
# such files. Found: what follows the first frame counts as extra data, and extra data are allowed by default. A corpus
# read so is short by all parts but one, on both sides alike. stream_reader and zstandard.open read all;
# decompress(..., allow_extra_data=False) at least complains.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check zstandard==0.25.0
"$folder/venv/bin/python" - <<'PY'
import gzip
import io

import zstandard

parts = [b"one\ntwo\n", b"three\nfour\n"]
both = b"".join(map(zstandard.compress, parts))
lines = {
    "gzip.decompress": gzip.decompress(b"".join(map(gzip.compress, parts))).count(b"\n"),
    "zstandard.decompress": zstandard.decompress(both).count(b"\n"),
    "zstandard.ZstdDecompressor().decompress": zstandard.ZstdDecompressor().decompress(both).count(b"\n"),
    "stream_reader": zstandard.ZstdDecompressor().stream_reader(io.BytesIO(both)).read().count(b"\n"),
}
print(f"zstandard {zstandard.__version__}: of four lines in two parts are read {lines}")
if list(lines.values()) != [4, 2, 2, 4]:
    raise SystemExit("it has changed")
PY
