"""Servers we start ourselves on loopback: S3 (``seaweed``) and Prefect (``prefect_server``)."""
