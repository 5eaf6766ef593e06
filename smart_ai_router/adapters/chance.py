"""The one door to randomness of the hot path. Secrets are made in `secrets.py`, not here."""

import random


class SystemChance:
    """Implements `core.gateway.Chance` with a generator seeded by the system."""

    def __init__(self) -> None:
        generator = random.Random()  # noqa: S311 - for load spreading and readable ids, not for secrets
        self.fraction = generator.random
        self._bits = generator.getrandbits

    def bits(self) -> int:
        return self._bits(32)
