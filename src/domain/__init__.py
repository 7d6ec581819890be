"""The rules, as pure values and functions; knows no I/O, clock, randomness, logging or vendor."""
