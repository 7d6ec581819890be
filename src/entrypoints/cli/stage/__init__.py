"""`asset-sync doctor`: checks of a deployed stage."""
