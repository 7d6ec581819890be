"""The SDK's sessions, for commands that call AWS themselves."""

from __future__ import annotations

from adapters.aws.sessions import new_session

__all__ = ["new_session"]
