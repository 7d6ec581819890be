"""What all tests have: property tests have no time limit, since a busy machine is no failure."""

from __future__ import annotations

from importlib.util import find_spec

# The environment of the browser tests has no Hypothesis.
if find_spec("hypothesis"):
    from hypothesis import settings

    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
