"""What can go wrong on the text side. No HTTP here: `service.api.problems` maps these."""


class OtklikError(Exception):
    """Base of the errors whose message is written for the user: what was found, what to do."""


class TaxonomyError(OtklikError):
    """The taxonomy file breaks a rule; the message names file, line and remedy."""


class ArtefactError(OtklikError):
    """A model folder is missing, damaged or made by something incompatible."""
