"""Checks against AWS, one module per subject; infra.preflight runs all of them."""
