"""What can go wrong in the store, in words for the user."""

from service.nlp.errors import OtklikError


class StoreError(OtklikError):
    """The store cannot be used as it is; the message says what to do."""


class StoreUnavailableError(StoreError):
    """The database does not answer now (gone, locked, full); the same call may work later."""


class MissingError(StoreError):
    """What was asked for is not in the store."""


class InvalidValueError(StoreError):
    """A value is such that the database cannot keep or compare it."""


class InvalidTagsError(StoreError):
    """Tags that a person gave break a rule; the message names the tag."""


class ConflictError(StoreError):
    """What was asked for does not fit what is in the store by now."""
