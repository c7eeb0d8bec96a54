#!/bin/bash
# Runs a suite: makes an environment of its init file, deploys it, runs its scenarios one by one and collects the logs.
# What is done, and in which order, is up to the suite's control.sh, which finds here the functions env_*.

set -euo pipefail

CLI=${CLI:-lagocli}
readonly CLI

usage() {
    cat << 'END'
usage: run_suite.sh SUITE [options]

Runs the suite in the directory SUITE
  -o, --output PATH     deploy the environment at PATH (default: deployment-SUITE here); what is there is removed
  -e, --engine PATH     build the engine from the sources at PATH
  -v, --vdsm PATH       build VDSM from the sources at PATH
  -i, --ioprocess PATH  build ioprocess from the sources at PATH
  -c, --cleanup         only stop what an earlier run has left running, and clean up its environment
  -h, --help            show this help

ENGINE_BUILD_GWT, when not empty, has the engine built with its web interface.
CLI says which program to call (default: lagocli).
END
}

die() {
    printf 'ERROR: %s\n' "$1" >&2
    exit 1
}

parse_arguments() {
    suite='' prefix='' do_cleanup=''
    ENGINE_DIR='' VDSM_DIR='' IOPROCESS_DIR=''
    local parsed
    parsed=$(getopt -n run_suite.sh -o ho:e:v:i:c -l help,output:,engine:,vdsm:,ioprocess:,cleanup -- "$@") || {
        usage >&2
        exit 1
    }
    eval set -- "$parsed"
    while [[ $1 != -- ]]; do
        case $1 in
            -o | --output) prefix=$(realpath -m "$2") ;;
            -e | --engine) ENGINE_DIR=$(source_dir "$1" "$2") ;;
            -v | --vdsm) VDSM_DIR=$(source_dir "$1" "$2") ;;
            -i | --ioprocess) IOPROCESS_DIR=$(source_dir "$1" "$2") ;;
            -c | --cleanup) do_cleanup=true && shift && continue ;;
            -h | --help) usage && exit ;;
        esac
        shift 2
    done
    (($# <= 2)) || die 'one suite at a time'
    suite=${2:-}
}

source_dir() {
    [[ -d $2 ]] || die "$1 wants a directory with sources, and $2 is none"
    realpath "$2"
}

check_suite() {
    if [[ -z $suite ]]; then
        printf 'ERROR: no suite passed\n' >&2
        usage >&2
        exit 1
    fi
    [[ -d $suite ]] || die "Suite $suite not found or is not a dir"
    [[ -f $suite/control.sh ]] || die "Suite $suite has no control.sh"
    SUITE=$(realpath "$suite")
    PREFIX=${prefix:-$PWD/deployment-${SUITE##*/}}
    export SUITE PREFIX
}

env_init() {
    $CLI init "$PREFIX" "$SUITE/init.json" --template-repo-path "$SUITE/template-repo.json"
}

env_repo_setup() {
    local gwt=()
    [[ -z ${ENGINE_BUILD_GWT:-} ]] || gwt=(--engine-with-gwt)
    in_prefix ovirt reposetup \
        --reposync-yum-config "$SUITE/reposync-config.repo" \
        --engine-dir="$ENGINE_DIR" "${gwt[@]}" \
        --vdsm-dir="$VDSM_DIR" \
        --ioprocess-dir="$IOPROCESS_DIR"
}

env_start() {
    in_prefix start
}

env_deploy() {
    in_prefix ovirt deploy
}

env_run_test() {
    in_prefix ovirt runtest "$1"
}

env_collect() {
    in_prefix ovirt collect --output "$1"
}

env_cleanup() {
    printf '======== Cleaning up\n'
    if [[ ! -e $PREFIX/.lago && ! -e $PREFIX/current ]]; then
        printf 'there is no environment to clean up at %s\n' "$PREFIX"
    elif ! in_prefix cleanup; then
        # What bears Lago's mark and belongs to no environment any more, and nothing else.
        printf '======== Cleanup failed, looking for what it has left\n' >&2
        $CLI gc --yes
    fi
}

# Runs a verb as the guide does: inside the prefix.
in_prefix() {
    (cd "$PREFIX" && $CLI "$@")
}

# An environment of an earlier run goes with its machines; what is none, or cannot be destroyed, stays.
remove_prefix() {
    [[ -e $PREFIX ]] || return 0
    if rmdir "$PREFIX" 2> /dev/null; then return; fi
    [[ -e $PREFIX/uuid || -e $PREFIX/current ]] ||
        die "$PREFIX is there, and is no environment: remove it, or choose another place with -o"
    # by name: no other environment, in a workdir above, is meant
    local what=(--prefix-path "$PREFIX" destroy --yes)
    [[ ! -e $PREFIX/current ]] || what=(--workdir-path "$PREFIX" destroy --yes --all-prefixes)
    $CLI "${what[@]}" ||
        die "the environment at $PREFIX was not destroyed (see above): mend that, or choose another place with -o"
    rm -rf "$PREFIX"
}

main() {
    parse_arguments "$@"
    check_suite
    if [[ -n $do_cleanup ]]; then
        env_cleanup
        return
    fi
    printf 'Running suite found in %s\n' "$SUITE"
    printf 'Environment will be deployed at %s\n' "$PREFIX"
    remove_prefix
    # shellcheck source=basic/control.sh
    source "$SUITE/control.sh"
    prep_suite
    run_suite
}

main "$@"
