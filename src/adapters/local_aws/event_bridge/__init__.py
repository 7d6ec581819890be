"""Amazon EventBridge: the default event bus with its rules, and schedules."""
