"""Readings to an MQTT broker: Home Assistant's discovery documents, states and events; commands back."""
