"""Commands that call the HTTP API, and the clients that they use."""
