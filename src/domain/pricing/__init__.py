"""What a sync costs: its requests, their prices, and how long it takes, before and after it ran."""
