"""Changing a meter: SET and ACTION, behind the owner's permission.

Nothing but `obis-gateway write` may import this module; an import contract sees to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from obisgw.permission import WritePermission

from .association import PROPOSED, Association, Security
from .classes import ClassId
from .conversation import Conversation
from .services import Conformance

if TYPE_CHECKING:
    from .axdr import Data
    from .conversation import Link
    from .services import Attribute


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """An attribute and what it is to hold."""

    attribute: Attribute
    data: Data


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A method of an object and what it is called with."""

    class_id: int
    name: bytes
    method: int
    data: Data | None = None


Change = AttributeChange | MethodCall

_ERASING: Final = frozenset({(ClassId.PROFILE_GENERIC, 1)})
"""Methods that erase what is stored, and with it what cannot be had again."""

_ERASING_ATTRIBUTES: Final = frozenset((ClassId.PROFILE_GENERIC, number) for number in (2, 3, 4, 8))


def refused_for_good(change: Change) -> str | None:
    """Return why this change is never made, None where it may be."""
    match change:
        case MethodCall(class_id=class_id, method=method) if (class_id, method) in _ERASING:
            return "it erases what the meter has stored, for good"
        case AttributeChange(attribute=one) if (one.class_id, one.number) in _ERASING_ATTRIBUTES:
            return "it erases what the meter has stored, for good"
        case _:
            return None


class WritingConversation(Conversation):
    """A conversation that makes changes, once each, in their order. Raises ``PermissionError`` for others than permitted."""

    def __init__(
        self, link: Link, security: Security, changes: tuple[Change, ...], permission: WritePermission
    ) -> None:
        if not permission.covers(changes):
            raise PermissionError("these are not the changes that the owner has permitted")
        for change in changes:
            if (reason := refused_for_good(change)) is not None:
                raise PermissionError(f"a change is never made: {reason}")
        super().__init__(link, Association(security, conformance=PROPOSED | Conformance.SET))
        for change in changes:
            match change:
                case AttributeChange(attribute=attribute, data=data):
                    self._work.append((attribute, data))
                case MethodCall(class_id=class_id, name=name, method=method, data=data):
                    self._work.append((class_id, name, method, data))
