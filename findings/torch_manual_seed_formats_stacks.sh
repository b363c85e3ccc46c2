#!/usr/bin/env bash
# torch 2.13.0 where no GPU is: torch.manual_seed formats the whole call stack as text three times, each time.
# Guessed: it sets a number in the CPU's generator, a few microseconds at most. Found: it also asks CUDA and two other
# kinds of devices, which are not there, to remember the seed for the day that they are; each of them keeps
# traceback.format_stack() with it. So the deeper the caller, the longer it takes: 0.2 ms at the top of a program,
# 0.7 ms under fifty frames, such as those of a training loop in a framework, where a seed for each batch is asked for.
# torch.default_generator.manual_seed formats none, takes 1 to 3 microseconds, and draws the same numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > "$folder/seed.py" <<'PY'
import timeit
import traceback

import torch

assert not torch.cuda.is_available(), "this is about machines without a GPU"
ways = {"torch.manual_seed": torch.manual_seed, "default_generator": torch.default_generator.manual_seed}


def under(frames, work):
    return work() if frames == 0 else under(frames - 1, work)


def numbers(seed):
    seed(7)
    return torch.rand(5)


assert torch.equal(*map(numbers, ways.values()))
usual, calls = traceback.format_stack, []
traceback.format_stack = lambda *rest, **named: calls.append(1) or usual(*rest, **named)
for name, seed in ways.items():
    calls.clear()
    seed(7)
    print(name, "stacks:", len(calls))
traceback.format_stack = usual
for name, seed in ways.items():
    times = [min(timeit.repeat(lambda: under(frames, lambda: seed(7)), number=200, repeat=5)) for frames in (0, 50)]
    print("#", name, "microseconds under 0 and 50 frames:", *(round(time / 200 * 1e6) for time in times))
PY
found=$("$folder/venv/bin/python" "$folder/seed.py")
echo "$found"
expected="torch.manual_seed stacks: 3
default_generator stacks: 0"
[ "$(grep -v '^#' <<< "$found")" = "$expected" ] || { echo "it has changed"; exit 1; }
