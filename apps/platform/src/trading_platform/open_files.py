"""How many files and sockets this process may have open, and how many of them may be connections.

A connection costs a descriptor and needs no credentials. Whoever opens many must not take those that the log and the
read models need: a file that cannot be opened stops the platform.
"""

import resource

# The log, its snapshots, the read models (each with its write-ahead log), the servers, and calls between services.
FILES_RESERVED = 256
CONNECTIONS_MIN = 64
GRPC_CONNECTIONS_MAX = 1_000
# A hard limit that is no number, or more than the kernel grants one process, is not taken whole.
FILES_WANTED_MAX = 1 << 20


def raise_limit() -> int:
    """Raise the soft limit to the hard one, as far as the kernel lets us; how many may be open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            return soft
        return wanted
    return FILES_WANTED_MAX if soft == resource.RLIM_INFINITY else soft


def grpc_connections_within(files_max: int) -> int:
    """A quarter of what `files_max` open files leave to connections; callers are few, as a process needs one."""
    return min(GRPC_CONNECTIONS_MAX, max(0, files_max - FILES_RESERVED) // 4)


def connections_within(files_max: int, wanted: int, grpc: int = 0) -> int:
    """At most `wanted` HTTP connections, of which `files_max` open files leave what is reserved and what gRPC may take;
    OSError if that is too few to serve anybody."""
    left = files_max - FILES_RESERVED
    if left < CONNECTIONS_MIN:
        needed = FILES_RESERVED + CONNECTIONS_MIN
        raise OSError(f"this process may open {files_max} files, and needs at least {needed}: raise it (ulimit -n)")
    return min(wanted, left - grpc)
