# The initramfs: busybox, the disk's drivers, and a script that mounts the root.

make_initramfs() {
    say 'make the initramfs'
    local dir=$work/initramfs applet list module
    mkdir -p "$dir"/{bin,dev,modules,proc,root,sys}
    install "$busybox" "$dir/bin/busybox"
    for applet in sh mount insmod findfs sleep switch_root; do
        ln -s busybox "$dir/bin/$applet"
    done
    install "$guest/initramfs/init" "$dir/init"
    for list in early fallback; do
        lines_of "$guest/modules-$list" > "$dir/modules/$list"
        while read -r module; do
            find "$modules" -name "$module.ko" -exec cp {} "$dir/modules/" \;
            [[ -f $dir/modules/$module.ko ]] || die "the kernel has no module $module"
        done < "$dir/modules/$list"
    done
    pack_initramfs "$dir" > "$work/initramfs.img"
}

# Not compressed: reading more costs an emulated machine less than unpacking.
pack_initramfs() {
    find "$1" -exec touch -h -d "@$epoch" {} +
    find "$1" -type d -exec chmod 755 {} +
    (cd "$1" && find . | sort |
        "$busybox" cpio -o -H newc -R 0:0 --renumber-inodes --ignore-devno 2> /dev/null)
}
