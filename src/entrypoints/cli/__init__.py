"""The command line: tries the service on this machine, and talks to its API wherever it runs."""
