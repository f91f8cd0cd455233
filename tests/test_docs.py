"""Pages for people point at files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)#\s]+)")
LINKS = sorted(
    (page.name, target)
    for page in ROOT.glob("*.md")
    for target in LINK.findall(page.read_text(encoding="utf-8"))
    if "://" not in target
)


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_a_link_leads_somewhere(page: str, target: str) -> None:
    assert (ROOT / target).exists(), f"{page} points at {target}"


def test_the_tour_for_newcomers_is_as_short_as_it_says() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    walks = page[page.index("## A tour") : page.index("## Dependencies")].split("**An expert's answer")
    steps = [re.findall(r"^\d+\. `([\w/.]+)`", walk, re.MULTILINE) for walk in walks]
    assert [len(walk) for walk in steps] == [8, 10]
    assert all((ROOT / path).is_file() for walk in steps for path in walk)


def test_the_readme_knows_every_folder() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("```\nroomwise.py  ")[1].split("```")[0]
    named = set(re.findall(r"(?:^| )([a-z_]+)/ ", tree, re.MULTILINE))
    packages = {path.parent for path in ROOT.glob("*/*/__init__.py")} - {ROOT / "tests" / "soak"}
    assert not {path.name for path in packages} - named
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} <= named
