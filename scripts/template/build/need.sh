# What this machine must have and be; all tools that are missing are told at once.

check_machine() {
    [[ $(uname -m) == x86_64 ]] || die "templates are made on x86_64 machines, this one is $(uname -m)"
    check_tools
    check_user
}

check_tools() {
    local missing_apt=() missing_dnf=() tool apt dnf
    while read -r tool apt dnf; do
        [[ -n $(type -P "$tool") ]] || missing_apt+=("$apt") missing_dnf+=("$dnf")
    done < <(lines_of "$template/tools" "$template/tools-$family")
    ((${#missing_apt[@]})) || return 0

    mapfile -t missing_apt < <(printf '%s\n' "${missing_apt[@]}" | sort -u)
    mapfile -t missing_dnf < <(printf '%s\n' "${missing_dnf[@]}" | sort -u)
    die "packages are missing: ${missing_apt[*]}" \
        "try: apt-get install ${missing_apt[*]}" \
        "or, on Fedora: dnf install ${missing_dnf[*]}"
}

# An image holds files of many users: root may make them, others in a namespace of their own.
check_user() {
    local problem
    ((EUID)) || return 0
    [[ $family == apt ]] || die "only root can make $distribution templates: dnf installs without a user namespace"
    problem=$(in_namespace true 2>&1) || die "user $(id -un) cannot make a user namespace: $problem" \
        "run it as root, or give the user ids in /etc/subuid and /etc/subgid; newuidmap is in the package uidmap"
}

# Runs a command as root of a user namespace, or as root where we are.
in_namespace() {
    if ((EUID)); then
        unshare --user --map-root-user --map-auto -- "$@"
    else
        "$@"
    fi
}
