#!/bin/bash
# Puts a file system on the second disk and exports it.
#
# The kernel of small guests has no NFS server. Stand-in: busybox's httpd on the port of NFS, which shows hosts the
# same files. Init runs it, now and after every boot.

set -euo pipefail

mkdir -p /exports /usr/local/sbin
mke2fs /dev/vdb > /dev/null
mount /dev/vdb /exports
mkdir /exports/nfs_clean /exports/nfs_exported
chmod 777 /exports/nfs_clean /exports/nfs_exported
printf '%s\n' /exports/nfs_clean /exports/nfs_exported > /exports/index.html
umount /exports

cat > /usr/local/sbin/stand-in-nfsd << 'END'
#!/bin/sh
grep -q ' /exports ' /proc/mounts || mount /dev/vdb /exports || exit
exec httpd -f -p 2049 -h /exports
END
chmod 755 /usr/local/sbin/stand-in-nfsd
if ! grep -q stand-in-nfsd /etc/inittab; then
    echo '::respawn:/usr/local/sbin/stand-in-nfsd' >> /etc/inittab
    kill -HUP 1
fi
