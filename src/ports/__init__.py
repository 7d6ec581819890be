"""What the use cases need of the world, as Protocols and their errors; knows no adapter."""
