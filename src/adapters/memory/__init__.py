"""The ports on a small in-memory database, first-class; knows no other adapter and no vendor."""
