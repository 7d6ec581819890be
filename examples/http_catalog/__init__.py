"""A catalog over the HTTP API of a DAM that is made up, as an example of another catalog.

`catalog` and `client` are what one writes for a real system; `fake_dam` is the system, for tests.
The page docs/catalogs.md goes through them step by step.
"""
