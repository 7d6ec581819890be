"""The stores, queues, topics and buses: moto behind one lock, in a process of its own."""
