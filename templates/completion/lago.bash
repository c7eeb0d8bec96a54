# shellcheck shell=bash disable=SC2034,SC2154
# Completion of lago and lagocli for bash, made by `lago completion bash`. On TAB no program is run.
#
#     source <(lago completion bash)      in ~/.bashrc; or the script as
#     ~/.local/share/bash-completion/completions/lago, and a link lagocli to it

# TABLES
_lago() {
    local cur='' verb='' family='' pending='' in_list='' only_words='' position=0
    local prefix_path=${LAGO_PREFIX_PATH-} workdir_path=${LAGO_WORKDIR_PATH-} prefix_name=${LAGO_PREFIX_NAME-}
    local option='' take='' offer='' quote='' typed='' kept='' prefix_dir='' word failglob=''
    local -a before=() names=() takes=() offers=() helps=() arguments=() further=() literal=() found=()
    COMPREPLY=()
    ! shopt -q failglob || failglob=yes
    shopt -u failglob # a pattern that fits nothing would end this
    _lago_split "$2"
    for word in "${before[@]:1}"; do _lago_step "$word"; done
    _lago_offer
    [[ -z $failglob ]] || shopt -s failglob
    [[ ${#COMPREPLY[@]} -ne 1 || $kept${COMPREPLY[0]} != *[:=] ]] || compopt -o nospace
}

# Sets `before` and `cur`: the words up to the cursor as the user sees them, while bash splits at : and = as well. What bash
# will not replace ($1 is what it will) is `kept`.
_lago_split() {
    local line=${COMP_LINE:0:COMP_POINT} word trimmed index
    for ((index = 0; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        trimmed=${line#"${line%%[![:space:]]*}"}
        [[ $trimmed == "$word"* ]] || word=$trimmed
        if ((index > 0)) && [[ $trimmed == "$line" ]]; then
            before[${#before[@]} - 1]+=$word
        else
            before+=("$word")
        fi
        line=${trimmed#"$word"}
    done
    cur=${before[${#before[@]} - 1]}
    unset "before[${#before[@]} - 1]"
    kept=${cur%"$1"}
    typed=$cur
    case $cur in
    [\"\']*) quote=${cur:0:1} typed=${cur:1} kept='' ;;
    *) typed=${cur//\\/} ;;
    esac
}

# Goes over one word before the cursor.
_lago_step() {
    local word=$1
    if [[ -n ${literal[*]} ]]; then
        ((++position))
    elif [[ -n $pending ]]; then
        _lago_note "$pending" "$word"
        pending=''
    elif [[ -z $only_words && $word == -?* ]]; then
        in_list=''
        _lago_step_option "$word"
    elif [[ -n $in_list ]]; then
        return 0
    elif [[ -n $verb ]]; then
        ((++position))
    else
        _lago_step_verb "$word"
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
    local word=$1 letters
    case $word in
    --) only_words=yes ;;
    --*=*) _lago_find "${word%%=*}" && _lago_note "$option" "${word#*=}" ;;
    --*) _lago_find "$word" && _lago_await ;;
    *)
        letters=${word#-}
        while [[ -n $letters ]] && _lago_find "-${letters:0:1}"; do
            letters=${letters:1}
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
    local value=${2/#~\//$HOME/}
    case $1 in
    --prefix-path | -p) prefix_path=$value ;;
    --workdir-path | -w) workdir_path=$value ;;
    --prefix-name | -P) prefix_name=$value ;;
    esac
    [[ $take != list ]] || in_list=$1
}

# Sets `option`, `take` and `offer` for the option $1, which may be abbreviated: one of the verb's, else a global one.
_lago_find() {
    local tier index match
    for tier in "$verb" ''; do
        _lago_define "$tier"
        for index in "${!names[@]}"; do
            [[ ${names[index]} == "$1" ]] && _lago_take "$index" && return
        done
    done
    [[ $1 == --?* ]] || return 1
    for tier in "$verb" ''; do
        _lago_define "$tier"
        match=''
        for index in "${!names[@]}"; do
            [[ ${names[index]} == "$1"* ]] || continue
            [[ -z $match ]] || return 1
            match=$index
        done
        [[ -n $match ]] && _lago_take "$match" && return
    done
    return 1
}

_lago_take() {
    option=${names[$1]} take=${takes[$1]} offer=${offers[$1]}
}

_lago_offer() {
    if [[ -n $pending ]]; then
        _lago_find "$pending"
        _lago_values '' "$offer"
    elif [[ -z $only_words && -z ${literal[*]} && $typed == --*=* ]]; then
        _lago_find "${typed%%=*}" && [[ $take != nothing ]] && _lago_values "${typed%%=*}=" "$offer"
    elif [[ -z $only_words && $typed == -* ]] && ((position == 0 || ${#literal[@]} == 0)); then
        _lago_options
    elif [[ -n $in_list ]]; then
        _lago_find "$in_list"
        _lago_values '' "$offer"
    elif [[ -n $verb ]]; then
        _lago_define "$verb"
        _lago_values '' "${arguments[position]-${further[*]}}"
    else
        _lago_verbs "$family"
        _lago_reply "${names[@]}"
    fi
}

# The verb's options; global ones where none of them begins like this.
_lago_options() {
    if [[ -n $family ]]; then
        _lago_reply --help -h --version
        return
    fi
    _lago_define "$verb"
    _lago_reply "${names[@]}"
    [[ ${#COMPREPLY[@]} -eq 0 && -n $verb && -z ${literal[*]} ]] || return 0
    _lago_define ''
    _lago_reply "${names[@]}"
}

# Replies with what the offer $2 means, $1 before each.
_lago_values() {
    local item
    while IFS= read -r item; do
        case $item in
        =*) _lago_reply "$1${item:1}" ;;
        @file) compopt -o default ;;
        @directory) compopt -o dirnames ;;
        @vm) _lago_members vm && _lago_reply "${found[@]/#/$1}" ;;
        @prefix) _lago_prefixes && _lago_reply "${found[@]/#/$1}" ;;
        @net) _lago_members net && _lago_reply "${found[@]/#/$1}" ;;
        @snapshot) _lago_snapshots && _lago_reply "${found[@]/#/$1}" ;;
        esac
    done <<< "$2"
}

# Those of its arguments that begin as typed, quoted where the user has not begun to.
_lago_reply() {
    local word
    for word; do
        [[ $word == "$typed"* ]] || continue
        [[ -n $quote ]] || printf -v word %q "$word"
        COMPREPLY+=("${word#"$kept"}")
    done
}

# The prefix has a file `KIND-NAME` of each VM and net.
_lago_members() {
    local kind=$1 file
    found=()
    _lago_prefix_dir || return
    for file in "$prefix_dir/virt/$kind"-*; do
        [[ ! -e $file ]] || found+=("${file##*"/virt/$kind-"}")
    done
    ((${#found[@]}))
}

# Of those that have left a file; there is one of every VM that was running.
_lago_snapshots() {
    local vm file name
    local -a snapshots=()
    _lago_members vm || return
    for vm in "${found[@]}"; do
        for file in "$prefix_dir/virt/snapshot-$vm."*; do
            name=${file##*"/snapshot-$vm."}
            [[ ! -e $file || " ${snapshots[*]} " == *" ${name%.*} "* ]] || snapshots+=("${name%.*}")
        done
    done
    found=("${snapshots[@]}")
    ((${#found[@]}))
}

# Sets `prefix_dir`: the one that the options name, else the nearest one from here upwards.
_lago_prefix_dir() {
    local dir start=${prefix_path:-${workdir_path:-$PWD}} name workdir
    [[ $start == /* ]] || start=$PWD/$start
    prefix_dir=$start
    [[ -n $prefix_path || -z $workdir_path ]] && [[ -e $start/initialized ]] && return
    dir=$start
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
    local dir=${workdir_path:-$PWD} mark name
    [[ $dir == /* ]] || dir=$PWD/$dir
    found=()
    while [[ -n $dir && ${#found[@]} -eq 0 ]]; do
        for mark in "$dir"/.lago/*/initialized "$dir"/*/initialized; do
            name=${mark%/initialized}
            [[ ! -e $mark || -L $name ]] || found+=("${name##*/}")
        done
        dir=${dir%/*}
    done
    ((${#found[@]}))
}

complete -F _lago lago lagocli
