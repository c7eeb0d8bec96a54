# What this suite does. Sourced by run_suite.sh, which has set SUITE and PREFIX.
# shellcheck shell=bash

prep_suite() {
    sed -e "s,@SUITE@,$SUITE,g" "$SUITE/init.json.in" > "$SUITE/init.json"
    # in an address, where a space would begin another one
    sed -e "s,@SUITE@,${SUITE// /%20},g" "$SUITE/reposync-config.repo.in" > "$SUITE/reposync-config.repo"
    "$SUITE/packages/build.sh"
}

run_suite() {
    local scenario scenarios
    mapfile -t scenarios < <(find "$SUITE/test-scenarios" -name '[0-9]*.py' -o -name '[0-9]*.mjs' | sort)
    env_init
    env_repo_setup
    env_start
    start_engine_api
    env_deploy
    for scenario in "${scenarios[@]}"; do
        printf 'Running script  %s\n' "${scenario##*/}"
        env_run_test "$scenario"
        env_collect "$PREFIX/test_logs/post-${scenario##*/}"
    done
}

# The small guests run no engine. ENGINE_API, when set, is a program that speaks its REST API; port 443 of the engine's
# guest leads to it (see packages/ovirt-engine). A real suite has no such function.
start_engine_api() {
    [[ -n ${ENGINE_API:-} ]] || return 0
    local gateway
    gateway=$(sed -n 's/.*"gw": *"\([^"]*\)".*/\1/p' "$PREFIX/virt/net-lago")
    $ENGINE_API --address "$gateway" --port 8443 --state "$PREFIX/engine-api.json" > "$PREFIX/logs/engine-api.log" 2>&1 &
    # shellcheck disable=SC2064 # this process, not a later one
    trap "kill $!" EXIT
}
