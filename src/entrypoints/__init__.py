"""The ways in (Lambda, HTTP, CLI), settings and wiring; thin, and holds no rule of the domain."""
