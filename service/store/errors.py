"""What can go wrong in the store, in words for the user."""

from service.nlp.errors import OtklikError


class StoreError(OtklikError):
    """The store cannot be used as it is; the message says what to do."""


class StoreUnavailableError(StoreError):
    """The database does not answer now (gone, locked, full); the same call may work later."""
