"""Alembic's scripts, carried inside the package; `service.store.migrate` runs them."""
