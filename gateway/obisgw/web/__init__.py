"""The API for Home Assistant's integration and the status page: documents, a stream, who may ask, and the server."""
