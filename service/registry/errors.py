"""What can go wrong when models change hands, in words for the user."""

from service.nlp.errors import OtklikError


class RegistryError(OtklikError):
    """A promotion or rollback that cannot be done; what was in use stays in use."""


class GateError(RegistryError):
    """A candidate that may not be promoted without force."""


class JournalError(RegistryError):
    """The promotion journal is not as it was written."""
