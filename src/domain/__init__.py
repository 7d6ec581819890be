"""The rules, as pure values and functions: no I/O, clock, randomness, logging or AWS library."""
