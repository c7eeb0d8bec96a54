# What the scripts of the README share: talking, asking, being root.

export PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    shift
    (($#)) && printf '  %s\n' "$@" >&2
    exit 1
}

# Yes without a question when told so by --yes, or when nobody sits at a terminal.
ask() {
    local answer
    [[ -n ${assume_yes:-} || ! -t 0 ]] && return 0
    read -r -p "$1 [Yn] " answer
    [[ -z $answer || $answer == [yY]* ]]
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo here: $*"
    fi
}

check_node() {
    command -v node > /dev/null || die 'Node.js is not here' 'install version 20.19 or newer: https://nodejs.org'
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
        die "Node.js is too old: $(node --version)" 'install version 20.19 or newer: https://nodejs.org'
}

# Fetches the dependencies when the lock file has changed since, and builds.
build_project() {
    if [[ ! -d node_modules || package-lock.json -nt node_modules/.package-lock.json ]]; then
        say 'Fetching the dependencies ...'
        npm ci --loglevel=error >&2 || return
    fi
    say 'Building ...'
    npm run --silent build >&2
}
