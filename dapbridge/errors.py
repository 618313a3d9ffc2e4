"""The errors that reach a user. Anything else that is raised is a bug and is logged with its stack."""


class DapbridgeError(Exception):
    """Base of all errors with a text meant for a person."""


class UserError(DapbridgeError):
    """One sentence that says what is wrong and what to do; shown by the IDE as it is."""


class UnavailableError(UserError):
    """The place where targets run can't be used at all, whatever the target."""


class EngineError(DapbridgeError):
    """The debugger's own words, unchanged."""


class ProtocolError(DapbridgeError):
    """A peer broke a wire protocol; the connection that it came over can't be used any more."""
