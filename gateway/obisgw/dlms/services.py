"""Services of xDLMS as octets (IEC 62056-53 clause 8): INITIATE, GET, SET, ACTION, and how they are refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from . import axdr
from .axdr import Data
from .buffer import Reader, length_of
from .errors import DecodeError

VERSION: Final = 6
LN_VAA: Final = 0x0007
SN_VAA: Final = 0xFA00
INVOKE: Final = 0xC1
"""Confirmed, high priority, number 1: one request is under way at a time."""


class Conformance(IntFlag):
    """What a client asks for and a meter offers: bit 0 of the standard is the highest here."""

    GENERAL_PROTECTION = 1 << 22
    GENERAL_BLOCK_TRANSFER = 1 << 21
    READ = 1 << 20
    WRITE = 1 << 19
    UNCONFIRMED_WRITE = 1 << 18
    ATTRIBUTE_0_WITH_SET = 1 << 15
    PRIORITY = 1 << 14
    ATTRIBUTE_0_WITH_GET = 1 << 13
    BLOCK_TRANSFER_WITH_GET = 1 << 12
    BLOCK_TRANSFER_WITH_SET = 1 << 11
    BLOCK_TRANSFER_WITH_ACTION = 1 << 10
    MULTIPLE_REFERENCES = 1 << 9
    INFORMATION_REPORT = 1 << 8
    DATA_NOTIFICATION = 1 << 7
    ACCESS = 1 << 6
    PARAMETERIZED_ACCESS = 1 << 5
    GET = 1 << 4
    SET = 1 << 3
    SELECTIVE_ACCESS = 1 << 2
    EVENT_NOTIFICATION = 1 << 1
    ACTION = 1


class AccessResult(IntEnum):
    """Why an attribute is not given or taken (data-access-result)."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 9
    OBJECT_UNAVAILABLE = 11
    TYPE_UNMATCHED = 12
    SCOPE_OF_ACCESS_VIOLATED = 13
    DATA_BLOCK_UNAVAILABLE = 14
    LONG_GET_ABORTED = 15
    NO_LONG_GET_IN_PROGRESS = 16
    LONG_SET_ABORTED = 17
    NO_LONG_SET_IN_PROGRESS = 18
    DATA_BLOCK_NUMBER_INVALID = 19
    OTHER_REASON = 250

    @property
    def words(self) -> str:
        """The reason as people read it."""
        return self.name.lower().replace("_", " ")


def access_result(code: int) -> str:
    """Return a data-access-result in words."""
    try:
        return AccessResult(code).words
    except ValueError:
        return f"access result {code}"


@dataclass(frozen=True, slots=True)
class Initiate:
    """InitiateRequest and InitiateResponse. ``most``: octets of the longest message that may be sent to its sender."""

    conformance: Conformance
    most: int = 0xFFFF
    dedicated: bytes | None = None
    vaa: int = LN_VAA

    def request(self) -> bytes:
        """Return the request."""
        key = b"\x00" if self.dedicated is None else b"\x01" + length_of(len(self.dedicated)) + self.dedicated
        return b"\x01" + key + b"\x00\x00" + bytes((VERSION,)) + self._conformance() + self.most.to_bytes(2, "big")

    def response(self) -> bytes:
        """Return the response."""
        return (
            b"\x08\x00"
            + bytes((VERSION,))
            + self._conformance()
            + self.most.to_bytes(2, "big")
            + self.vaa.to_bytes(2, "big")
        )

    def _conformance(self) -> bytes:
        return b"\x5f\x1f\x04\x00" + int(self.conformance).to_bytes(3, "big")


def decode_initiate_request(octets: bytes) -> Initiate:
    """Return a request. Raises DecodeError."""
    reader = Reader(octets)
    if reader.octet() != 1:
        raise DecodeError("no InitiateRequest")
    dedicated = reader.take(reader.length()) if reader.octet() else None
    if reader.octet():
        reader.octet()
    if reader.octet():
        reader.octet()
    reader.octet()
    return Initiate(_conformance(reader), reader.unsigned(2), dedicated)


