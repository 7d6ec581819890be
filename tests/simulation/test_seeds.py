"""The invariants I1 to I12 hold in every world that a seed makes; `simulator.invariants` has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from simulator.simulation import Simulation


@pytest.mark.soak
def test_invariants_hold(seed: int, simulate: Callable[[int], Simulation]) -> None:
    simulate(seed)
