# The files of the guest's root, in a directory.

make_tree() {
    say 'make the root tree'
    tree=$work/tree
    make_skeleton
    copy_programs
    copy_busybox
    copy_modules
    cp -r "$guest/root/." "$tree/"
    link_power_commands
    set_modes
}

make_skeleton() {
    local name
    mkdir -p "$tree"/{dev,etc/ssh,mnt,opt,proc,root,run,srv,sys,tmp,usr/{bin,lib,lib64,local/bin},var/{log,lib,tmp}}
    for name in bin sbin lib lib64; do
        ln -s "usr/$name" "$tree/$name"
    done
    ln -s bin "$tree/usr/sbin"
    ln -s ../run "$tree/var/run"
    ln -s ../proc/self/mounts "$tree/etc/mtab"
}

copy_programs() {
    local from to
    while read -r from to; do
        install -D "$work/packages$from" "$tree${to:-$from}"
        copy_libraries_of "$work/packages$from"
    done < <(lines_of "$guest/programs")
}

# Asks the packages' own dynamic loader, so that no library of this machine is found.
copy_libraries_of() {
    local root=$work/packages loader=/lib64/ld-linux-x86-64.so.2 arrow library
    local dirs=$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu
    while read -r _ arrow library _; do
        [[ $arrow == '=>' ]] || continue
        [[ $library == "$root"/* ]] || die "a library of $1 is not in the packages: $library"
        install -D "$library" "$tree/usr/lib/x86_64-linux-gnu/${library##*/}"
    done < <("$root/$(readlink "$root$loader")" --inhibit-cache --library-path "$dirs" --list "$1")
    install -D "$root$loader" "$tree/usr$loader"
}

# Every applet under its name, where no better program is.
copy_busybox() {
    local applet
    busybox=$work/packages/bin/busybox
    install "$busybox" "$tree/usr/bin/busybox"
    while read -r applet; do
        case $applet in linuxrc | poweroff | reboot | halt) continue ;; esac
        [[ -e $tree/usr/bin/$applet ]] || ln -s busybox "$tree/usr/bin/$applet"
    done < <("$busybox" --list)
}

# Sets `kernel` and `modules`, the directory the guest's modules are in.
copy_modules() {
    local version=${kernel_package#linux-image-} path from
    kernel=$work/packages/boot/vmlinuz-$version
    from=$work/packages/lib/modules/$version
    modules=$tree/usr/lib/modules/$version
    while read -r path; do
        mkdir -p "$modules/kernel/$(dirname "$path")"
        cp -r "$from/kernel/$path" "$modules/kernel/$path"
    done < <(lines_of "$guest/modules")
    while read -r path; do
        strip_signature "$path"
    done < <(find "$modules" -name '*.ko')
    cp "$from/modules.builtin" "$modules/"
    index_modules "$version"
}

# An emulated machine takes longer to check a signature than for all else about a module.
# It ends in a length (4 bytes) and a text (28 bytes); see linux/module_signature.h.
strip_signature() {
    local text='~Module signature appended~' length
    [[ $(tail -c 28 "$1" | tr -d '\0') == "$text" ]] || return 0
    length=$(tail -c 32 "$1" | od -An -N 4 -t u4 --endian=big)
    truncate -s "-$((length + 12 + 28))" "$1"
}

# depmod's output follows the order of a directory, which differs between machines.
index_modules() {
    local path
    "$busybox" depmod -b "$tree" "$1"
    for path in "$modules"/modules.{alias,dep,symbols}; do
        sort -o "$path" "$path"
    done
}

link_power_commands() {
    local name
    for name in halt reboot shutdown; do
        ln -s poweroff "$tree/usr/bin/$name"
    done
}

set_modes() {
    find "$tree" -type d -exec chmod 755 {} +
    find "$tree" -type f -perm /111 -exec chmod 755 {} +
    find "$tree" -type f ! -perm /111 -exec chmod 644 {} +
    chmod 600 "$tree/etc/shadow"
    chmod 700 "$tree/root"
    chmod 1777 "$tree/tmp" "$tree/var/tmp"
}
