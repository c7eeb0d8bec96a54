#compdef lago lagocli
# Completion of lago and lagocli for zsh, made by `lago completion zsh`. On TAB no program is run.
#
#     source <(lago completion zsh)       in ~/.zshrc, behind compinit; or the script as _lago in a directory of $fpath

# TABLES
_lago() {
    local verb='' family='' pending='' in_list='' only_words='' word
    local prefix_path=${LAGO_PREFIX_PATH-} workdir_path=${LAGO_WORKDIR_PATH-} prefix_name=${LAGO_PREFIX_NAME-}
    local option='' take='' offer='' prefix_dir=''
    local -i position=0
    local -a names takes offers helps arguments further literal found
    for word in "${(@Q)words[2,CURRENT-1]}"; do _lago_step "$word"; done
    _lago_offer "${(Q)PREFIX}"
}

# Goes over one word before the cursor.
_lago_step() {
    if (($#literal)); then
        ((++position))
    elif [[ -n $pending ]]; then
        _lago_note "$pending" "$1"
        pending=''
    elif [[ -z $only_words && $1 == -?* ]]; then
        in_list=''
        _lago_step_option "$1"
    elif [[ -n $in_list ]]; then
        return 0
    elif [[ -n $verb ]]; then
        ((++position))
    else
        _lago_step_verb "$1"
    fi
}

_lago_step_verb() {
    if [[ -z $family ]] && _lago_verbs "$1"; then
        family=$1
        return
    fi
    verb=${family:+$family }$1
    family=''
    _lago_define "$verb"
}

_lago_step_option() {
    local letters
    case $1 in
    --) only_words=yes ;;
    --*=*) _lago_find "${1%%=*}" && _lago_note "$option" "${1#*=}" ;;
    --*) _lago_find "$1" && _lago_await ;;
    *)
        letters=${1#-}
        while [[ -n $letters ]] && _lago_find "-${letters[1]}"; do
            letters=${letters[2,-1]}
            [[ $take == nothing ]] && continue
            if [[ -n $letters ]]; then _lago_note "$option" "${letters#=}"; else _lago_await; fi
            break
        done
        ;;
    esac
    [[ -z $verb ]] || _lago_define "$verb"
}

_lago_await() {
    case $take in
    one) pending=$option ;;
    list) in_list=$option ;;
    esac
}

_lago_note() {
    local value=$2
    [[ $value != '~/'* ]] || value=$HOME/${value[3,-1]}
    case $1 in
    --prefix-path | -p) prefix_path=$value ;;
    --workdir-path | -w) workdir_path=$value ;;
    --prefix-name | -P) prefix_name=$value ;;
    esac
    [[ $take != list ]] || in_list=$1
}

