"""What can go wrong inside a flow."""


class FlowError(Exception):
    """A flow cannot go on: a fault of the program or of a revision that should not have been published."""


class EndlessFlowError(FlowError):
    """The flow goes round in circles without asking anything."""
