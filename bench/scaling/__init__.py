"""A model of a whole sync: how long each stage takes, what limits it, and its requests.

`quotas` has what AWS documents, `measured` what this project measured, and `flow` moves objects
through stages that work at once. `sync` describes a sync with them; sizes and rates of this project
come from its own code. `report` prints the tables of docs/scaling.md.
"""
