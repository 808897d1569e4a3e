"""The meter's end of an association, for tests and the simulator: objects that answer, at every level of security."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from . import acse, axdr, services, short_names
from .acse import Context
from .association import CURRENT_ASSOCIATION
from .axdr import Data, Tag
from .buffer import Reader, length_of
from .ciphering import Cipher, Envelope, envelope_of, is_ciphered
from .errors import DecodeError, RepeatedError
from .security import NOTHING, TITLE_LENGTH, Control, Keys, Level, Pass, challenge
from .services import AccessResult, Attribute, Conformance, Initiate

Value = Data | Callable[[tuple[int, Data] | None], Data]
"""What an attribute holds, or what gives it for a selection."""

_OFFERED: Final = (
    Conformance.GET
    | Conformance.SET
    | Conformance.ACTION
    | Conformance.BLOCK_TRANSFER_WITH_GET
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.SELECTIVE_ACCESS
    | Conformance.GENERAL_PROTECTION
)
_OFFERED_SHORT: Final = Conformance.READ | Conformance.PARAMETERIZED_ACCESS


@dataclass(frozen=True, slots=True)
class MeterSecurity:
    """What the meter asks of a client. ``must``: how messages must be protected at least."""

    level: Level = Level.LOWEST
    secret: bytes = field(default=b"", repr=False)
    keys: Keys | None = None
    must: Control = NOTHING
    title: bytes = b"OBG\x00\x00\x00\x00\x01"


class MeterAssociation:
    """Answers messages. ``objects``: values by interface class, logical name and attribute."""

    def __init__(
        self,
        objects: Mapping[tuple[int, bytes, int], Value],
        security: MeterSecurity,
        *,
        offered: Conformance = _OFFERED,
        most: int = 1024,
        bases: Mapping[int, tuple[int, bytes]] | None = None,
    ) -> None:
        self.objects = dict(objects)
        self.bases = dict(bases or {})
        """Class and logical name by base name: a meter that refers to objects by short names."""
        self.security = security
        self.written: list[tuple[Attribute, Data]] = []
        self.acted: list[tuple[int, bytes, int]] = []
        self._offered = offered | (_OFFERED_SHORT if bases else Conformance(0))
        self._most = most
        self._counter = 1
        self._least_counter = 0
        self._reset()

    def _reset(self) -> None:
        self._open = False
        self._proving: Pass | None = None
        self._own: Pass | None = None
        self._cipher: Cipher | None = None
        self._client_most = 0xFFFF
        self._long: tuple[bytes, int] | None = None
        self._level = Level.LOWEST
        self._invoke = services.INVOKE
        """Answers carry the number of their request."""

    @property
    def expected_counter(self) -> int:
        """The lowest invocation counter that is still taken."""
        return self._least_counter

    def expect_counter(self, least: int) -> None:
        """Take no counter below ``least``."""
        self._least_counter = least

    def reset(self) -> None:
        """Be as after the link was closed."""
        self._reset()

    def answer(self, message: bytes) -> bytes | None:
        """Return the answer to a message, None where there is none."""
        if not message:
            return None
        try:
            if message[:1] == bytes((acse.AARQ,)):
                return self._opened(acse.decode_request(message))
            if message[:1] == bytes((acse.RLRQ,)):
                self._reset()
                return acse.release_response()
            if not self._open and self._proving is None:
                return b"\xd8\x01\x01"
            plain = message
            if self._cipher is not None:
                plain = self._cipher.open(message)
                # Answers come in the form of their requests.
                self._cipher.envelope = envelope_of(message[0])
                self._least_counter = self._cipher.other_counter + 1
            elif is_ciphered(message[0]):
                return b"\xd8\x01\x05"
            answer = self._served(plain)
        except RepeatedError:
            return b"\xd8\x01\x06" + self._least_counter.to_bytes(4, "big")
        except DecodeError:
            deciphering = message[:1] == bytes((acse.AARQ,)) or (message[:1] != b"" and is_ciphered(message[0]))
            return b"\xd8\x01\x05" if deciphering else b"\xd8\x01\x02"
        return answer if self._cipher is None else self._cipher.seal(answer)

    # --- opening

    def _opened(self, request: acse.Request) -> bytes:
        self._reset()
        security = self.security
        context = Context.LN_CIPHERED if security.must else request.context
        if request.context.short_names != bool(self.bases) or (security.must and not request.context.ciphered):
            return self._refused(request, 2)
        if request.context.short_names:
            context = request.context
        if request.level is not security.level:
            return self._refused(request, 14 if request.level is Level.LOWEST else 11)
        if request.level is Level.LOW and request.value != security.secret:
            return self._refused(request, 13)
        titled = request.context.ciphered or security.level is Level.GMAC
        if titled and len(request.title or b"") != TITLE_LENGTH:
            return self._refused(request, 3)
        user = request.user
        if request.context.ciphered and security.keys is not None:
            self._cipher = Cipher(
                security.keys,
                security.must or Control.AUTHENTICATED | Control.ENCRYPTED,
                Envelope.GLOBAL,
                security.title,
                request.title or b"",
                self._counter,
                self._least_counter - 1,
            )
            user = self._cipher.open(user)
            self._least_counter = self._cipher.other_counter + 1
        initiate = services.decode_initiate_request(user)
        self._client_most = initiate.most or 0xFFFF
        granted = self._offered & initiate.conformance
        answer = Initiate(granted, self._most).response()
        if self._cipher is not None:
            if initiate.dedicated is not None and security.keys is not None:
                keys = Keys(security.keys.encryption, security.keys.authentication, initiate.dedicated)
                self._cipher.keys, self._cipher.envelope = keys, Envelope.DEDICATED
            answer = self._cipher.seal(answer)
        given = b""
        if security.level.high:
            given = challenge()
            client, own = request.title or b"", security.title
            self._proving = Pass(security.level, given, request.value, client, own, security.secret, security.keys)
            self._own = Pass(security.level, request.value, given, own, client, security.secret, security.keys)
        self._open = not security.level.high
        self._level = security.level
        diagnostic = acse.ACCEPTED_SO_FAR if security.level.high else 0
        title = security.title if security.must or security.level.high else None
        return acse.Response(True, diagnostic, False, context, security.level, given, title, answer).encode()  # noqa: FBT003

    def _refused(self, request: acse.Request, diagnostic: int) -> bytes:
        return acse.Response(False, diagnostic, context=request.context).encode()  # noqa: FBT003

    # --- serving

    def _served(self, plain: bytes) -> bytes:
        reader = Reader(plain)
        tag, kind = reader.octet(), reader.octet()
        if tag == 0x05:
            return self._read(kind, reader)
        self._invoke = reader.octet()
        if self._proving is not None and tag != 0xC3:
            return b"\xd8\x01\x01"
        match tag, kind:
            case 0xC0, 1:
                return self._got(reader)
            case 0xC0, 2:
                return self._next_block(reader.unsigned(4))
            case 0xC0, 3:
                return self._got_list(reader)
            case 0xC1, 1:
                attribute, data = services.read_attribute(reader), axdr.read(reader)
                self.written.append((attribute, data))
                return bytes((0xC5, 1, self._invoke, 0))
            case 0xC3, 1:
                return self._acted(reader)
            case _:
                return b"\xd8\x01\x02"

    def _got(self, reader: Reader) -> bytes:
        attribute = services.read_attribute(reader)
        value = self._value(attribute)
        if isinstance(value, AccessResult):
            return bytes((0xC4, 1, self._invoke, 1, value))
        octets = axdr.encode(value)
        if len(octets) + 4 <= self._room:
            return bytes((0xC4, 1, self._invoke, 0)) + octets
        self._long = octets, 0
        return self._next_block(0)

    def _got_list(self, reader: Reader) -> bytes:
        results = b""
        count = reader.length()
        for _ in range(count):
            value = self._value(services.read_attribute(reader))
            results += bytes((1, value)) if isinstance(value, AccessResult) else b"\x00" + axdr.encode(value)
        results = length_of(count) + results
        if len(results) + 3 <= self._room:
            return bytes((0xC4, 3, self._invoke)) + results
        self._long = results, 0
        return self._next_block(0)

    @property
    def _room(self) -> int:
        return min(self._client_most, self._most) - 40

    def _next_block(self, number: int) -> bytes:
        if self._long is None or number != self._long[1]:
            return (
                bytes((0xC4, 2, self._invoke, 1))
                + number.to_bytes(4, "big")
                + bytes((1, AccessResult.NO_LONG_GET_IN_PROGRESS))
            )
        octets, _ = self._long
        size = max(1, self._room - 12)
        block, rest = octets[:size], octets[size:]
        self._long = (rest, number + 1) if rest else None
        head = bytes((0xC4, 2, self._invoke, 0 if rest else 1)) + (number + 1).to_bytes(4, "big") + b"\x00"
        return head + length_of(len(block)) + block

    def _read(self, count: int, reader: Reader) -> bytes:
        """Answer a READ by short names."""
        results = b""
        for _ in range(count):
            kind, name = reader.octet(), reader.unsigned(2)
            if kind == 5:
                return self._next_short_block(name)
            selector = (reader.octet(), axdr.read(reader)) if kind == 4 else None
            if self._proving is not None:
                if name != short_names.REPLY_TO_HLS or selector is None:
                    return b"\xd8\x01\x01"
                proof = self._proved(selector[1])
                return b"\x0c\x01" + (b"\x01\x03" if proof is None else b"\x00" + axdr.encode(proof))
            value = self._short(name, selector)
            results += bytes((1, value)) if isinstance(value, AccessResult) else b"\x00" + axdr.encode(value)
        answer = bytes((count,)) + results
        if len(answer) + 1 <= self._room:
            return b"\x0c" + answer
        self._long = answer, 0
        return self._next_short_block(0)

    def _next_short_block(self, number: int) -> bytes:
        if self._long is None or number != self._long[1]:
            return bytes((0x0C, 1, 1, AccessResult.DATA_BLOCK_NUMBER_INVALID))
        octets, _ = self._long
        size = max(1, self._room - 12)
        block, rest = octets[:size], octets[size:]
        self._long = (rest, number + 1) if rest else None
        head = bytes((0x0C, 1, 2, 0 if rest else 1)) + (number + 1).to_bytes(2, "big")
        return head + length_of(len(block)) + block

    def _short(self, name: int, selector: tuple[int, Data] | None) -> Data | AccessResult:
        base, offset = next(((base, name - base) for base in self.bases if 0 <= name - base < 96), (0, 0))
        if not base or offset % 8:
            return AccessResult.OBJECT_UNDEFINED
        class_id, logical = self.bases[base]
        return self._value(Attribute(class_id, logical, offset // 8 + 1, selector))

    def _value(self, attribute: Attribute) -> Data | AccessResult:
        key = attribute.class_id, attribute.name, attribute.number
        if key not in self.objects:
            known = any(name == attribute.name for _, name, _ in self.objects)
            return AccessResult.READ_WRITE_DENIED if known else AccessResult.OBJECT_UNDEFINED
        value = self.objects[key]
        return value if isinstance(value, Data) else value(attribute.selector)

    def _acted(self, reader: Reader) -> bytes:
        class_id, name, method = reader.unsigned(2), reader.take(6), reader.octet()
        data = axdr.read(reader) if reader.octet() else None
        if self._proving is not None and (class_id, name, method) == (15, CURRENT_ASSOCIATION, 1):
            proof = self._proved(data)
            if proof is None:
                return bytes((0xC7, 1, self._invoke, 3, 0))
            return bytes((0xC7, 1, self._invoke, 0, 1, 0)) + axdr.encode(proof)
        if self._proving is not None:
            return b"\xd8\x01\x01"
        self.acted.append((class_id, name, method))
        return bytes((0xC7, 1, self._invoke, 0, 0))

    def _proved(self, data: Data | None) -> Data | None:
        """Return this end's own proof where the client's is right."""
        proving, own, self._proving = self._proving, self._own, None
        if data is None or proving is None or own is None or not proving.right(data.octets):
            return None
        self._open = True
        counter = 0
        if self._level is Level.GMAC:
            counter = self._cipher.next_counter() if self._cipher is not None else self._counter
            self._counter += 1
        return Data(Tag.OCTET_STRING, own.answer(counter))
