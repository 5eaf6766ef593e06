"""Doors to the world: journal, stores, sockets, notifiers, clock. They obey; they never decide."""
