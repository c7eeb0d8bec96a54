# Completion of lago and lagocli for fish, made by `lago completion fish`. On TAB no program is run.
#
#     lago completion fish | source       in ~/.config/fish/config.fish; or the script as
#     ~/.config/fish/completions/lago.fish, and a link lagocli.fish to it

# TABLES
function __lago_complete
    for name in verb family pending in_list only_words
        set -g __lago_$name ''
    end
    set -g __lago_position 1
    set -g __lago_literal
    set -g __lago_prefix_path "$LAGO_PREFIX_PATH"
    set -g __lago_workdir_path "$LAGO_WORKDIR_PATH"
    set -g __lago_prefix_name "$LAGO_PREFIX_NAME"
    set -l words (commandline -opc)
    for word in $words[2..]
        __lago_step $word
    end
    __lago_offer (commandline -ct)
end

# Goes over one word before the cursor.
function __lago_step --argument-names word
    if set -q __lago_literal[1]
        set __lago_position (math $__lago_position + 1)
    else if test -n "$__lago_pending"
        __lago_note $__lago_pending $word
        set __lago_pending ''
    else if test -z "$__lago_only_words"; and string match -qr -- '^-.' $word
        set __lago_in_list ''
        __lago_step_option $word
    else if test -n "$__lago_in_list"
        return
    else if test -n "$__lago_verb"
        set __lago_position (math $__lago_position + 1)
    else
        __lago_step_verb $word
    end
end

function __lago_step_verb --argument-names word
    if test -z "$__lago_family"; and test -n "$word"; and __lago_verbs $word
        set __lago_family $word
        return
    end
    set __lago_verb (string trim -- "$__lago_family $word")
    set __lago_family ''
    __lago_define $__lago_verb
end

function __lago_step_option --argument-names word
    set -l parts (string split -m 1 -- = $word)
    if test "$word" = --
        set __lago_only_words yes
    else if string match -qr -- '^--' $word
        if __lago_find $parts[1]
            if set -q parts[2]
                __lago_note $__lago_option $parts[2]
            else
                __lago_await
            end
        end
    else
        set -l letters (string sub -s 2 -- $word)
        while test -n "$letters"; and __lago_find -(string sub -l 1 -- $letters)
            set letters (string sub -s 2 -- $letters)
            if test $__lago_take = nothing
                continue
            end
            if test -n "$letters"
                __lago_note $__lago_option (string replace -r '^=' '' -- $letters)
            else
                __lago_await
            end
            break
        end
    end
    if test -n "$__lago_verb"
        __lago_define $__lago_verb
    end
end

function __lago_await
    switch $__lago_take
        case one
            set __lago_pending $__lago_option
        case list
            set __lago_in_list $__lago_option
    end
end

function __lago_note --argument-names option value
    switch $option
        case --prefix-path -p
            set __lago_prefix_path $value
        case --workdir-path -w
            set __lago_workdir_path $value
        case --prefix-name -P
            set __lago_prefix_name $value
    end
    if test "$__lago_take" = list
        set __lago_in_list $option
    end
end

# Sets `option`, `take` and `offer` for an option, which may be abbreviated: one of the verb's, else a global one.
function __lago_find --argument-names wanted
    for tier in "$__lago_verb" ''
        __lago_define $tier
        if set -l index (contains -i -- $wanted $__lago_names)
            __lago_take $index
            return
        end
    end
    string match -qr -- '^--.' $wanted; or return 1
    for tier in "$__lago_verb" ''
        __lago_define $tier
        set -l matches
        set -l index 0
        for name in $__lago_names
            set index (math $index + 1)
            if __lago_begins $name $wanted
                set -a matches $index
            end
        end
        switch (count $matches)
            case 0
                continue
            case 1
                __lago_take $matches[1]
                return
        end
        return 1
    end
    return 1
end

function __lago_begins --argument-names word beginning
    test (string sub -l (string length -- $beginning) -- $word | string collect) = $beginning
end

function __lago_take --argument-names index
    set -g __lago_option $__lago_names[$index]
    set -g __lago_take $__lago_takes[$index]
    set -g __lago_offer $__lago_offers[$index]
end

