"""The stack's parts, one module each; infra.stack puts them together."""
