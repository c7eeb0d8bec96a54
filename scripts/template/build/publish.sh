# The directory the repository is made in: locked, never half-made.

# What the image is made of, and how; not by which versions of the tools, nor where it is put.
hash_inputs() {
    inputs=$({
        printf '%s\n' "$name" "$size" "${sources[@]}" "${packages[@]}"
        cd "$here" || exit
        find make-template template -type f -print0 | sort -z | xargs -0 sha256sum
    } | sha256sum)
    inputs=${inputs%% *}
    # A store keeps what it has under a version, so other inputs are another version.
    version=${inputs:0:12}
    # Of this version and no other: two disks in one machine are told apart, clones of one are not.
    root_uuid=${inputs:0:8}-${inputs:8:4}-4${inputs:13:3}-8${inputs:17:3}-${inputs:20:12}
    export root_uuid
}

# The version is that of the packages that were found out beforehand; a few of them may not have been needed.
check_installed() {
    local others
    others=$(comm -23 <(echo "$1") <(printf '%s\n' "${packages[@]}"))
    [[ -z $others ]] || die "the mirror changed in the meantime: ${others//$'\n'/ }" 'try: run this again'
}

open_out() {
    mkdir -p "$out" && [[ -w $out ]] || die "cannot write to $out" 'try: --out DIR'
    exec {out_lock}< "$out"
    flock --nonblock "$out_lock" || {
        say "wait for another make-template in $out"
        flock "$out_lock"
    }
    [[ ! -e $out/template-repo.json ]] || grep -qF "\"name\": \"$name\"" "$out/template-repo.json" ||
        die "$out holds another template repository" 'try: --out DIR with a directory of its own'
}

is_made() {
    local file
    for file in "${published[@]}"; do
        [[ -f $out/$file ]] || return
    done
    [[ $(< "$out/inputs.sha256") == "$inputs" ]] && grep -qF "\"root\": \"$out\"" "$out/template-repo.json"
}

# It is inside `out`, so that finished files only have to be renamed; what a killed
# run left is removed as well.
make_work_dir() {
    in_namespace rm -rf "$out"/.make-template.*
    work=$(mktemp -d "$out/.make-template.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    cd "$work"
}

clean_up() {
    stop_child
    cd /
    in_namespace rm -rf "$work"
    rmdir --ignore-fail-on-non-empty "$out"
}

# The repository file goes first and comes last: with it there, all is there.
publish() {
    local file
    write_repository_files
    rm -f "$out/template-repo.json" "$out/inputs.sha256"
    for file in "${published[@]}"; do
        mv -T "$file" "$out/$file"
    done
}

write_repository_files() {
    local sha1 bytes osinfo timestamp
    sha1=$(sha1sum "$image")
    sha1=${sha1%% *}
    bytes=$(stat -c %s "$image")
    osinfo=$(os_release ID)$(os_release VERSION_ID)
    timestamp=$(date +%s)
    printf '%s\n' "$sha1" > "$image.hash"
    printf '%s\n' "$inputs" > inputs.sha256
    cat > "$image.metadata" << END
{
  "name": "$name",
  "version": "$version",
  "distro": "$distribution",
  "arch": "x86_64",
  "osinfo": "$osinfo",
  "root-partition": "/dev/sda1",
  "bootstrap": "cloud-init",
  "timestamp": $timestamp,
  "size": $bytes,
  "sha1": "$sha1",
  "ssh-user": "root"
}
END
    cat > template-repo.json << END
{
  "name": "$name",
  "templates": {
    "$name": {
      "versions": {
        "$version": { "source": "local", "handle": "$image", "timestamp": $timestamp }
      }
    }
  },
  "sources": {
    "local": { "type": "file", "args": { "root": "$out" } }
  }
}
END
}

# A value of the file that tells one distribution from another.
os_release() {
    sed -n "s/^$1=//p" tree/usr/lib/os-release | tr -d '"'
}
