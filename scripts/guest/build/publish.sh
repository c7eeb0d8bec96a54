# The directory the repository is made in: locked, never half-made.

readonly published=(mini.qcow2 mini.qcow2.hash mini.qcow2.metadata vmlinuz inputs.sha256 template-repo.json)

# Everything that can change the result, apart from where it is put.
hash_inputs() {
    inputs=$({
        printf '%s\n' "${packages[@]}"
        dpkg-query -W dosfstools e2fsprogs fdisk mtools qemu-utils syslinux syslinux-common 2> /dev/null || true
        cd "$here" || exit
        find make-guest guest -type f -print0 | sort -z | xargs -0 sha256sum
    } | sha256sum)
    inputs=${inputs%% *}
}

open_out() {
    mkdir -p "$out"
    exec {out_lock}< "$out"
    flock --nonblock "$out_lock" || {
        say "wait for another make-guest in $out"
        flock "$out_lock"
    }
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
    rm -rf "$out"/.make-guest.*
    work=$(mktemp -d "$out/.make-guest.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
}

clean_up() {
    rm -rf "$work"
    rmdir --ignore-fail-on-non-empty "$out"
}

# The repository file goes first and comes last: with it there, all is there.
publish() {
    local file
    write_repository_files
    rm -f "$out/template-repo.json" "$out/inputs.sha256"
    for file in "${published[@]}"; do
        mv -T "$work/$file" "$out/$file"
    done
}

write_repository_files() {
    local sha1 size
    # A store keeps what it has under a version, so other inputs are another version.
    local version=${inputs:0:12}
    sha1=$(sha1sum "$work/mini.qcow2")
    sha1=${sha1%% *}
    size=$(stat -c %s "$work/mini.qcow2")
    printf '%s\n' "$sha1" > "$work/mini.qcow2.hash"
    printf '%s\n' "$inputs" > "$work/inputs.sha256"
    cp "$kernel" "$work/vmlinuz"
    cat > "$work/mini.qcow2.metadata" << END
{
  "name": "mini",
  "version": "$version",
  "distro": "mini",
  "arch": "x86_64",
  "root-partition": "/dev/sda2",
  "timestamp": $epoch,
  "size": $size,
  "sha1": "$sha1",
  "kernel": "$kernel_package",
  "cmdline": "$cmdline",
  "memory-min-mib": $memory_min_mib,
  "bootstrap": "credentials",
  "ssh-user": "root",
  "ssh-password": "123456"
}
END
    cat > "$work/template-repo.json" << END
{
  "name": "mini",
  "templates": {
    "mini": {
      "versions": {
        "$version": { "source": "local", "handle": "mini.qcow2", "timestamp": $epoch }
      }
    }
  },
  "sources": {
    "local": { "type": "file", "args": { "root": "$out" } }
  }
}
END
}
