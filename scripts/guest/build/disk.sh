# The disk image: a boot partition for syslinux and the root, without mounting any.

readonly mbr=/usr/lib/syslinux/mbr/mbr.bin
readonly disk_mib=2048 boot_start_mib=1 boot_mib=24
readonly root_start_mib=$((boot_start_mib + boot_mib))
readonly root_mib=$((disk_mib - root_start_mib))
readonly memory_min_mib=96

make_disk() {
    say 'make the disk image'
    disk=$work/disk.raw
    cmdline=$(< "$guest/cmdline")
    truncate -s "${disk_mib}M" "$disk"
    make_partitions
    make_boot_partition
    make_root_partition
    qemu-img convert -q -c -f raw -O qcow2 "$disk" "$work/mini.qcow2"
}

make_partitions() {
    sfdisk -q "$disk" << END
label: dos
label-id: 0x6d696e69
start=${boot_start_mib}MiB, size=${boot_mib}MiB, type=c, bootable
start=${root_start_mib}MiB, size=${root_mib}MiB, type=83
END
    dd if="$mbr" of="$disk" bs=440 count=1 conv=notrunc status=none
}

make_boot_partition() {
    local boot=$work/boot.img config=$work/syslinux.cfg
    truncate -s "${boot_mib}M" "$boot"
    mkfs.fat --invariant -F 16 -n MINI-BOOT -h $((boot_start_mib * 2048)) "$boot" > /dev/null
    syslinux --install "$boot"
    cat > "$config" << END
DEFAULT mini
LABEL mini
  LINUX vmlinuz
  INITRD initramfs.img
  APPEND $cmdline
END
    put_on_boot "$config" syslinux.cfg
    put_on_boot "$kernel" vmlinuz
    put_on_boot "$work/initramfs.img" initramfs.img
    dd if="$boot" of="$disk" bs=1M seek="$boot_start_mib" conv=notrunc,sparse status=none
}

put_on_boot() {
    touch -d "@$epoch" "$1"
    MTOOLS_SKIP_CHECK=1 mcopy -m -i "$boot" "$1" "::$2"
}

# debugfs puts each file in place: all are root's and in the same order, whoever runs this.
make_root_partition() {
    local offset=$((root_start_mib * 1024 * 1024)) uuid=6d696e69-0000-4000-8000-000000000001
    mke2fs -q -F -t ext4 -b 4096 -m 0 -i 65536 -L mini-root -U "$uuid" -J size=4 \
        -O ^metadata_csum -E "offset=$offset,hash_seed=$uuid,lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0" \
        "$disk" "${root_mib}M"
    fill_commands > "$work/debugfs.commands"
    local problems
    problems=$(cd "$tree" && debugfs -w -f "$work/debugfs.commands" "$disk?offset=$offset" 2>&1 > /dev/null | sed '1{/^debugfs /d}')
    [[ -z $problems ]] || die "debugfs: ${problems%%$'\n'*}"
    e2fsck -fn "$disk?offset=$offset" > /dev/null 2>&1 || die 'the root file system came out broken'
}

fill_commands() {
    local type mode path target
    while IFS=' ' read -r type mode path; do
        case $type in
            d) printf 'mkdir "/%s"\nsif "/%s" mode 04%04o\n' "$path" "$path" "0$mode" ;;
            f) printf 'write "%s" "/%s"\nsif "/%s" mode 010%04o\n' "$path" "$path" "$path" "0$mode" ;;
            l)
                target=$(readlink "$tree/$path")
                printf 'symlink "/%s" "%s"\n' "$path" "$target"
                ;;
        esac
    done < <(cd "$tree" && find . -mindepth 1 -printf '%y %m %P\n' | sort -k 3)
}
