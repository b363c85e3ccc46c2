"""Models on a hub: fetched, checked and pushed with huggingface_hub and a server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import hub_server
import pytest
import yaml
from commands import programs

import nmt
from nmt import publishing
from nmt.bundle import load_bundle, save_search
from nmt.bundle.files import folders_of
from nmt.hub import is_remote, repository
from nmt.publishing import with_head
from nmt.search import Beam

pytest.importorskip("huggingface_hub")

SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub, with a separate cache. The library reads its settings once per process, so tests use other processes."""
    with hub_server.running() as server:
        for name, value in {
            "HF_ENDPOINT": server.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": "",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [programs() / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)


def test_a_model_of_the_hub_translates_as_the_one_it_was_pushed_from(hub, bundle_dir):
    (bundle_dir / "scores.json").write_text(
        json.dumps({"valid": {"bleu": {"score": 33.379, "signature": SIGNATURE}}})
    )
    words = ("nmt-push", str(bundle_dir), "anna/de-en", "--license", "apache-2.0")
    unknown = run(*words)
    assert unknown.returncode == 2
    assert unknown.stderr.endswith(": the hub does not know who you are: set HF_TOKEN, or call `hf auth login`\n")
    pushed = run(*words, HF_TOKEN="hf_secret")
    assert pushed.stdout.startswith(f"{hub.url}/anna/de-en/commit/"), pushed.stderr
    files = hub.models["anna/de-en", "main"]
    before = files_of(bundle_dir)
    assert {name: files[name] for name in before if name != "README.md"} == {
        name: content for name, content in before.items() if name != "README.md"
    }
    assert hub.large  # the weights were uploaded separately
    _, head, card = files["README.md"].decode().split("---\n")
    assert card == "\n# card"
    said = yaml.safe_load(head)
    assert (said["language"], said["license"], said["pipeline_tag"]) == (["de", "en"], "apache-2.0", "translation")
    (result,) = said["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "bleu", "name": "BLEU", "value": 33.38, "args": {"signature": SIGNATURE}}]

    line = "Der Hund sieht den Ball."
    code = f"import nmt; print(nmt.load('hf://anna/de-en').translate([{line!r}])[0].text)"
    found = run("python3", "-c", code)
    assert found.stdout == nmt.load(bundle_dir).translate([line])[0].text + "\n", found.stderr


def test_a_revision_a_private_model_and_what_is_not_there(hub, bundle_dir):
    hub.models["anna/old", "main"] = {"config.json": b"{}", "evil.py": b"1 / 0"}
    words = ("nmt-push", str(bundle_dir), "anna/old", "--license", "mit", "--revision", "v1")
    assert run(*words, HF_TOKEN="hf_secret").stdout.startswith(f"{hub.url}/anna/old/commit/")
    assert hub.models["anna/old", "main"]["config.json"] == b"{}"
    assert hub.models["anna/old", "v1"]["config.json"] == (bundle_dir / "config.json").read_bytes()
    hub.private.add("anna/old")
    languages = ("-q", "hf://anna/old@v1", "--languages")
    assert run("nmt-translate", *languages, HF_TOKEN="hf_secret").stdout == "de-en  de to en\n"
    refused = run("nmt-translate", *languages, HF_HOME=str(bundle_dir / "other"))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "no such model, or it is private" in refused.stderr
    missing = run("nmt-translate", "hf://anna/old@v2", "--languages", HF_TOKEN="hf_secret")
    assert "it has no such revision" in missing.stderr
    unsound = run("nmt-translate", "hf://anna/old", "--languages", HF_TOKEN="hf_secret")
    assert unsound.returncode == 2
    assert "config.json" in unsound.stderr
    assert not [path for path in hub.asked if "evil" in path]


def test_a_name_that_is_none_and_a_file_that_would_be_changed(bundle_dir):
    for name in ("model", "anna/de-en/model", "anna/de-en@"):
        with pytest.raises(ValueError, match="must be as hf://user/model"):
            nmt.load(f"hf://{name}")
    with pytest.raises(ValueError, match="must be as user/model"):
        publishing.push(bundle_dir, "de-en", "mit")
    with pytest.raises(ValueError, match="is on the hub"):
        save_search("hf://anna/de-en", Beam())


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("hf://anna/de-en", ("anna/de-en", None)),
        ("hf:/anna/de-en", ("anna/de-en", None)),  # as a Path has it
        ("hf://anna/de-en/", ("anna/de-en", None)),
        ("hf://anna/de-en@refs/pr/1", ("anna/de-en", "refs/pr/1")),
    ],
)
def test_an_address_is_a_name_and_a_revision(address, found):
    assert is_remote(address)
    assert repository(address) == found


def test_a_link_leads_to_the_hubs_blobs_and_nowhere_else(bundle_dir, tmp_path):
    snapshot = tmp_path / "cache" / "snapshots" / "1"
    blobs = tmp_path / "cache" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for path in bundle_dir.iterdir():
        path.rename(blobs / path.name)
        (snapshot / path.name).symlink_to(blobs / path.name)
    assert load_bundle(snapshot).config.src == "de"
    (snapshot / "config.json").unlink()
    (tmp_path / "cache" / "config.json").write_bytes((blobs / "config.json").read_bytes())
    (snapshot / "config.json").symlink_to(tmp_path / "cache" / "config.json")
    with pytest.raises(ValueError, match="is a link out of the model directory"):
        load_bundle(snapshot)


def test_a_model_at_the_root_of_a_disk_has_its_files_in_one_folder(tmp_path):
    assert folders_of(Path("/model")) == [Path("/model")]  # a mount point in a container
    assert folders_of(tmp_path / "runs" / "model") == [tmp_path / "runs" / "model"]
    snapshot = tmp_path / "snapshots" / "1"
    assert folders_of(snapshot) == [snapshot, tmp_path / "blobs"]


def test_a_card_has_one_head():
    once = with_head("# de to en\n", {"license": "mit"})
    assert once == "---\nlicense: mit\n---\n\n# de to en\n"
    assert with_head(once, {"license": "other"}) == once.replace("mit", "other")
