"""The front door: the `puhui` command, the ASGI app, the Celery app, the embedded servers, the demo city."""