# Sets `option`, `take` and `offer` for the option $1, which may be abbreviated: one of the verb's, else a global one.
_lago_find() {
    local tier
    local -i index match
    for tier in "$verb" ''; do
        _lago_define "$tier"
        index=${names[(ie)$1]}
        ((index > $#names)) || { _lago_take $index && return; }
    done
    [[ $1 == --?* ]] || return 1
    for tier in "$verb" ''; do
        _lago_define "$tier"
        match=0
        for ((index = 1; index <= $#names; index++)); do
            [[ ${names[index]} == "$1"* ]] || continue
            ((match == 0)) || return 1
            match=index
        done
        ((match == 0)) || { _lago_take $match && return; }
    done
    return 1
}

_lago_take() {
    option=${names[$1]} take=${takes[$1]} offer=${offers[$1]}
}

# $1: what is typed of the word at the cursor.
_lago_offer() {
    if [[ -n $pending ]]; then
        _lago_find "$pending"
        _lago_values "$offer"
    elif [[ -z $only_words && $#literal -eq 0 && $1 == --*=* ]]; then
        _lago_find "${1%%=*}" && [[ $take != nothing ]] && compset -P '*=' && _lago_values "$offer"
    elif [[ -z $only_words && $1 == -* && ($#literal -eq 0 || $position -eq 0) ]]; then
        _lago_options "$1"
    elif [[ -n $in_list ]]; then
        _lago_find "$in_list"
        _lago_values "$offer"
    elif [[ -n $verb ]]; then
        _lago_define "$verb"
        _lago_values "${arguments[position + 1]-$further}"
    else
        _lago_verbs "$family"
        _lago_described verb
    fi
}

# The verb's options; global ones where none of them begins like this.
_lago_options() {
    if [[ -n $family ]]; then
        names=(--help -h --version) helps=('show this help and exit' 'show this help and exit' 'show the version and exit')
    else
        _lago_define "$verb"
        [[ $#literal -gt 0 || -n ${names[(r)${(b)1}*]} ]] || _lago_define ''
    fi
    _lago_described option
}

# Offers `names` with their `helps`. $1: what they are.
_lago_described() {
    local -a pairs
    local -i index
    for ((index = 1; index <= $#names; index++)); do
        pairs+=("${${names[index]//\\/\\\\}//:/\\:}:${helps[index]//\\/\\\\}")
    done
    _describe -t "$1s" "$1" pairs
}

# Offers what the offer $1 means.
_lago_values() {
    local item
    for item in "${(@f)1}"; do
        case $item in
        '='*[:=]) compadd -S '' -- "${item[2,-1]}" ;;
        '='*) compadd -- "${item[2,-1]}" ;;
        @file) _files ;;
        @directory) _files -/ ;;
        @vm) _lago_members vm && compadd -a found ;;
        @prefix) _lago_prefixes && compadd -a found ;;
        @net) _lago_members net && compadd -a found ;;
        @snapshot) _lago_snapshots && compadd -a found ;;
        esac
    done
}

# The prefix has a file `KIND-NAME` of each VM and net.
_lago_members() {
    found=()
    _lago_prefix_dir || return
    found=("$prefix_dir"/virt/$1-*(N:t))
    found=("${(@)found#$1-}")
    (($#found))
}

# Of those that have left a file; there is one of every VM that was running.
_lago_snapshots() {
    local vm
    local -aU snapshots
    local -a files
    _lago_members vm || return
    for vm in "${found[@]}"; do
        files=("$prefix_dir"/virt/snapshot-"$vm".*(N:t:r))
        snapshots+=("${(@)files#snapshot-$vm.}")
    done
    found=("${snapshots[@]}")
    (($#found))
}

# Sets `prefix_dir`: the one that the options name, else the nearest one from here upwards.
_lago_prefix_dir() {
    local dir=${prefix_path:-${workdir_path:-$PWD}} name workdir
    [[ $dir == /* ]] || dir=$PWD/$dir
    prefix_dir=$dir
    [[ -n $prefix_path || -z $workdir_path ]] && [[ -e $dir/initialized ]] && return
    while [[ -n $dir ]]; do
        prefix_dir=$dir
        [[ -f $dir/.lago && -f $dir/uuid ]] && return
        for workdir in "$dir/.lago" "$dir"; do
            for name in "${prefix_name:-current}" default; do
                prefix_dir=$workdir/$name
                [[ -e $prefix_dir/initialized ]] && return
            done
        done
        dir=${dir%/*}
    done
    return 1
}

# Those of the nearest workdir.
_lago_prefixes() {
    local dir=${workdir_path:-$PWD} mark
    [[ $dir == /* ]] || dir=$PWD/$dir
    found=()
    while [[ -n $dir && $#found -eq 0 ]]; do
        for mark in "$dir"/.lago/*/initialized(N) "$dir"/*/initialized(N); do
            [[ -L ${mark:h} ]] || found+=("${mark:h:t}")
        done
        dir=${dir%/*}
    done
    (($#found))
}

# loaded by compinit, the script is the body of the function itself
if [[ ${funcstack[1]-} == _lago ]]; then _lago "$@"; else compdef _lago lago lagocli; fi
