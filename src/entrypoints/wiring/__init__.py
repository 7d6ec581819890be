"""The composition root: the only package that imports adapters, and puts them into ports."""
