"""A catalog that reads the objects' own tags; it does no I/O and imports no other adapter."""
