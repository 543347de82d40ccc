"""How the server says no."""


class Refusal(Exception):
    """Status, words, and what it has to say besides."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters
