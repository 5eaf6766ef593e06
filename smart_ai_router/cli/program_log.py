"""The program's log: one line per event on standard error, times in UTC. Calls stand in the journal, not here."""

import logging
import time

FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(process_name)s %(name)s: %(message)s"


def start_program_log(level: str, process_name: str) -> None:
    """Send everything from `level` on to standard error, with the name of this process in each line."""
    formatter = logging.Formatter(FORMAT, "%Y-%m-%dT%H:%M:%S", defaults={"process_name": process_name})
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
