"""Published test sets, from sacreBLEU."""

from __future__ import annotations

from pathlib import Path

import sacrebleu


def published_test_set(name: str, langpair: str) -> tuple[list[str], list[list[str]]]:
    """Sources and all references of one of sacreBLEU's test sets, downloaded once.

    Raises ValueError for an unknown name, or when the set cannot be downloaded.
    """
    if name not in sacrebleu.get_available_testsets():
        raise ValueError(f"--testset is {name!r}; `sacrebleu --list` names those there are")
    if langpair not in sacrebleu.get_langpairs_for_testset(name):
        known = ", ".join(sorted(sacrebleu.get_langpairs_for_testset(name)))
        raise ValueError(f"--langpair is {langpair!r}; {name} has: {known}")
    try:
        files = [sacrebleu.get_source_file(name, langpair), *sacrebleu.get_reference_files(name, langpair)]
    except (OSError, SystemExit) as error:
        raise ValueError(f"test set {name} {langpair} is out of reach ({error}); use --src and --ref") from None
    srcs, *refs = (Path(file).read_text(encoding="utf-8").removesuffix("\n").split("\n") for file in files)
    return srcs, refs
