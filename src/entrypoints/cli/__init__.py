"""The command line `asset-sync`.

demo       `demo`: two syncs of a generated bucket, checked
local      `up`: the whole service on this machine
stage      `doctor`: checks of a deployed stage
remote     commands that call the HTTP API, of a deployed stage or of a local service
terminal   what commands print
"""
