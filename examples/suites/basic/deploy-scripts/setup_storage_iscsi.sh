#!/bin/bash
# Makes LUNs on the second disk and exports them under one name.
#
# Small guests have no iSCSI target. Stand-in: busybox's httpd on the port of iSCSI, which lets hosts read the LUNs as
# files. Init runs it, now and after every boot.

set -euo pipefail

target=iqn.2014-07.org.ovirt:storage
luns=10

mkdir -p /exports /usr/local/sbin
mke2fs /dev/vdb > /dev/null
mount /dev/vdb /exports
mkdir "/exports/$target"
for ((lun = 0; lun < luns; lun++)); do
    truncate -s 100M "/exports/$target/lun$lun"
done
echo "$target" > /exports/index.html
umount /exports

cat > /usr/local/sbin/stand-in-target << 'END'
#!/bin/sh
grep -q ' /exports ' /proc/mounts || mount /dev/vdb /exports || exit
exec httpd -f -p 3260 -h /exports
END
chmod 755 /usr/local/sbin/stand-in-target
if ! grep -q stand-in-target /etc/inittab; then
    echo '::respawn:/usr/local/sbin/stand-in-target' >> /etc/inittab
    kill -HUP 1
fi
