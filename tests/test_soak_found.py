"""What the long trial with spoilt inputs has found, as tests: a parser and the number of its input."""

from pathlib import Path

import pytest
from soak.inputs import Fence, try_inputs
from soak.parsers import PARSERS

_FENCE = Fence()
_BY_NAME = {parser.name: parser for parser in PARSERS}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("questions", 237),
        ("probe set", 819),
        ("redaction", 1512),
        ("memory database", 365),
        ("checkpoint's size", 24765),
        ("checkpoint's size", 25798),
        ("TIFF picture", 28734),
        ("checkpoint", 17),
        ("checkpoint", 314),
    ],
)
def test_what_was_found_once_is_refused_in_a_sentence(name: str, number: int, tmp_path: Path) -> None:
    findings = try_inputs(_BY_NAME[name], tmp_path / "in", number, 1, 0, _FENCE)
    assert findings.inputs == 1 and not findings.faults
