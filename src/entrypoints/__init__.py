"""The ways in (Lambda, HTTP, CLI), settings and wiring; thin, and holds no rule of the domain."""

VERSION = "0.1.0"
"""The product's version, as pyproject.toml has it: the functions run without an installation."""
