"""A little of the long trial with spoilt inputs: each is read or refused in a sentence."""

import random
from pathlib import Path

import pytest
from soak.inputs import Fence, try_inputs
from soak.mutate import mutate
from soak.parser import Parser, bytes_parser
from soak.parsers import PARSERS

from core.errors import InputError

_FENCE = Fence()
_MANY, _FEW = 1500, 40


@pytest.mark.slow
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_spoilt_inputs_end_in_a_value_or_a_sentence(parser: Parser, tmp_path: Path) -> None:
    count = max(_FEW, _MANY // parser.cost)
    findings = try_inputs(parser, tmp_path / "in", 0, count, 1, _FENCE)
    assert findings.inputs == count and not findings.faults


def test_what_should_not_happen_is_found(tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        if len(data) % 3 == 0:
            raise KeyError("bug")
        if len(data) % 3 == 1:
            raise InputError("refused")

    parser = bytes_parser("bad", lambda: b'{"a": 1}', read)
    findings = try_inputs(parser, tmp_path / "in", 0, 60, 0, _FENCE)
    assert findings.refused and sum(findings.faults.values()) and findings.inputs == 60
    assert all("KeyError" in fault for fault in findings.faults)


def test_a_write_outside_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("soak.inputs.BY_RIGHT", ())
    parser = bytes_parser("bad", lambda: b"1", lambda data: (tmp_path / "out").write_bytes(data))
    findings = try_inputs(parser, tmp_path / "in", 0, 3, 0, _FENCE)
    assert any(fault.startswith(f"wrote {tmp_path / 'out'}") for fault in findings.faults)


def test_the_same_numbers_give_the_same_inputs() -> None:
    sample = b'{"a": [1, 2, {"b": "c"}]}\n{"d": 1}\n'
    spoilt = [mutate(sample, random.Random(n)) for n in range(300)]
    assert spoilt == [mutate(sample, random.Random(n)) for n in range(300)]
    assert len(set(spoilt)) > 200
