"""`asset-sync connectors import`: registers the connectors of a Media Lake."""
