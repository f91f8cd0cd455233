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
