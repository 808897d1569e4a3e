"""The client's end of an association (IEC 62056-53): opened, used for one request at a time, released. Without a link.

``requests`` come out as messages for the link below, the link's messages go in; what they mean is an event. A refusal is
an answer like others; what cannot be understood ends the association.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from . import acse, axdr, services, short_names
from .acse import Context
from .axdr import Data, Tag
from .block_transfer import GENERAL_BLOCK, BlockCollector
from .buffer import Reader
from .ciphering import Cipher, Envelope, is_ciphered
from .errors import DecodeError
from .security import NOTHING, TITLE_LENGTH, Control, Keys, Level, Pass, challenge
from .services import AccessResult, Attribute, Block, Conformance, GetResult, Initiate, Refusal
from .short_names import NO_NAMES

CURRENT_ASSOCIATION: Final = bytes((0, 0, 40, 0, 0, 255))
_REPLY_TO_HLS: Final = 1

PROPOSED_SHORT: Final = (
    Conformance.READ
    | Conformance.BLOCK_TRANSFER_WITH_GET
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.PARAMETERIZED_ACCESS
    | Conformance.GENERAL_PROTECTION
)
"""What reading by short names needs."""

PROPOSED: Final = (
    Conformance.GET
    | Conformance.BLOCK_TRANSFER_WITH_GET
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.SELECTIVE_ACCESS
    | Conformance.ACTION
    | Conformance.PRIORITY
    | Conformance.GENERAL_PROTECTION
)
"""What reading needs. SET is not among it: a meter then refuses it by itself."""

MOST_BLOCKS: Final = 65_536
LONGEST_ANSWER: Final = 16 * 1024 * 1024
MOST_EMPTY_BLOCKS: Final = 8

MOST_COUNTER: Final = 0xFFFF_FFFF
USED_UP: Final = "the invocation counter is used up: the meter's keys must be changed"


@dataclass(frozen=True, slots=True)
class Security:
    """How a client proves itself and protects messages. ``secret``: password or shared secret.

    ``counter``: the first invocation counter that may be used.
    """

    level: Level = Level.LOWEST
    secret: bytes = field(default=b"", repr=False)
    keys: Keys | None = None
    control: Control = NOTHING
    envelope: Envelope = Envelope.GLOBAL
    title: bytes = b""
    counter: int = 0
    short_names: bool = False
    """Whether objects are referred to by short names."""

    @property
    def context(self) -> Context:
        """The application context that goes with it."""
        if self.short_names:
            return Context.SN_CIPHERED if self.control else Context.SN
        return Context.LN_CIPHERED if self.control else Context.LN


class State(Enum):
    """Where an association stands."""

    CLOSED = auto()
    OPENING = auto()
    PROVING = auto()
    OPEN = auto()
    RELEASING = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Opened:
    """The association is open. ``conformance`` is what the meter grants, ``most`` the longest message it takes."""

    conformance: Conformance
    most: int
    title: bytes | None


@dataclass(frozen=True, slots=True)
class Got:
    """What a GET gave, in the order of what was asked."""

    results: tuple[GetResult, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A SET or ACTION was answered: 0 is success."""

    result: int
    data: Data | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was refused as a whole; the association holds."""

    reason: str
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """The association is released."""


@dataclass(frozen=True, slots=True)
class AssociationFailed:
    """The association could not be opened, or is lost. ``secret_wrong``: trying again may lock the meter."""

    reason: str
    secret_wrong: bool = False
    counter: int | None = None


Event = Opened | Got | Done | Refused | Released | AssociationFailed


class Association:
    """One association. ``outgoing`` is the next message for the link, None where the meter has the word."""

    def __init__(self, security: Security, *, conformance: Conformance | None = None, most: int = 0xFFFF) -> None:
        self.security = security
        self.state = State.CLOSED
        self.granted = Conformance(0)
        self.most = most
        usual = PROPOSED_SHORT if security.short_names else PROPOSED
        self._proposed = usual if conformance is None else conformance
        self.names = NO_NAMES
        """The short names of objects, to be set as soon as they have been read."""
        self._events: list[Event] = []
        self._outgoing: bytes | None = None
        self._challenge = challenge() if security.level.high else b""
        self._meter_challenge = b""
        self._title = b""
        self._cipher: Cipher | None = None
        if security.control and security.keys is not None:
            self._cipher = Cipher(
                security.keys, security.control, security.envelope, security.title, counter=security.counter
            )
        self._own_most = most
        self._asked = 0
        self._blocks = bytearray()
        self._block = self._empty = 0
        self._writing = False
        self._collector = BlockCollector()

    @property
    def counter(self) -> int:
        """The invocation counter of the next message, to be kept."""
        return self.security.counter if self._cipher is None else self._cipher.counter

    @property
    def outgoing(self) -> bytes | None:
        """Take the next message for the link."""
        message, self._outgoing = self._outgoing, None
        return message

    @property
    def idle(self) -> bool:
        """Whether a request may be made."""
        return self.state is State.OPEN and self._outgoing is None and not self._asked and not self._writing

    def events(self) -> list[Event]:
        """Return what happened since the last call."""
        events, self._events = self._events, []
        return events

    # --- requests

    def open(self) -> None:
        """Begin to open the association."""
        security = self.security
        keys = security.keys
        dedicated = None if keys is None or not security.envelope.dedicated else keys.dedicated
        user = self._sealed(Initiate(self._proposed, self._own_most, dedicated).request())
        if user is None:
            return
        value = self._challenge if security.level.high else security.secret
        title = security.title if security.control or security.level in {Level.GMAC, Level.SHA256} else None
        self.state = State.OPENING
        self._outgoing = acse.Request(security.context, user, security.level, value, title or None).encode()

    def get(self, *attributes: Attribute) -> None:
        """Ask for attributes; several at once only where the meter granted that."""
        self._must_be_idle()
        self._asked = len(attributes)
        self._blocks.clear()
        self._block = self._empty = 0
        if self.security.short_names:
            self._ask(short_names.read_request([(self.names.of(one), one.selector) for one in attributes]))
        elif len(attributes) == 1:
            self._ask(services.get_request(attributes[0]))
        else:
            self._ask(services.get_list_request(attributes))

    def set(self, attribute: Attribute, data: Data) -> None:
        """Write an attribute."""
        self._must_be_idle()
        self._writing = True
        self._ask(services.set_request(attribute, data))

    def act(self, class_id: int, name: bytes, method: int, data: Data | None = None) -> None:
        """Invoke a method."""
        self._must_be_idle()
        self._writing = True
        self._ask(services.action_request(class_id, name, method, data))

    def release(self) -> None:
        """Begin to release the association."""
        user = b""
        if self._cipher is not None and self.state is not State.OPENING:
            sealed = self._sealed(Initiate(self._proposed, self._own_most).request())
            if sealed is None:
                return
            user = sealed
        self.state = State.RELEASING
        self._asked = 0
        self._writing = False
        self._outgoing = acse.release_request(user or b"")

    def _must_be_idle(self) -> None:
        if not self.idle:
            raise RuntimeError(f"the association is {self.state.name}, or a request is under way")

    def _ask(self, plain: bytes) -> None:
        self._outgoing = self._sealed(plain)

    def _sealed(self, plain: bytes) -> bytes | None:
        """Return a message as it is sent, None where no counter is left for it."""
        if self._cipher is None:
            return plain
        if self._cipher.counter > MOST_COUNTER:
            self._fail(USED_UP)
            return None
        return self._cipher.seal(plain)

    # --- answers

    def receive(self, message: bytes) -> None:
        """Take the meter's message."""
        try:
            if message[:1] != bytes((GENERAL_BLOCK,)):
                self._take(message)
            elif (whole := self._collector.take(message)) is not None:
                self._take(whole)
            else:
                self._outgoing = self._collector.acknowledgement
        except Refusal as refusal:
            self._refused(refusal)
        except DecodeError as error:
            self._fail(f"the meter's answer cannot be understood: {error}")

    def _take(self, message: bytes) -> None:
        match self.state:
            case State.OPENING:
                self._opened(message)
            case State.PROVING:
                self._proved(self._plain(message))
            case State.OPEN if self._asked:
                plain = self._plain(message)
                try:
                    self._got(plain)
                except DecodeError as error:
                    # One attribute that nobody understands is no reason to lose the others.
                    if not self._is_answer(plain):
                        raise
                    raise Refusal(f"the meter's answer cannot be understood: {error}") from error
            case State.OPEN if self._writing:
                self._written(self._plain(message))
            case State.RELEASING:
                self.state = State.CLOSED
                self._events.append(Released())
            case _:
                raise DecodeError("nothing was asked")

    def _plain(self, message: bytes) -> bytes:
        if not message:
            raise DecodeError("an empty message")
        if self._cipher is None:
            if is_ciphered(message[0]):
                raise DecodeError("the message is ciphered, and no keys are configured")
            return message
        return self._cipher.open(message)

    def _is_answer(self, plain: bytes) -> bool:
        return plain[:1] == (b"\x0c" if self.security.short_names else b"\xc4")

    def _refused(self, refusal: Refusal) -> None:
        if self.state is State.OPEN:
            self._asked = 0
            self._writing = False
            self._events.append(Refused(refusal.reason, refusal.counter))
        else:
            # What a meter cannot decipher, it cannot tell from a wrong key.
            wrong_key = self._cipher is not None and refusal.undeciphered
            self._fail(refusal.reason, secret_wrong=wrong_key, counter=refusal.counter)

    def _opened(self, message: bytes) -> None:
        if message[:1] in {b"\xd8", b"\x0e"}:
            raise (
                services.exception_response(message) if message[0] == 0xD8 else Refusal(services.service_error(message))
            )
        answer = acse.decode_response(message)
        if not answer.accepted:
            self._fail(answer.reason, secret_wrong=not answer.by_provider and answer.diagnostic == 13)
            return
        user, self._title = answer.user, self._checked(answer.title or b"")
        if self._cipher is not None:
            self._cipher.other_title = self._title
            user = self._cipher.open(user)
        initiate = services.decode_initiate_response(user)
        self.granted = self._proposed & initiate.conformance
        if missing := self._proposed & (Conformance.GET | Conformance.READ) & ~self.granted:
            self._fail(f"the meter does not grant this client to read ({missing.name})")
            return
        # Zero and small numbers mean: no limit that is known.
        self.most = initiate.most if initiate.most > 11 else 0xFFFF
        if answer.diagnostic != acse.ACCEPTED_SO_FAR and not self.security.level.high:
            self._open()
        elif not self.security.level.high:
            self._fail("the meter asks for high level security, and a lower one is configured")
        elif not answer.value:
            self._fail("the meter sends no challenge for high level security")
        elif answer.value == self._challenge:
            # Whoever does not know the secret could let us answer ourselves.
            self._fail("the meter sends our own challenge back")
        else:
            self._meter_challenge = answer.value
            self._prove()

    def _checked(self, title: bytes) -> bytes:
        """Return the meter's title. Raises DecodeError for one with which it could be anybody."""
        if title and title == self.security.title:
            raise DecodeError("the meter shows this end's own system title")
        titled = self._cipher is not None or self.security.level is Level.GMAC
        if titled and len(title) != TITLE_LENGTH:
            raise DecodeError(f"the meter names no system title of {TITLE_LENGTH} octets")
        return title

    def _open(self) -> None:
        self.state = State.OPEN
        self._events.append(Opened(self.granted, self.most, self._title or None))

    def _prove(self) -> None:
        """Answer the meter's challenge."""
        self.state = State.PROVING
        security = self.security
        proof = Pass(
            security.level,
            self._meter_challenge,
            self._challenge,
            security.title,
            self._title,
            security.secret,
            security.keys,
        )
        counter = 0
        if self.security.level is Level.GMAC:
            if self.counter > MOST_COUNTER:
                self._fail(USED_UP)
                return
            counter = self._cipher.next_counter() if self._cipher is not None else self._own_counter()
        try:
            answer = proof.answer(counter)
        except ValueError as error:
            self._fail(str(error))
            return
        reply = Data(Tag.OCTET_STRING, answer)
        if security.short_names:
            self._ask(short_names.read_request([(short_names.REPLY_TO_HLS, (short_names.METHOD, reply))]))
        else:
            self._ask(services.action_request(15, CURRENT_ASSOCIATION, _REPLY_TO_HLS, reply))

    def _own_counter(self) -> int:
        counter = self.security.counter
        self.security = replace(self.security, counter=counter + 1)
        return counter

    def _proved(self, plain: bytes) -> None:
        """Check the meter's answer to our challenge: it must know the secret as well."""
        result, data = self._method_answer(plain)
        if result or data is None:
            self._fail("the meter does not accept the proof: is the secret or the key right?", secret_wrong=True)
            return
        security = self.security
        expected = Pass(
            security.level,
            self._challenge,
            self._meter_challenge,
            self._title,
            security.title,
            security.secret,
            security.keys,
        )
        if not expected.right(data.octets):
            self._fail("the meter's own proof is wrong: it does not know the secret")
            return
        self._open()

    def _method_answer(self, plain: bytes) -> tuple[int, Data | None]:
        if not self.security.short_names:
            return services.decode_action_response(plain)
        match short_names.decode_read_response(plain):
            case (GetResult(data=data, error=error),):
                return error or 0, data
            case _:
                raise DecodeError("the answer to the proof is none")

    def _got(self, plain: bytes) -> None:
        short = self.security.short_names
        answer = short_names.decode_read_response(plain) if short else services.decode_get_response(plain)
        match answer:
            case Block():
                self._next_block(answer)
            case GetResult():
                self._give((answer,))
            case _:
                self._give(answer)

    def _next_block(self, block: Block) -> None:
        if block.number != self._block + 1:
            raise DecodeError(f"block {block.number} came in place of {self._block + 1}")
        self._block = block.number
        self._blocks += block.octets
        self._empty = 0 if block.octets else self._empty + 1
        if self._empty > MOST_EMPTY_BLOCKS:
            raise DecodeError(f"{self._empty} blocks of nothing, and no end")
        if block.number > MOST_BLOCKS or len(self._blocks) > LONGEST_ANSWER:
            raise DecodeError(f"an answer of more than {len(self._blocks)} octets")
        if not block.last:
            short = self.security.short_names
            ask = short_names.next_block_request if short else services.get_next_request
            self._ask(ask(block.number))
            return
        reader = Reader(bytes(self._blocks))
        self._blocks.clear()
        if self.security.short_names:
            results = short_names.joined_results(reader, self._asked)
        elif self._asked == 1:
            results = (GetResult(axdr.read(reader)),)
        else:
            results = services.read_results(reader)
        reader.padding()
        self._give(results)

    def _give(self, results: tuple[GetResult, ...]) -> None:
        if len(results) != self._asked:
            raise DecodeError(f"{len(results)} results for {self._asked} attributes")
        self._asked = 0
        self._events.append(Got(results))

    def _written(self, plain: bytes) -> None:
        self._writing = False
        if plain[:1] == b"\xc5":
            self._events.append(Done(services.decode_set_response(plain)))
            return
        result, data = services.decode_action_response(plain)
        self._events.append(Done(result, data))

    def _fail(self, reason: str, *, secret_wrong: bool = False, counter: int | None = None) -> None:
        self.state = State.FAILED
        self._asked = 0
        self._writing = False
        self._outgoing = None
        self._events.append(AssociationFailed(reason, secret_wrong, counter))


def succeeded(result: int) -> bool:
    """Tell whether a data-access-result says success."""
    return result == AccessResult.SUCCESS
