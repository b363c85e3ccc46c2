"""Shell completion of a command's options: a script to load once."""

from __future__ import annotations

import argparse
from typing import Any

BY_BASH = """\
{function}() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    case $before in
{cases}    esac
    if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "{options}" -- "$word")); fi
}}
complete -o default -F {function} {command}
"""
BEFORE = {"bash": "", "zsh": "autoload -U +X bashcompinit && bashcompinit\n"}  # zsh can emulate bash's completion


class Completion(argparse.Action):
    """--completion SHELL prints the script."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, shell: Any, option: Any = None) -> None:
        parser._print_message(BEFORE[shell] + script(parser))
        parser.exit()


def script(parser: argparse.ArgumentParser) -> str:
    """A script for bash: completes choices after an option that has them, options after a dash, else file names."""
    actions = [action for action in parser._actions if action.option_strings]
    cases = [
        f'        {"|".join(action.option_strings)}) COMPREPLY=($(compgen -W "{" ".join(map(str, action.choices))}" '
        '-- "$word")); return;;\n'
        for action in actions
        if action.choices is not None
    ]
    options = " ".join(name for action in actions for name in action.option_strings if name.startswith("--"))
    function = f"_{parser.prog.replace('-', '_')}"
    return BY_BASH.format(function=function, cases="".join(cases), options=options, command=parser.prog)
