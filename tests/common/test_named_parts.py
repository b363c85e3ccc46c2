"""Tables of parts: nmt's own, those of a script, and those of installed packages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, get_type_hints

import pytest

from nmt.common.parts import Parts, parts_of


class Base:
    pass


class Own(Base):
    pass


def classes() -> Parts[type[Base]]:
    return Parts("test.classes", type[Base], {"own": Own, "base": Base})


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with these entry points of a group; its one module, my_own, has these lines."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed(package: str, group: str, entries: dict[str, str], *lines: str) -> None:
        metadata = tmp_path / f"{package}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        named = (f"{name} = {value}" for name, value in entries.items())
        (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *named, ""]))
        (tmp_path / "my_own.py").write_text("\n".join(lines))

    yield installed
    sys.modules.pop("my_own", None)


def test_a_package_adds_parts_that_are_imported_when_they_are_asked_for(install):
    install(
        "one",
        "test.classes",
        {"z": "my_own:Z", "a": "my_own:A"},
        "from collections import OrderedDict as A, deque as Z",
    )
    parts = Parts("test.classes", type[dict], {"own": dict})
    assert parts.names() == ["own", "a", "z"]
    assert (parts.has("a"), parts.has("b"), list(parts)) == (True, False, ["own"])
    parts.check("a")
    assert "my_own" not in sys.modules
    assert parts["a"].__name__ == "OrderedDict"
    assert (parts.names(), list(parts)) == (["own", "a", "z"], ["own", "a"])


@pytest.mark.parametrize("name", ["x", "", None, ["own"], 1])
def test_an_unknown_name_is_told_with_the_known_ones(install, name):
    install("one", "test.classes", {"added": "my_own:Nothing"})
    for ask in (classes().check, classes().chosen):
        with pytest.raises(
            ValueError, match="^a.name is .*; choose one of: added, base, own, or install the package "
        ):
            ask(name, "a.name")


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (type[Base], "my_missing:A", "cannot be imported: ModuleNotFoundError: No module named 'my_missing'"),
        (type[Base], "my_own:A", "cannot be imported: AttributeError: module 'my_own' has no attribute 'A'"),
        (type[Base], "my_own:fails.at_once", "cannot be imported: ZeroDivisionError: division by zero"),
        (type[Base], "my_own:other", "is no subclass of Base"),
        (Base, "my_own:other", "is no Base"),
        (Callable, "my_own:other", "is no Callable"),
    ],
)
def test_a_part_that_cannot_be_had_is_told_with_its_package(install, kind, value, message):
    lines = ["other = 1", "class Fails:", "    at_once = property(lambda self: 1 / 0)", "fails = Fails()"]
    install("one", "test.kind", {"mine": value}, *lines)
    with pytest.raises(ValueError, match=f"^name is 'mine', but test.kind: mine = {value} of one {message}"):
        Parts("test.kind", kind, {})["mine"]


def test_a_name_of_two_packages_is_refused_and_a_name_of_nmt_stays_its_own(install):
    install("one", "test.classes", {"mine": "my_own:A", "own": "my_own:A"})
    install("two", "test.classes", {"mine": "my_own:A"})
    with pytest.raises(
        ValueError, match="my_own:A of one and test.classes: mine = .* of two have this name; install"
    ):
        classes().chosen("mine")
    assert classes()["own"] is Own
    told = "^test.classes: own = my_own:A of one is not used, because nmt has 'own' itself; it needs another name$"
    with pytest.warns(UserWarning, match=told):
        assert classes().names() == ["own", "base", "mine"]


def test_a_script_adds_parts_of_the_right_kind():
    parts = classes()
    parts["mine"] = Own
    assert (parts["mine"], parts.names()) == (Own, ["own", "base", "mine"])
    with pytest.raises(ValueError, match="^test.classes: mine = <.*Own object at .*> is no subclass of Base$"):
        parts["mine"] = Own()


def test_a_type_has_the_parts_that_it_names():
    parts = classes()
    made = type("Made", (), {"__annotations__": {"one": Annotated[str, parts], "other": str}})
    hints = get_type_hints(made, include_extras=True)
    assert parts_of(hints["one"]) is parts
    assert parts_of(hints["other"]) is None
    assert len({hints["one"], Annotated[str, parts]}) == 1
