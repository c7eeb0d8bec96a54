/** What a guest's console says when a boot went wrong: a table, the telling ones first. */

export interface Cause {
  /** Stable, for programs. */
  readonly name: string
  /** For people: `kernel panic`. */
  readonly text: string
  /** The line of the console that says so; undefined when it was its silence. */
  readonly line: string | undefined
  readonly hint: string
}

interface KnownCause extends Omit<Cause, 'line'> {
  readonly patterns: readonly RegExp[]
}

/** In this order: of several that are seen in one boot the first is told. */
const KNOWN: readonly KnownCause[] = [
  {
    name: 'no-boot-device',
    text: 'no boot device',
    hint: 'is there a system on the first disk of the VM?',
    patterns: [
      /No bootable device/i,
      /Boot failed: not a bootable disk/i,
      /BdsDxe: No bootable option/i,
      /Operating System not found/i,
      /^Missing operating system/i,
      /^error: no such (partition|device|disk)/i,
      /Could not find kernel image/i,
    ],
  },
  {
    name: 'no-root-device',
    text: 'no root device',
    hint: 'the kernel or its initramfs does not find the root file system: is the bus of the disk (dev: vda, sda) what the image expects?',
    patterns: [
      /Unable to mount root fs/i,
      /Cannot open root device/i,
      /ALERT! +\S+ does not exist/i,
      /dracut-initqueue.*(timeout|Could not boot)/i,
      /dracut.*Warning: +\S+ does not exist/i,
      /Gave up waiting for (root|suspend\/resume) (file system )?device/i,
      /(root|device) '?\S+'? (not found|doesn't exist)\. (Dropping|You are being dropped)/i,
      /Failed to mount \S*sysroot/i,
      /mount: mounting .*on \/(root|sysroot|newroot) failed/i,
      /switch_root: can't/i,
    ],
  },
  {
    name: 'out-of-memory',
    text: 'out of memory',
    hint: 'give the VM more memory in the init file',
    patterns: [
      /Out of memory: (Kill|compulsory)/i,
      /System is deadlocked on memory/i,
      /invoked oom-killer/i,
      /oom-kill:/,
    ],
  },
  {
    name: 'fsck',
    text: 'a file system has to be repaired by hand',
    hint: 'repair it on the console, or make the disk anew',
    patterns: [
      /UNEXPECTED INCONSISTENCY/i,
      /RUN fsck MANUALLY/i,
      /requires a manual fsck/i,
      /fsck failed with (exit status|error code)/i,
      /Press enter to .*fsck|fsck.*\(y\/n\)|^(Fix|Clear|Force rewrite|Ignore error).*(<y>|\? yes)/i,
    ],
  },
  {
    name: 'kernel-panic',
    text: 'kernel panic',
    hint: 'the guest does not go on from here: look at what came before it',
    patterns: [/Kernel panic - not syncing/i],
  },
  {
    name: 'disk-full',
    text: 'a disk of the guest is full',
    hint: "make the guest's disk larger, or empty it",
    patterns: [/No space left on device/i, /\bENOSPC\b/, /disk (is )?full/i],
  },
  {
    name: 'emergency-mode',
    text: 'emergency mode',
    hint: 'systemd gave up and offers a shell on the console: a mount of /etc/fstab that is not there is the usual reason',
    patterns: [
      /You are in (emergency|rescue) mode/i,
      /Entering (emergency|rescue) (mode|shell)/i,
      /Reached target (emergency\.target|rescue\.target|Emergency Mode|Rescue Mode|.*Emergency Mode|.*Rescue Mode)/i,
      /Give root password for maintenance/i,
      /Press Enter for (system )?maintenance/i,
      /^\(initramfs\)/,
      /^(dracut|sh|emergency|rescue):\/#/,
    ],
  },
  {
    name: 'no-dhcp',
    text: 'no address by DHCP',
    hint: 'is there dhcp on the net of the init file, and does the guest ask on the right nic?',
    patterns: [
      /No DHCPOFFERS received/i,
      /DHCP.*(timed out|no lease|failed)/i,
      /udhcpc: no lease/i,
      /dhcpcd.*: timed out/i,
      /Failed to start .*(Raise network interfaces|Wait for Network|Network Manager Wait Online)/i,
    ],
  },
]

export function causeInLine(line: string): Cause | undefined {
  const known = KNOWN.find(({ patterns }) => patterns.some((pattern) => pattern.test(line)))
  return known === undefined ? undefined : { name: known.name, text: known.text, hint: known.hint, line }
}

/** The one to be told. */
export function moreTelling(one: Cause | undefined, other: Cause): Cause {
  if (one === undefined) return other
  return rank(other) < rank(one) ? other : one
}

function rank({ name }: Cause): number {
  return KNOWN.findIndex((known) => known.name === name)
}

/** For a guest that has printed nothing and answered nobody. */
export const SILENCE: Cause = {
  name: 'no-boot-device',
  text: 'no boot device, or nothing on it that uses the serial console (it printed nothing)',
  line: undefined,
  hint: 'is there a system on the first disk of the VM? does its kernel have console=ttyS0?',
}

/** kernel/panic.c prints it last, and only when the kernel is not going to reboot. */
export const PANIC_STAYS = /---\[ end Kernel panic/

/** Lines that a kernel prints when it begins. */
export const KERNEL_BEGINS = /Linux version \d|Booting Linux on physical CPU/

/** Lines that firmware and boot loaders do not print; a kernel with `quiet` leaves the first ones to its init. */
export const KERNEL_RUNS: readonly RegExp[] = [
  KERNEL_BEGINS,
  /^\[ *\d+\.\d{3,6}\] /,
  /\binit\b/i,
  /^\[ *(OK|FAILED|DEPEND|\*+) *\]/,
  /systemd\[\d+\]/,
  /^Starting version \d/,
  /^Welcome to (?!GRUB)/,
  /\blogin: ?$/,
  /^The FreeBSD Project|^(FreeBSD|OpenBSD|NetBSD) \d/,
]
