"""Half precision where it pays, and only inside a step."""

import pytest
import torch

from models import precision


@pytest.mark.parametrize(("there", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_products_are_halved_only_where_the_processor_can(
    monkeypatch: pytest.MonkeyPatch, there: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: there)
    layer = torch.nn.Linear(4, 4)
    with precision.bfloat16_if_fast(torch.device("cpu")):
        assert layer(torch.ones(1, 4)).dtype == dtype
    assert layer(torch.ones(1, 4)).dtype == layer.weight.dtype == torch.float32


def test_a_step_of_the_optimiser_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: True)
    layer = torch.nn.Linear(2, 1, bias=False)

    def said() -> float:
        with precision.bfloat16_if_fast(torch.device("cpu")):
            return float(layer(torch.ones(1, 2)).detach())

    said()
    with torch.no_grad():
        layer.weight.fill_(3.0)
    assert said() == 6.0


@pytest.mark.parametrize(("halved", "gpu", "maps", "wanted"), [
    (True, False, False, "eager"), (False, False, False, "sdpa"), (True, True, False, "sdpa"),
    (False, False, True, "eager"), (True, True, True, "eager"),
])  # fmt: skip
def test_training_attends_as_is_quickest_there(
    monkeypatch: pytest.MonkeyPatch, halved: bool, gpu: bool, maps: bool, wanted: str
) -> None:
    monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: halved)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert precision.attention_to_train(maps) == wanted
