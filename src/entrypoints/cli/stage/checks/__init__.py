"""The checks of `asset-sync doctor`, each with an AWS CLI command that shows the same."""
