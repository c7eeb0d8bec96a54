# Programs that take long: their output in a log, and their end when ours comes.

child=

# Runs a command in a process group of its own, with its output in the log. bash would put a signal off until
# the command ends, but not while it waits.
run_logged() {
    local status=0
    set -m
    "$@" < /dev/null >> log 2>&1 &
    set +m
    child=$!
    wait "$child" || status=$?
    child=
    return "$status"
}

# Dies with the last lines of the log.
die_logged() {
    tail -n 15 log >&2
    die "$@"
}

# All of the group, since mmdebstrap waits for its children. They get 10 s to clean up.
stop_child() {
    local tries=100
    [[ -n $child ]] || return 0
    kill -TERM -- "-$child" 2> /dev/null || return 0
    while kill -0 -- "-$child" 2> /dev/null; do
        ((tries-- > 0)) || kill -KILL -- "-$child"
        sleep 0.1
    done
}
