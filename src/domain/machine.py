"""State machines as data.

A machine is one table: for every state a row of `event type -> next state`. A terminal state has an
empty row, so that "nothing may follow" is explicit. An event that is not in a row raises one typed
error. Guards (counts, leases, time) are not here: the table defines what may follow what, and the
`decide_*` functions of each machine decide whether it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from domain.errors import IllegalTransition

State = TypeVar("State", bound=StrEnum)

Table = Mapping[State, Mapping[type, State]]


def table(rows: Mapping[State, Mapping[type, State]]) -> Table[State]:
    """Return `rows` read-only."""
    return MappingProxyType({state: MappingProxyType(dict(row)) for state, row in rows.items()})


def next_state(machine: str, rows: Table[State], state: State, event: object) -> State:
    """Return the state that follows `state` on `event`.

    Raises:
        IllegalTransition: The state's row does not list this type of event.
    """
    following = rows[state].get(type(event))
    if following is None:
        raise IllegalTransition(machine, state, type(event).__name__)
    return following


def terminal_states(
    rows: Table[State], *, reopening: frozenset[type] = frozenset()
) -> frozenset[State]:
    """Return the states that only a user's request (`reopening` events) can leave."""
    return frozenset(state for state, row in rows.items() if set(row) <= reopening)
