"""What was learned beside a student comes back as it was, and damage is named."""

from pathlib import Path

import pytest
import torch

from adapters.distill.bridge_files import BRIDGE_FILE, load_bridge, save_bridge
from adapters.distill.compared import Bridge
from adapters.distill.projections import MixedHeads, PointwiseHeads, PointwiseTokens
from core.errors import StorageError, WeightsError

FULL = Bridge(MixedHeads(7, 5, seed=1), PointwiseHeads(7, 5, seed=2), PointwiseTokens(6, 4, seed=3))


@pytest.mark.parametrize("bridge", [FULL, Bridge(width=PointwiseTokens(3, 2)), Bridge()])
def test_it_comes_back(bridge: Bridge, tmp_path: Path) -> None:
    save_bridge(bridge, tmp_path)
    found = load_bridge(tmp_path)
    pairs = zip(bridge.parameters(), found.parameters(), strict=True)
    assert all(torch.equal(before, after) and after.requires_grad for before, after in pairs)
    if bridge.pointwise is not None and found.pointwise is not None:
        maps = torch.rand(7, 3, 4)
        assert torch.equal(bridge.pointwise(maps), found.pointwise(maps))


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        load_bridge(tmp_path)
    save_bridge(FULL, tmp_path)
    whole = (tmp_path / BRIDGE_FILE).read_bytes()
    for wrong in (
        whole[:-4],
        b"",
        whole.replace(b"width.bias", b"width.bia_"),
        whole.replace(b"mixed", b"maxed"),
    ):
        (tmp_path / BRIDGE_FILE).write_bytes(wrong)
        with pytest.raises(WeightsError, match="train again"):
            load_bridge(tmp_path)
