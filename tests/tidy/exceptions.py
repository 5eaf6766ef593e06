"""What the checks let pass, each with its reason. A line here that is no longer needed fails the run."""

BROAD_EXCEPTS = {
    "smart_ai_router/adapters/http_connection.py": "the edge of a request: it is answered 500, and the others go on",
    "smart_ai_router/adapters/journal.py": "a mistake in answering one call leaves no other call waiting",
    "smart_ai_router/adapters/upstream_exchange.py": "guards the pool against a mistake in whoever reads the reply",
    "smart_ai_router/app/extensions.py": "the operator's own code may raise anything: that is why it is refused",
    "smart_ai_router/core/alerting.py": "the one guard around notifiers",
    "smart_ai_router/core/bookkeeper.py": "guards the books against who listens to them",
    "smart_ai_router/core/utils/channel_monitor.py": "guards the monitor against an override of _send_alert",
}
HIDDEN_IMPORTS = {
    "smart_ai_router/app/extensions.py": "the configuration names the operator's own modules",
    "smart_ai_router/cli/command_group.py": "a command's module is loaded when it is called: --help stays fast",
}
IMPURE_READS = {
    "smart_ai_router/core/utils/channel_monitor.py": "the guide makes one without arguments: the clock has a default",
    "smart_ai_router/core/utils/usage_tracker.py": "the guide makes one without arguments: clock and ids have defaults",
}
