# What this machine must have; all that is missing is told at once.

check_tools() {
    local missing=() tool package
    while read -r tool package; do
        [[ -n $(type -P "$tool") ]] || missing+=("$package")
    done < <(lines_of "$guest/tools")
    [[ -r $mbr ]] || missing+=(syslinux-common)
    ((${#missing[@]})) || return 0

    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    die "packages are missing: ${missing[*]}" "try: apt-get install ${missing[*]}"
}