# typed: what there is of the word at the cursor.
function __lago_offer --argument-names typed
    if test -n "$__lago_pending"
        __lago_find $__lago_pending
        __lago_values '' "$typed" $__lago_offer
    else if test -z "$__lago_only_words"; and not set -q __lago_literal[1]; and string match -qr -- '^--.*=' $typed
        set -l parts (string split -m 1 -- = $typed)
        if __lago_find $parts[1]; and test $__lago_take != nothing
            __lago_values "$parts[1]=" "$parts[2]" $__lago_offer
        end
    else if test -z "$__lago_only_words"; and string match -q -- '-*' $typed; and begin
            not set -q __lago_literal[1]; or test $__lago_position -eq 1
        end
        __lago_options $typed
    else if test -n "$__lago_in_list"
        __lago_find $__lago_in_list
        __lago_values '' "$typed" $__lago_offer
    else if test -n "$__lago_verb"
        __lago_define $__lago_verb
        if set -q __lago_arguments[$__lago_position]
            __lago_values '' "$typed" $__lago_arguments[$__lago_position]
        else
            __lago_values '' "$typed" $__lago_further
        end
    else
        __lago_verbs "$__lago_family"
        __lago_described
    end
end

# The verb's options; global ones where none of them begins like this.
function __lago_options --argument-names typed
    if test -n "$__lago_family"
        set -g __lago_names --help -h --version
        set -g __lago_helps 'show this help and exit' 'show this help and exit' 'show the version and exit'
        __lago_described
        return
    end
    __lago_define $__lago_verb
    if not set -q __lago_literal[1]
        set -l found
        for name in $__lago_names
            if __lago_begins $name $typed
                set found yes
                break
            end
        end
        set -q found[1]; or __lago_define ''
    end
    __lago_described
end

function __lago_described
    set -l index 0
    for name in $__lago_names
        set index (math $index + 1)
        printf '%s\t%s\n' $name $__lago_helps[$index]
    end
end

# Prints what an offer means, `before` in front of each; the files are those that begin with `typed`.
function __lago_values --argument-names before typed offer
    for line in (__lago_found "$typed" (string split \n -- $offer))
        printf '%s%s\n' $before $line
    end
end

function __lago_found --argument-names typed
    for item in $argv[2..]
        switch $item
            case '=*'
                string sub -s 2 -- $item
            case @file
                complete -C "'' "(string escape -n -- $typed) # files; __fish_complete_path runs ls
            case @directory
                __fish_complete_directories $typed ''
            case @vm
                __lago_members vm
            case @net
                __lago_members net
            case @prefix
                __lago_prefixes
            case @snapshot
                __lago_snapshots
        end
    end
end

# The prefix has a file `KIND-NAME` of each VM and net.
function __lago_members --argument-names kind
    __lago_prefix_dir; or return
    for file in $__lago_prefix_dir/virt/$kind-*
        string replace -r ".*/$kind-" '' -- $file
    end
end

# Of those that have left a file; there is one of every VM that was running.
function __lago_snapshots
    set -l snapshots
    for vm in (__lago_members vm)
        for file in $__lago_prefix_dir/virt/snapshot-$vm.*
            set -l rest (string sub -s (string length -- "x$__lago_prefix_dir/virt/snapshot-$vm.") -- $file)
            set -l name (string replace -r '\.[^.]*$' '' -- $rest)
            contains -- $name $snapshots; or set -a snapshots $name
        end
    end
    printf '%s\n' $snapshots
end

# Sets `prefix_dir`: the one that the options name, else the nearest one from here upwards.
function __lago_prefix_dir
    set -l dir $PWD
    test -n "$__lago_workdir_path"; and set dir $__lago_workdir_path
    test -n "$__lago_prefix_path"; and set dir $__lago_prefix_path
    string match -q '/*' -- $dir; or set dir $PWD/$dir
    set -g __lago_prefix_dir $dir
    if test -n "$__lago_prefix_path" -o -z "$__lago_workdir_path"; and test -e $dir/initialized
        return
    end
    set -l name current
    test -n "$__lago_prefix_name"; and set name $__lago_prefix_name
    while test -n "$dir"
        set __lago_prefix_dir $dir
        test -f $dir/.lago -a -f $dir/uuid; and return
        for candidate in {$dir/.lago,$dir}/{$name,default}
            set __lago_prefix_dir $candidate
            test -e $candidate/initialized; and return
        end
        set dir (string replace -r '/[^/]*$' '' -- $dir)
    end
    return 1
end

# Those of the nearest workdir.
function __lago_prefixes
    set -l dir $PWD
    test -n "$__lago_workdir_path"; and set dir $__lago_workdir_path
    string match -q '/*' -- $dir; or set dir $PWD/$dir
    while test -n "$dir"
        set -l found
        for mark in $dir/.lago/*/initialized $dir/*/initialized
            set -l prefix (string replace -r '/initialized$' '' -- $mark)
            test -L $prefix; or set -a found (string replace -r '.*/' '' -- $prefix)
        end
        if set -q found[1]
            printf '%s\n' $found
            return
        end
        set dir (string replace -r '/[^/]*$' '' -- $dir)
    end
end

complete -c lago -e
complete -c lago -k -f -a '(__lago_complete)'
complete -c lagocli -e
complete -c lagocli -k -f -a '(__lago_complete)'
