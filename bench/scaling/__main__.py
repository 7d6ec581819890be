"""Prints how long syncs of three sizes take, and what limits them: make bench-scale."""

from __future__ import annotations

from bench.scaling.report import whole

if __name__ == "__main__":
    print(whole(), end="")
