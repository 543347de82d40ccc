"""Errors of the engine."""


class FlowError(Exception):
    """The flow cannot continue, because of a bug or a revision that should not have been published."""


class EndlessFlowError(FlowError):
    """The flow loops without asking a question."""
