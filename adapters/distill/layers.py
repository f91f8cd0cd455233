"""Which of the expert's layers teaches which of the student's."""


def paired_layers(ours: int, theirs: int) -> list[tuple[int, int]]:
    """(our layer, their layer) for each of our layers, spread evenly and ending at both last ones.

    Layer s goes with ceil((s + 1) * theirs / ours) - 1, so 6 layers go with 1, 3, 5, 7, 9, 11 of 12
    (LY-uni). With fewer layers than ours, theirs repeat. Raises ValueError without layers.
    """
    if min(ours, theirs) < 1:
        raise ValueError(f"{ours} layers cannot be paired with {theirs}")
    return [(layer, -(-(layer + 1) * theirs // ours) - 1) for layer in range(ours)]


def spread_slots(layers: int, slots: int) -> list[int]:
    """`slots` layers spread evenly over `layers`, ending at the last: the same depths for every model."""
    return [layer for _, layer in paired_layers(slots, layers)]
