"""What `asset-sync doctor` looks at, each with the command by which a person sees the same."""
