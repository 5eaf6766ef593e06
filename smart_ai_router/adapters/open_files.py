"""How many files and sockets this process may hold open."""

import resource


def allow_open_files(wanted: int) -> int:
    """Raise the limit of open files to `wanted`, or as far as the system lets; return the limit that holds now.

    The usual soft limit of 1,024 is there for programs that use `select`; the hard limit is what the system means.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft >= wanted:
        return soft
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    except (ValueError, OSError):  # macOS has a second limit that only the attempt reveals
        return soft
    return reachable