def decode_initiate_response(octets: bytes) -> Initiate:
    """Return a response. Raises DecodeError, with the reason where the meter refused."""
    reader = Reader(octets)
    match reader.octet():
        case 0x08:
            if reader.octet():
                reader.octet()
            version = reader.octet()
            if version != VERSION:
                raise DecodeError(f"the meter speaks version {version} of DLMS")
            return Initiate(_conformance(reader), reader.unsigned(2), None, reader.unsigned(2))
        case 0x0E:
            raise DecodeError(f"the meter refuses: {service_error(octets)}")
        case other:
            raise DecodeError(f"no InitiateResponse: it begins with {other:02X}")


def _conformance(reader: Reader) -> Conformance:
    tag = reader.octet()
    if tag == 0x5F and reader.peek() == 0x1F:
        reader.octet()
    elif tag != 0x5F:
        raise DecodeError("the conformance is missing")
    if reader.length() != 4:
        raise DecodeError("the conformance has not four octets")
    reader.octet()
    return Conformance(reader.unsigned(3) & 0x7FFFFF)


_ERROR_KINDS: Final = {
    0: ("application reference", {0: "other", 1: "time elapsed", 2: "application unreachable", 3: "invalid reference", 4: "application context unsupported", 5: "provider communication error", 6: "deciphering error"}),
    1: ("hardware resource", {0: "other", 1: "memory unavailable", 2: "processor unavailable", 3: "mass storage unavailable", 4: "other resource unavailable"}),
    2: ("VDE state", {0: "other", 1: "no DLMS context", 2: "loading data set", 3: "status no change", 4: "status inoperable"}),
    3: ("service", {0: "other", 1: "PDU size", 2: "service unsupported"}),
    4: ("definition", {0: "other", 1: "object undefined", 2: "object class inconsistent", 3: "object attribute inconsistent"}),
    5: ("access", {0: "other", 1: "scope of access violated", 2: "object access invalid", 3: "hardware fault", 4: "object unavailable"}),
    6: ("initiate", {0: "other", 1: "DLMS version too low", 2: "incompatible conformance", 3: "PDU size too short", 4: "refused by the VDE handler"}),
}  # fmt: skip


def service_error(octets: bytes) -> str:
    """Return a confirmedServiceError in words."""
    if len(octets) < 4:
        return f"confirmed service error {octets.hex()}"
    kind, reasons = _ERROR_KINDS.get(octets[2], (f"kind {octets[2]}", {}))
    return f"{kind}: {reasons.get(octets[3], octets[3])}"


_STATES: Final = {1: "service not allowed", 2: "service unknown"}
_DECIPHERING: Final = 5
_SERVICES: Final = {
    1: "operation not possible",
    2: "service not supported",
    3: "other reason",
    4: "message too long",
    5: "deciphering error",
    6: "invocation counter error",
}


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818 - what the meter answers, no fault of ours
    """The meter answers that it will not. ``counter`` is the invocation counter that it expects, where it says so."""

    reason: str
    counter: int | None = None
    undeciphered: bool = False

    def __str__(self) -> str:
        return self.reason


