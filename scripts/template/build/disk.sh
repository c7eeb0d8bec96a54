# The disk image: one ext4 partition behind the boot loader, without mounting it.

readonly root_start_mib=1

make_disk() {
    say 'make the disk image'
    local uuid=$root_uuid
    truncate -s "$size" disk.raw
    sfdisk -q disk.raw << END
label: dos
label-id: 0x${uuid:0:8}
start=${root_start_mib}MiB, type=83, bootable
END
    make_boot_loader
    make_root_partition
    run_logged qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd disk.raw "$image" ||
        die_logged 'the image could not be compressed'
}

# boot.img has its code in front of the partition table, and loads what begins at sector 1.
make_boot_loader() {
    local grub=tree/$grub_dir/i386-pc
    (($(stat -c %s "$grub/core.img") < root_start_mib * 1024 * 1024 - 512)) || die 'the boot loader is too big'
    dd if="$grub/boot.img" of=disk.raw bs=440 count=1 conv=notrunc status=none
    dd if="$grub/core.img" of=disk.raw bs=512 seek=1 conv=notrunc status=none
}

# Features that GRUB and older e2fsprogs cannot read are off, whatever this machine's defaults are.
make_root_partition() {
    local offset=$((root_start_mib * 1024 * 1024)) blocks
    blocks=$((($(stat -c %s disk.raw) - offset) / 4096))
    run_logged in_namespace mke2fs -F -t ext4 -b 4096 -m 0 -L root -U "$root_uuid" -J size=16 -d tree \
        -O ^metadata_csum_seed,^orphan_file \
        -E "offset=$offset,hash_seed=$root_uuid,lazy_itable_init=0,lazy_journal_init=0,nodiscard" \
        disk.raw "$blocks" || die_logged "the root tree does not fit into $size" 'try: --size 4G'
    e2fsck -fn "disk.raw?offset=$offset" >> log 2>&1 || die_logged 'the root file system came out broken'
}
