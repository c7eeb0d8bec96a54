# Runs a compiled program of scripts/ from wherever its launcher was called; builds first when something is newer.
# Sourced by the launchers.

project_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=common.sh
source "$project_dir/scripts/setup/common.sh"

run_built() {
    local program=$project_dir/build/scripts/$1.js
    shift
    check_node
    command -v find > /dev/null || die 'find is not here' 'install the package findutils'
    (cd "$project_dir" && { is_built "$program" || build_alone "$program"; }) || exit
    exec node "$program" "$@"
}

# What one call of npm has just unpacked, another one would take away.
build_alone() {
    [[ -w . && (! -e build || -w build) ]] ||
        die "$project_dir has to be built, and $(id -un) may not write there" 'have it built by who may: npm ci && npm run build'
    exec {lock}< .
    flock "$lock"
    is_built "$1" || build_project
}

# build/version.json: every build writes it; tsc leaves its own files alone when they would be the same.
is_built() {
    [[ -f $1 && -f build/version.json && -d node_modules ]] &&
        [[ -z $(find src scripts package-lock.json -newer build/version.json \( -name '*.ts' -o -name '*.json' \) -print -quit) ]]
}
