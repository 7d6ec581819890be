"""A catalog made of the objects' own tags; it does no I/O, and knows no other adapter."""