def exception_response(octets: bytes) -> Refusal:
    """Return what an ExceptionResponse says."""
    if len(octets) < 3:
        return Refusal(f"exception {octets.hex()}")
    state, service = octets[1], octets[2]
    words = f"{_STATES.get(state, f'state {state}')}, {_SERVICES.get(service, f'reason {service}')}"
    counter = int.from_bytes(octets[3:7], "big") if service == 6 and len(octets) >= 7 else None
    return Refusal(words, counter, undeciphered=service == _DECIPHERING)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an object: interface class, logical name (six octets), number. ``selector`` limits what is read."""

    class_id: int
    name: bytes
    number: int
    selector: tuple[int, Data] | None = None

    def encode(self) -> bytes:
        """Return the reference as it stands in requests, with the selection."""
        head = self.class_id.to_bytes(2, "big") + self.name + bytes((self.number,))
        if self.selector is None:
            return head + b"\x00"
        return head + b"\x01" + bytes((self.selector[0],)) + axdr.encode(self.selector[1])

    def __str__(self) -> str:
        a, b, c, d, e, f = self.name
        return f"{a}-{b}:{c}.{d}.{e}*{f} attribute {self.number} of class {self.class_id}"


def read_attribute(reader: Reader) -> Attribute:
    """Return a reference from a request."""
    class_id, name, number = reader.unsigned(2), reader.take(6), reader.octet()
    selector = (reader.octet(), axdr.read(reader)) if reader.octet() else None
    return Attribute(class_id, name, number, selector)


def get_request(attribute: Attribute) -> bytes:
    """Return a request for one attribute."""
    return bytes((0xC0, 1, INVOKE)) + attribute.encode()


def get_list_request(attributes: tuple[Attribute, ...]) -> bytes:
    """Return a request for several attributes."""
    return bytes((0xC0, 3, INVOKE)) + length_of(len(attributes)) + b"".join(one.encode() for one in attributes)


def get_next_request(block: int) -> bytes:
    """Return a request for the block behind ``block``."""
    return bytes((0xC0, 2, INVOKE)) + block.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class GetResult:
    """One attribute's value, or why there is none."""

    data: Data | None
    error: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a long answer."""

    number: int
    last: bool
    octets: bytes


def decode_get_response(octets: bytes) -> GetResult | tuple[GetResult, ...] | Block:
    """Return a GET response. Raises DecodeError, and Refusal for an exception."""
    reader = _response(octets, 0xC4)
    kind = reader.octet()
    reader.octet()
    match kind:
        case 1:
            result = _result(reader)
            reader.padding()
            return result
        case 2:
            last, number = reader.octet() != 0, reader.unsigned(4)
            if reader.octet():
                raise Refusal(f"a block is not given: {access_result(reader.octet())}")
            return Block(number, last, reader.take(reader.length()))
        case 3:
            results = read_results(reader)
            reader.padding()
            return results
        case _:
            raise DecodeError(f"a GET response of kind {kind}")


def read_results(reader: Reader) -> tuple[GetResult, ...]:
    """Return the results of a request for several attributes."""
    count = reader.length()
    if count > reader.left:
        raise DecodeError(f"{count} results in {reader.left} octets")
    return tuple(_result(reader) for _ in range(count))


def _result(reader: Reader) -> GetResult:
    return GetResult(None, reader.octet()) if reader.octet() else GetResult(axdr.read(reader))


def _response(octets: bytes, expected: int) -> Reader:
    reader = Reader(octets)
    tag = reader.octet()
    if tag == expected:
        return reader
    if tag == 0xD8:
        raise exception_response(octets)
    if tag == 0x0E:
        raise Refusal(service_error(octets))
    raise DecodeError(f"an answer begins with {tag:02X} in place of {expected:02X}")


def set_request(attribute: Attribute, data: Data) -> bytes:
    """Return a request to write an attribute."""
    return bytes((0xC1, 1, INVOKE)) + attribute.encode() + axdr.encode(data)


def decode_set_response(octets: bytes) -> int:
    """Return the access result of a SET, 0 for success."""
    reader = _response(octets, 0xC5)
    if (kind := reader.octet()) != 1:
        raise DecodeError(f"a SET response of kind {kind}")
    reader.octet()
    return reader.octet()


def action_request(class_id: int, name: bytes, method: int, data: Data | None) -> bytes:
    """Return a request to invoke a method."""
    head = bytes((0xC3, 1, INVOKE)) + class_id.to_bytes(2, "big") + name + bytes((method,))
    return head + (b"\x00" if data is None else b"\x01" + axdr.encode(data))


def decode_action_response(octets: bytes) -> tuple[int, Data | None]:
    """Return the result of an ACTION, 0 for success, and what it gave."""
    reader = _response(octets, 0xC7)
    if reader.peek() in {2, 3, 4}:
        raise Refusal("the meter answers a method in blocks or lists, which is not supported")
    if (kind := reader.octet()) != 1:
        raise DecodeError(f"an ACTION response of kind {kind}")
    reader.octet()
    result = reader.octet()
    if not reader.left or not reader.octet():
        return result, None
    returned = _result(reader)
    return result if returned.error is None else returned.error, returned.data
