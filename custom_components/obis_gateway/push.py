"""Listens to the gateway's stream for as long as the entry is loaded. Polling goes on where that fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final

from .client import GatewayAuthError, GatewayVersionError
from .const import LOGGER
from .coordinator import GatewayCoordinator
from .models import Gateway, GatewayError, GatewayResponseError, Welcome

RETRY_FIRST: Final = 1.0
RETRY_LONGEST: Final = 60.0
"""Seconds to the next attempt: twice as long after each that failed."""

STEADY_AFTER: Final = 10.0
"""Seconds for which a subscription must have worked to count: a line that flaps is not taken up each second."""


class Push:
    """One entry's subscription."""

    def __init__(
        self, coordinator: GatewayCoordinator, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._coordinator = coordinator
        self._sleep = sleep
        self._began: float | None = None
        """When the subscription began to work, by the loop's clock; None while there is none."""
        self._mistrusts = False
        self._said = False

    async def run(self) -> None:
        """Keep a subscription up until cancelled, or until the token is not good any more."""
        retry = RETRY_FIRST
        while True:
            reason = await self._listen()
            self._mistrusts = isinstance(reason, GatewayResponseError)
            if self._ended_steadily():
                # Lines break now and then: connecting again is enough.
                retry = RETRY_FIRST
            else:
                await self._look(reason)
            if isinstance(self._coordinator.error, GatewayAuthError):
                return
            # Not all clients of a gateway at the same moment.
            await self._sleep(retry * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
            retry = min(2 * retry, RETRY_LONGEST)

    async def _listen(self) -> GatewayError:
        """Take what the gateway tells; return why it ended."""
        coordinator, known = self._coordinator, self._coordinator.known
        # What could not be understood would come again: then all is asked for anew.
        since, before = None if self._mistrusts else known.heard, known.sequence
        welcome: Gateway | None = None
        try:
            async with aclosing(coordinator.client.stream(known.stream, since)) as messages:
                async for message in messages:
                    if isinstance(message, Welcome):
                        welcome = message.gateway
                        known.look(welcome, before)
                    coordinator.async_take(message)
                    if self._began is not None:
                        self._go_on()
                    elif welcome and known.stream == welcome.stream and known.heard >= welcome.sequence:
                        self._begin()
                    # After an absence thousands may be there at once: others have their turn.
                    await asyncio.sleep(0)
        except GatewayError as error:
            return error
        except Exception as fault:  # noqa: BLE001 - said whole in the log
            if not self._said:
                LOGGER.exception("what %s sent led to a fault; please report this", coordinator.name)
            return GatewayResponseError(str(fault))
        return GatewayResponseError("the stream ended")

    def _begin(self) -> None:
        self._began = asyncio.get_running_loop().time()
        self._coordinator.async_stream_began()

    def _go_on(self) -> None:
        if self._said and self._is_steady():
            self._said = False
            LOGGER.info("%s tells again what happens", self._coordinator.name)

    def _is_steady(self) -> bool:
        return self._began is not None and asyncio.get_running_loop().time() - self._began >= STEADY_AFTER

    def _ended_steadily(self) -> bool:
        steady = self._is_steady()
        self._began = None
        self._coordinator.async_stream_ended()
        return steady

    async def _look(self, reason: GatewayError) -> None:
        """Poll at once: what the stream has not told may tell why."""
        coordinator = self._coordinator
        if coordinator.last_update_success or isinstance(reason, GatewayAuthError | GatewayVersionError):
            await coordinator.async_refresh()
        if coordinator.last_update_success and not self._said:
            self._said = True
            LOGGER.info("%s is asked every half minute, since it does not tell: %s", coordinator.name, reason)
