"""`asset-sync demo`: two syncs of a generated bucket on this machine, and checks of the result."""
