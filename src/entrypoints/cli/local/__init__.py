"""`asset-sync up`: the whole service on this machine, with the handlers that Lambda runs."""
