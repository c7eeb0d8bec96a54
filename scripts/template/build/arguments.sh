# The command line: what is wanted, checked as far as it can be without a mirror.

usage() {
    cat << 'END'
usage: make-template DISTRIBUTION [--out DIR] [--suite NAME] [--mirror URL] [--keyring FILE]
                     [--size SIZE] [--packages LIST] [--force]

Make the template repository of a distribution (debian, ubuntu, fedora) in DIR
  --out DIR        where to (default: ${XDG_CACHE_HOME:-~/.cache}/lago/DISTRIBUTION-SUITE-repo)
  --suite NAME     its release (default: bookworm of debian, noble of ubuntu, 42 of fedora)
  --mirror URL     where its packages come from (default: its own servers)
  --keyring FILE   the keys that they are signed with (default: the distribution's, as this machine has them)
  --size SIZE      of the disk, in M or G (default: 2G)
  --packages LIST  further packages, with commas between them
  --force          make it again even if it is there, made from the same inputs
END
}

# Asks for what the usage says. Exit code 2, as for every command line that cannot be read.
refuse() {
    printf 'make-template: %s\n' "$1" >&2
    usage >&2
    exit 2
}

parse_arguments() {
    distribution='' out='' suite='' mirror='' keyring='' size=2G further='' force=''
    while (($#)); do
        case $1 in
            --force) force=yes ;;
            -h | --help)
                usage
                exit
                ;;
            --*=*) set_option "${1%%=*}" "${1#*=}" ;;
            -*)
                set_option "$1" "${2:-}"
                shift
                ;;
            *)
                [[ -z $distribution ]] || refuse "one distribution at a time, not $distribution and $1"
                distribution=$1
                ;;
        esac
        shift
    done
    load_distribution
    check_values
}

set_option() {
    case $1 in
        --out | --suite | --mirror | --keyring | --size | --packages) ;;
        *) refuse "there is no option $1" ;;
    esac
    [[ -n $2 ]] || refuse "$1 wants a value"
    case $1 in
        --out) out=$2 ;;
        --suite) suite=$2 ;;
        --mirror) mirror=${2%/} ;;
        --keyring) keyring=$(realpath -ms -- "$2") ;;
        --size) size=$2 ;;
        --packages) further=$2 ;;
    esac
}

# A distribution is a file, which sets `family`, `wanted`, what it has as defaults, and is read with `suite` known.
load_distribution() {
    local known
    known=$(cd "$template/distributions" && echo *.sh)
    [[ -n $distribution ]] || refuse "which distribution? ${known//.sh/}"
    [[ " $known " == *" $distribution.sh "* ]] || die "there is no distribution $distribution, only ${known//.sh/}"
    # shellcheck source=/dev/null
    source "$template/distributions/$distribution.sh"
    # shellcheck source=/dev/null
    source "$template/build/$family.sh"
    name=$distribution-$suite
    image=$name.qcow2
    published=("$image" "$image.hash" "$image.metadata" inputs.sha256 template-repo.json)
    out=$(realpath -ms -- "${out:-${XDG_CACHE_HOME:-$HOME/.cache}/lago/$name-repo}")
}

check_values() {
    # The path goes into a JSON text in which $NAME and ~ are expanded.
    case $out in
        *[\"\\\$[:cntrl:]]*) die "a template repository cannot be in a directory of this name: $out" ;;
    esac
    [[ $suite =~ ^[a-z0-9][a-z0-9.-]*$ ]] || die "this is no name of a release: $suite"
    check_size
    check_mirror_name
    [[ -r $keyring ]] || die "the keys of $distribution are not there: $keyring" \
        "try: --keyring FILE, or install $keyring_package"
    [[ ! $keyring =~ [][:space:][] ]] || die "apt can use no keys from a file of this name: $keyring"
    add_further_packages
}

# Its partition table counts up to 2 TiB.
check_size() {
    [[ $size =~ ^[1-9][0-9]{0,6}[MG]$ ]] || die "this is no size of a disk: $size" 'try: --size 4G'
    local mib=$(($(numfmt --from=iec "$size") / 1024 / 1024))
    ((mib >= 1024 && mib < 2048 * 1024)) || die "a disk has from 1G to 2047G, not $size"
}

# The image tells the mirror to everybody who has it.
check_mirror_name() {
    [[ $mirror =~ ^https?://[][A-Za-z0-9._~:/@%+-]+$ ]] ||
        die "this is no URL of a mirror: ${mirror/:\/\/*@/://***@}" 'try: --mirror http://HOST/PATH'
    [[ $mirror != *@* ]] || die 'a mirror with a password in its URL would have it in the image' \
        'try: the URL without it, and the password in /etc/apt/auth.conf'
}

add_further_packages() {
    local packages package
    IFS=', ' read -r -a packages <<< "$further"
    for package in "${packages[@]}"; do
        [[ $package =~ ^[A-Za-z0-9][A-Za-z0-9+._-]*$ ]] || die "this is no name of a package: $package"
    done
    wanted+=("${packages[@]}")
}
