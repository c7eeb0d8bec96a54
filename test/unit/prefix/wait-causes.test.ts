import { describe, expect, test } from '@jest/globals'
import { causeInLine, KERNEL_RUNS, moreTelling } from '../../../src/prefix/wait-causes.js'

describe('a line of the console that says why a boot ended', () => {
  const cases: [string, readonly string[]][] = [
    [
      'no-boot-device',
      [
        'No bootable device.',
        'Boot failed: not a bootable disk',
        'BdsDxe: No bootable option or device was found.',
        'Operating System not found',
        'error: no such device: 6a1c-77e2.',
        'Could not find kernel image: linux',
      ],
    ],
    [
      'no-root-device',
      [
        '[    2.0] VFS: Cannot open root device "vda1" or unknown-block(0,0): error -6',
        '[    2.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
        'ALERT!  /dev/disk/by-uuid/6a1c does not exist.  Dropping to a shell!',
        'Gave up waiting for root file system device.  Common problems:',
        '[  130.1] dracut-initqueue[372]: Warning: dracut-initqueue timeout - starting timeout scripts',
        '[  190.1] dracut-initqueue[372]: Warning: Could not boot.',
        'dracut Warning: /dev/mapper/vg-root does not exist',
        '[FAILED] Failed to mount \u001b[0m/sysroot.',
        'mount: mounting /dev/vda1 on /root failed: No such device',
        "switch_root: can't execute '/sbin/init'",
      ],
    ],
    [
      'out-of-memory',
      [
        '[  9.1] Out of memory: Killed process 412 (yum) total-vm:900000kB',
        '[  9.1] Kernel panic - not syncing: System is deadlocked on memory',
        '[  9.0] python3 invoked oom-killer: gfp_mask=0x100cca, order=0',
      ],
    ],
    [
      'fsck',
      [
        '/dev/vda1: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.',
        'The root filesystem on /dev/vda1 requires a manual fsck',
        '[FAILED] systemd-fsck: fsck failed with exit status 4',
        'Clear<y>? ',
      ],
    ],
    [
      'kernel-panic',
      [
        '[    1.6] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100',
        'Kernel panic - not syncing: No working init found.  Try passing init= option to kernel.',
      ],
    ],
    ['disk-full', ['cp: error writing /var/x: No space left on device', 'systemd-journald: Disk full']],
    [
      'emergency-mode',
      [
        'You are in emergency mode. After logging in, type "journalctl -xb" to view',
        'You are in rescue mode.',
        '[  OK  ] Reached target Emergency Mode.',
        '[  OK  ] Reached target emergency.target - Emergency Mode.',
        'Give root password for maintenance',
        'Press Enter for maintenance',
        'Entering emergency mode. Exit the shell to continue.',
        '(initramfs) ',
        'dracut:/# ',
      ],
    ],
    [
      'no-dhcp',
      [
        'No DHCPOFFERS received.',
        'udhcpc: no lease, failing',
        'eth0: DHCP discovery timed out',
        '[FAILED] Failed to start Raise network interfaces.',
        '[FAILED] Failed to start systemd-networkd-wait-online.service - Wait for Network to be Configured.',
      ],
    ],
  ]
  test.each(cases.flatMap(([name, lines]) => lines.map((line) => [name, line] as const)))('%s: %s', (name, line) => {
    expect(causeInLine(line)).toMatchObject({ name, line, text: expect.any(String), hint: expect.any(String) })
  })

  test.each([
    '[    0.5] Kernel command line: BOOT_IMAGE=/vmlinuz root=/dev/vda1 rescue_option=no',
    '[  OK  ] Started Emergency Shell Helper.',
    'DHCPACK of 192.168.200.2 from 192.168.200.1',
    '[  OK  ] Reached target Multi-User System.',
    '[    1.2] Memory: 170000K/196600K available',
    'fsck from util-linux 2.38.1',
    'mini login: ',
    '',
  ])('none: %s', (line) => {
    expect(causeInLine(line)).toBeUndefined()
  })
})

test('of two causes that which explains the other is told', () => {
  const root = causeInLine('VFS: Cannot open root device')
  const panic = causeInLine('Kernel panic - not syncing: x')
  if (root === undefined || panic === undefined) throw new Error('both are known')
  expect(moreTelling(undefined, panic)).toBe(panic)
  expect(moreTelling(panic, root)).toBe(root)
  expect(moreTelling(root, panic)).toBe(root)
})

const runs = (line: string): boolean => KERNEL_RUNS.some((pattern) => pattern.test(line))

test.each([
  '[    0.000000] Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org)',
  '[    1.234] evm: HMAC attrs: 0x1',
  'mini: init',
  'INIT: version 2.88 booting',
  '[  OK  ] Reached target Local File Systems.',
  'Welcome to Debian GNU/Linux 12 (bookworm)!',
  'debian login: ',
])('a kernel runs that prints %j', (line) => {
  expect(runs(line)).toBe(true)
})

test.each([
  'SeaBIOS (version 1.16.2-debian-1.16.2-1)',
  'iPXE (http://ipxe.org) 00:03.0 CA00 PCI2.10 PnP PMM',
  'Booting from Hard Disk...',
  'GRUB loading.',
  'Welcome to GRUB!',
  '*Debian GNU/Linux',
  'Loading initial ramdisk ...',
  'Loading initrd.img... ok',
  'SYSLINUX 6.04 EDD',
  'No bootable device.',
])('firmware and boot loaders are no kernel: %j', (line) => {
  expect(runs(line)).toBe(false)
})
