"""The service: meters read by their schedules, readings handed to the broker. The only module that knows both ends."""
