"""What can go wrong on the way out, in words for the user."""

from datetime import datetime

from service.nlp.errors import OtklikError


class ClientError(OtklikError):
    """A call to another system failed; the message names the system and what it said."""


class ForbiddenAddressError(ClientError):
    """The address must not be reached: it is private, or it is none."""


class UnreachableError(ClientError):
    """No answer came: no connection, a broken one, or too late. The call may have been carried out."""


class RefusedError(ClientError):
    """The other system refused the call; the same call will be refused again."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class LimitReachedError(ClientError):
    """The other system wants no more calls before `until`."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until
