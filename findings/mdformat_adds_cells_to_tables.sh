#!/usr/bin/env bash
# mdformat 1.0.0 and mistune 3.4.0: a table that is read and written without their table plugins has a cell more.
# Guessed: what a Markdown library does not know it takes for text and writes as it was; mdformat even compares the HTML
# before and after. Found: a table is a paragraph to both, in which "\|" has a needless backslash. Without it the bar
# divides cells, and in the readers that know tables, as those of all code hosts do, "a | b" is two cells and the last
# column is cut off. mistune also makes a link of \[name\](url). Give the plugins, or replace texts at their places.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mistune==3.4.0 mdformat==1.0.0 markdown-it-py==4.3.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import mdformat
import mistune
from markdown_it import MarkdownIt
from mistune.renderers.markdown import MarkdownRenderer

before = r"""| Sign   | Meaning  |
|--------|----------|
| a \| b | a or b   |

Write \[name\](url)
"""
after = {
    "before": before,
    "mdformat": mdformat.text(before),
    "mistune": mistune.create_markdown(renderer=MarkdownRenderer())(before),
    "mistune with its plugin": mistune.create_markdown(renderer=MarkdownRenderer(), plugins=["table"])(before),
}
html = MarkdownIt("commonmark").enable("table").render
wanted = "<td>a | b</td>", "<td>a or b</td>", "<a href"
found = {name: [tag in html(text) for tag in wanted] for name, text in after.items()}
for name in ("mdformat", "mistune"):
    print(f"{name} {version(name)} wrote:\n{after[name]}")
print(f"has {wanted}: {found}")
if found != {
    "before": [True, True, False],
    "mdformat": [False, False, False],
    "mistune": [False, False, True],
    "mistune with its plugin": [True, True, True],
}:
    raise SystemExit("it has changed")
PY
