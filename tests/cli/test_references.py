"""Several references, tokenisations and languages, from the commands that score."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import sacrebleu

from nmt.cli import compare, rare

SRCS = ["Eins.", "Zwei Hunde laufen.", "Drei Katzen schlafen im Haus.", "Vier Vögel singen am Morgen im Garten."]
REFS = ["老师看见一只小狗。", "两只狗在跑。", "三只猫在房子里睡觉。", "四只鸟早上在花园里唱歌。"]
OTHERS = ["老师看到了小狗。", "", "三只猫在屋里睡。", "早上四只鸟在花园唱歌。"]
HYPS = {
    "one": ["老师看见小狗。", "两只狗在跑。", "三只猫在屋里睡觉。", "四只鸟在花园里唱歌。"],
    "two": ["老师看见一只狗。", "狗跑。", "猫在房子里睡。", "鸟早上在花园里。"],
}


@pytest.fixture
def folder(tmp_path):
    for name, lines in {"src.de": SRCS, "a.zh": REFS, "b.zh": OTHERS, **HYPS}.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    rows = "".join(f"{a}\t{b}\n" for a, b in zip(REFS, OTHERS, strict=True))
    (tmp_path / "both.tsv").write_text(rows, encoding="utf-8")
    return tmp_path


def compared(folder, *arguments):
    paths = [folder / "one", folder / "two", "--src", folder / "src.de", *arguments]
    return compare.compare_systems(compare.parser().parse_args([str(one) for one in paths]))


def test_every_reference_counts_and_an_empty_one_is_none(folder):
    found = compared(folder, "--ref", folder / "a.zh", "--ref", folder / "b.zh")
    refs = [REFS, [other or None for other in OTHERS]]
    for name, hyps in HYPS.items():
        for metric, theirs in {
            "bleu": sacrebleu.corpus_bleu(hyps, refs, tokenize="zh"),
            "chrf": sacrebleu.corpus_chrf(hyps, refs),
        }.items():
            assert found["systems"][str(folder / name)][metric]["score"] == theirs.score
    assert "nrefs:var" in found["signatures"]["bleu"]
    assert "tok:zh" in found["signatures"]["bleu"]
    assert "in the order given" in found["notes"][-1]
    assert "in the order given" in compare.text(found)
    alone = compared(folder, "--ref", folder / "a.zh")
    assert len(alone["notes"]) == 1
    assert "one-sided" in alone["notes"][0]
    assert alone["systems"] != found["systems"]


def test_the_columns_of_a_tsv_are_references(folder):
    both = compared(folder, "--ref", folder / "a.zh", "--ref", folder / "b.zh")
    assert compared(folder, "--ref", folder / "both.tsv")["systems"] == both["systems"]


@pytest.mark.parametrize("header", ["en\tEnglish 2", "ref1\tref2"])
def test_a_first_line_of_names_in_a_tsv_is_no_sentence(folder, header):
    named = folder / "named.tsv"
    named.write_text(f"{header}\n" + (folder / "both.tsv").read_text(encoding="utf-8"), encoding="utf-8")
    both = compared(folder, "--ref", folder / "both.tsv")
    assert compared(folder, "--ref", named)["systems"] == both["systems"]


def test_the_scores_are_those_of_sacrebleus_command_to_all_digits(folder):
    """As published ones are made: a language pair, several references, the tokenisation of the target language."""
    report = compared(folder, "--ref", folder / "a.zh", "--ref", folder / "a.zh", "--tgt", "zh-CN")
    for name in HYPS:
        command = [sys.executable, "-m", "sacrebleu", folder / "a.zh", folder / "a.zh", "-i", folder / name]
        options = ["-l", "de-zh", "-m", "bleu", "chrf", "--width", "14", "--format", "json"]
        printed = subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout
        for theirs in json.loads(printed):
            ours = report["systems"][str(folder / name)][theirs["name"].lower().rstrip("2")]
            assert round(ours["score"], 14) == theirs["score"]


def test_systems_whose_names_differ_have_rows_that_differ(folder):
    systems = [f"{name}/evaluation/test/hyp.txt" for name in ("mine", "gru")]
    for name, hyps in zip(systems, HYPS, strict=True):
        (folder / name).parent.mkdir(parents=True)
        (folder / hyps).rename(folder / name)
    paths = [*(folder / name for name in systems), "--src", folder / "src.de", "--ref", folder / "a.zh"]
    text = compare.text(compare.compare_systems(compare.parser().parse_args([*map(str, paths), "--samples=9"])))
    begun = [line.split()[0].rstrip(":") for line in text.splitlines() if line]
    assert begun.count("…mine/…") == begun.count("…gru/…") >= 4  # two scores, a table and the examples
    assert str(folder) not in text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["runs/lstm/model", "runs/gru/model"], ["runs/lstm/model", "runs/gru/model"]),
        (["a" * 50 + "/b", "a" * 50 + "/b/c"], ["…b", "…b/c"]),
        (["x" * 50 + "y" * 50, "x" * 50 + "z" + "y" * 50], ["…y…", "…zy…"]),
        (["x" * 50, "y" * 50 + "\x1b"], ["x" * 50, "y" * 50 + r"\x1b"]),
    ],
)
def test_long_names_lose_what_all_have_in_common_and_nothing_else(names, expected):
    assert list(compare.short_names(names).values()) == expected


def test_files_of_long_names_have_rows_that_differ():
    row = {"words": 9, "share": 0.5}
    names = [f"IWSLT14.TED.{year}.de-en.de.xml" for year in ("tst2010", "dev2010")]
    head, *rows = rare.rare_table({"things": {}, "unsupported": dict.fromkeys(names, row)})[3:]
    assert [line.split()[0] for line in rows] == names
    assert {len(line) for line in (head, *rows)} == {len(head)}


def test_a_tokenisation_may_be_named_and_stands_in_the_signature(folder):
    found = compared(folder, "--ref", folder / "a.zh", "--tokenize", "char")
    assert "tok:char" in found["signatures"]["bleu"]
    hyps = HYPS["one"]
    theirs = sacrebleu.corpus_bleu(hyps, [REFS], tokenize="char").score
    assert found["systems"][str(folder / "one")]["bleu"]["score"] == theirs


def test_evaluate_takes_several_references_and_the_models_language(trained, corpus_dir, tmp_path, run_here):
    src, ref = corpus_dir / "valid.de", corpus_dir / "valid.en"
    lines = ref.read_text(encoding="utf-8").splitlines()
    other = tmp_path / "other.en"
    other.write_text("".join(f"{line if i % 2 else ''}\n" for i, line in enumerate(lines)), encoding="utf-8")

    def evaluated(*options):
        arguments = [trained / "model", "--src", src, "--output", tmp_path, "--json", *options]
        return json.loads(run_here("nmt-evaluate", *arguments).out)

    one, two = evaluated("--ref", ref), evaluated("--ref", ref, "--ref", other)
    assert "nrefs:1|" in one["scores"]["bleu"]["signature"]
    assert "nrefs:var|" in two["scores"]["bleu"]["signature"]
    assert two["scores"]["bleu"]["score"] == one["scores"]["bleu"]["score"]  # the others are the same lines
    assert "tok:13a" in one["scores"]["bleu"]["signature"]


def test_what_was_cut_is_told_whoever_translates(trained, tmp_path, run_here):
    (tmp_path / "src").write_text("Der Hund.\n" + "Hund " * 3000 + "\n", encoding="utf-8")
    (tmp_path / "ref").write_text("The dog.\nThe dog.\n", encoding="utf-8")
    (tmp_path / "other").write_text("A dog.\nThe dog.\n", encoding="utf-8")
    files = ["--src", tmp_path / "src", "--ref", tmp_path / "ref", "--json", "--workers", 1]
    _, out, err = run_here("nmt-evaluate", trained / "model", *files, "--output", tmp_path)
    assert "without the end: line 2" in err
    assert json.loads(out)["cut"] == [2]
    compared = run_here("nmt-compare", tmp_path / "other", trained / "model", *files)
    assert "without the end: line 2" in compared.err


def test_no_p_is_zero():
    assert [compare.p_words(p) for p in (0.2, 1 / 10_001, 1 / 100_001)] == ["p = 0.2000", "p = 0.0001", "p < 0.0001"]
