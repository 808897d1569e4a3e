"""paho's client without the libraries of the World Wide Web, which it brings along for proxies alone.

They are 1.4 MB of a small machine's memory, and asked for where PySocks is there as well.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Final

_WEB: Final = "urllib.request"


def _load() -> ModuleType:
    if _WEB in sys.modules or find_spec("socks") is not None:
        return import_module("paho.mqtt.client")
    sys.modules[_WEB] = ModuleType(_WEB)
    try:
        return import_module("paho.mqtt.client")
    finally:
        del sys.modules[_WEB]


if TYPE_CHECKING:
    from paho.mqtt.client import Client
else:
    Client = _load().Client

__all__ = ["Client"]
