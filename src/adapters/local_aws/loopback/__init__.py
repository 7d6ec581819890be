"""HTTP servers that only programs on this machine can reach."""
