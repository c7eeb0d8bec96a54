/**
 * The vocabulary of the init file: the one source of the checks, the types and the JSON Schema for editors.
 *
 * Unknown keys pass everywhere, as upstream accepts them; `structure.ts` warns about them. The `error` of every value
 * says what is allowed, in words that fit behind "is not" and "expected": `structure.ts` relies on it. Nothing is
 * converted here, so that what editors check and what is checked here stay the same.
 * Source: spec 3.3 to 3.9. `accel` is new.
 */
import { z } from 'zod'
import { isMapping } from './findings.js'
import { IPV6_ERROR, IPV6_PATTERN } from './net-values.js'
import { BOOTSTRAP_WISHES, NET_TYPES, type BootstrapWish } from './types.js'

export const DISK_TYPES = ['template', 'empty', 'file'] as const
/** The only program that `build` steps can name (spec 3.8). */
export const BUILD_COMMAND = 'virt-customize'
/** Longest name of a domain, net or disk: two of them and a suffix must fit into a file name. */
export const MAX_NAME_LENGTH = 100
export const NAME_PATTERN = new RegExp(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,${MAX_NAME_LENGTH - 1}}$`)
/** What qemu-img takes: a number, fractions allowed, and a unit of 1024; bytes without one. */
export const SIZE_PATTERN = /^[0-9]+(\.[0-9]+)?[bBkKmMgGtTpPeE]?$/

/** A variable may hold any part of it. */
const URL_PATTERN = /^(https?:\/\/|file:\/\/|\$)\S+$/i

/* eslint-disable no-control-regex -- control characters are what is kept out; \p{Cc} is not known to every editor */
const PLAIN_TEXT = /^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]+$/
/** Nothing that ssh could take for an option, or sftp for a host and a path; passwd(5) has no colons in names. */
const USER_NAME = /^[^-\s:/\u0000-\u001f\u007f-\u009f][^\s:/\u0000-\u001f\u007f-\u009f]*$/
/* eslint-enable no-control-regex */

const TRUE_WORDS = ['true', 'yes', 'on', '1'].flatMap(spellings)
const FALSE_WORDS = ['false', 'no', 'off', '0'].flatMap(spellings)

const text = (error = 'a text'): z.ZodString =>
  z.string({ error }).regex(PLAIN_TEXT, { error: `${error} without control characters` })

const texts = (error: string): z.ZodArray<z.ZodString> => z.array(text(), { error })

const name = (what: string): z.ZodString =>
  z.string({ error: `a name for the ${what}` }).regex(NAME_PATTERN, { error: NAME_WORDS })

const NAME_WORDS = `a name: 1 to ${MAX_NAME_LENGTH} letters, digits, ".", "_" or "-", not beginning with "." or "-"`

const count = (error: string): z.ZodType<number | string> =>
  z.union(
    [
      z.int({ error }).min(1, { error }).max(999_999_999, { error }),
      z.string().regex(/^0*[1-9][0-9]{0,8}$/, { error }),
    ],
    {
      error,
    },
  )

const numberWithin = (
  from: number,
  to: number,
  error: string = `a whole number from ${from} to ${to}`,
): z.ZodType<number | string> => {
  const fits = (value: string): boolean => Number(value) >= from && Number(value) <= to
  const digits = z
    .string()
    .regex(/^[0-9]{1,9}$/, { error })
    .refine(fits, { error })
  return z.union([z.int({ error }).min(from, { error }).max(to, { error }), digits], { error })
}

const flag = (): z.ZodType<boolean | string> => {
  const error = 'true or false'
  return z.union([z.boolean(), z.enum([...TRUE_WORDS, ...FALSE_WORDS], { error })], { error })
}

const password = (whose: string): z.ZodType<number | string> => {
  const error = `a password for ${whose}`
  return z.union([text(error), z.int({ error })], { error })
}

const metadata = (): z.ZodRecord<z.ZodString, z.ZodUnknown> => z.record(z.string(), z.unknown(), { error: 'a mapping' })

export const nicSchema = z
  .looseObject(
    {
      net: name('net').describe('Name of a net of this file'),
      ip: z
        .ipv4({ error: 'an IPv4 address' })
        .optional()
        .describe(
          'Static address. Its last number counts; the others follow the subnet that the net gets, so 0.0.0.5 will do',
        ),
    },
    { error: 'a mapping with the keys of a nic: net, ip' },
  )
  .meta({ id: 'nic', description: 'A network card' })

const buildSteps = z
  .array(
    z
      .record(z.string(), z.record(z.string(), z.unknown(), { error: 'a mapping of options' }).nullable(), {
        error: 'a mapping with one key',
      })
      .nullable(),
    { error: 'a list of build steps' },
  )
  .describe(`Steps run on the disk before the first start; each is a mapping with the one key ${BUILD_COMMAND}`)

const diskCommon = {
  name: name('disk').describe('Part of the image file name'),
  dev: z
    .string({ error: 'a target device, such as vda' })
    .regex(/^(vd|sd|hd)[a-z]{1,3}$/, { error: 'a target device: vda.. (virtio), sda.. (virtio-scsi) or hda.. (ide)' })
    .describe('Target device: vda (virtio), sda (virtio-scsi) or hda (ide)'),
  metadata: metadata().optional().describe('Facts about the disk, merged with those of the template, which win'),
  build: buildSteps.optional(),
  'skip-export': flag().optional().describe('Leave the disk out of export'),
  comment: z.unknown().optional().describe('Ignored'),
}

const size = (): z.ZodType<number | string> => {
  const error = 'a size, such as 10G'
  return z.union([z.string().regex(SIZE_PATTERN, { error }), z.int({ error }).min(0, { error })], { error })
}

const url = (): z.ZodString =>
  text('a URL').regex(URL_PATTERN, { error: 'a URL of http, https or file; $NAMES are expanded' })

const checksum = (): z.ZodString =>
  text('a checksum').describe(
    'What the file must have: sha256:HEX (sha1, sha512), or the path or URL of a file with sums',
  )

const templateDisk = z.looseObject({
  type: z.literal('template').describe('A disk laid over a template of the repository, or over a qcow2 file of yours'),
  ...diskCommon,
  format: z.literal('qcow2', { error: 'qcow2, the one format of a template disk' }).optional(),
  template_name: text('the name of a template').optional().describe('Name of the template in the repository'),
  template_version: text('a template version (put numbers in quotes)')
    .optional()
    .describe('Version of the template; without it the one with the latest timestamp'),
  template_type: z
    .enum(['lago', 'qcow2'], { error: 'one of lago, qcow2' })
    .optional()
    .describe('lago: from the repository (the default); qcow2: "path" is the file to lay the disk over'),
  path: text('a path').optional().describe('For template_type qcow2: the file; $NAMES are expanded'),
  size: size().optional().describe('Size of the disk, when larger than the template: 20G'),
})

const emptyDisk = z.looseObject({
  type: z.literal('empty').describe('A new disk without content'),
  ...diskCommon,
  format: z.enum(['qcow2', 'raw'], { error: 'one of qcow2, raw' }).optional().describe('Default: qcow2'),
  size: size().describe('Size as qemu-img takes it: 512M, 10G, 1.5T; bytes without a unit'),
})

const fileDisk = z.looseObject({
  type: z.literal('file').describe('A disk image that exists already'),
  ...diskCommon,
  format: z
    .enum(['qcow2', 'raw', 'iso'], { error: 'one of qcow2, raw, iso' })
    .describe('Format of the file; iso becomes a cdrom'),
  path: text('the path of the disk image').optional().describe('The file; $NAMES and ${NAMES} are expanded'),
  url: url().optional().describe('Fetched to "path" unless it is there, or into the environment without a path'),
  checksum: checksum().optional(),
  make_a_copy: flag()
    .optional()
    .describe('Copy the file into the environment; without it the file itself is used and modified'),
})

/** The keys that a disk of each type may have. */
export const DISK_KEYS = {
  template: Object.keys(templateDisk.shape),
  empty: Object.keys(emptyDisk.shape),
  file: Object.keys(fileDisk.shape),
} as const

const DISK_TYPE_WORDS = `one of ${DISK_TYPES.join(', ')}`

export const diskSchema = z
  .discriminatedUnion('type', [templateDisk, emptyDisk, fileDisk], {
    error: ({ input }) => (isMapping(input) ? DISK_TYPE_WORDS : 'a mapping with the keys of a disk'),
  })
  .meta({ id: 'disk', description: 'A disk; the first disk of a VM is the one it boots from' })

const domainMetadata = z.looseObject(
  {
    'deploy-scripts': texts('a list of script paths')
      .optional()
      .describe('Local scripts that "lago deploy" runs in the VM'),
    'ovirt-scripts': texts('a list of script paths').optional().meta({
      description: 'Old name of deploy-scripts; used only when that is empty',
      deprecated: true,
    }),
  },
  { error: 'a mapping' },
)

export const domainSchema = z
  .looseObject(
    {
      'based-on': text('the name of a prototype')
        .optional()
        .describe('Prototype whose keys are copied where missing here'),
      memory: count('a whole number of MiB above 0, such as 1024').optional().describe('Memory in MiB; default 16384'),
      vcpu: count('a whole number above 0').optional().describe('Virtual CPUs; default 2'),
      cpu: z.unknown().optional().meta({ description: 'Ignored; use vcpu', deprecated: true }),
      cpu_model: text('a libvirt CPU model').optional().describe("libvirt's name of a CPU model, matched exactly"),
      cpu_custom: z
        .record(z.string(), z.unknown(), { error: 'a mapping' })
        .optional()
        .describe("libvirt's <cpu> element as a mapping: attributes start with @, text is #text"),
      accel: z
        .enum(['auto', 'kvm', 'tcg'], { error: 'one of auto, kvm, tcg' })
        .optional()
        .describe('Acceleration: kvm, tcg (emulation), or auto, which tries kvm first'),
      nics: z.array(nicSchema, { error: 'a list of nics' }).optional().describe('Network cards, eth0 first'),
      disks: z.array(diskSchema, { error: 'a list of disks' }).optional().describe('Disks, the boot disk first'),
      metadata: domainMetadata.optional().describe('Free facts about the VM, and its deploy-scripts'),
      artifacts: texts('a list of paths in the guest').optional().describe('Guest paths that "lago collect" fetches'),
      groups: z
        .union([texts('a list of group names'), text()], { error: 'a group name or a list of them' })
        .optional()
        .describe('Ansible groups of the VM'),
      'root-password': password('root')
        .optional()
        .describe(
          'Password of root: given to the guest by its bootstrap, as a hash where that is possible, and shown by status',
        ),
      'ssh-user': z
        .string({ error: 'a user name' })
        .regex(USER_NAME, { error: 'a user name' })
        .optional()
        .describe('User for ssh; default root'),
      'ssh-password': password('ssh').optional().describe('Password for ssh; default 123456'),
      'vm-type': text('a VM type').optional().describe('Kind of VM; default "default"'),
      'vm-provider': text('a VM provider')
        .optional()
        .describe('local-libvirt (default), or ssh for a machine that exists'),
      service_provider: text('a service provider')
        .optional()
        .describe('systemd, sysvinit or systemdcontainer; default: looked up'),
      service_class: z.unknown().optional().meta({ description: 'Ignored; use service_provider', deprecated: true }),
      'guest-agent': text('the name of a service')
        .optional()
        .describe('Service name of the QEMU guest agent; default: looked up'),
      distro: text('the name of a distribution').optional().describe("Default: from the first disk's metadata"),
      bootstrap: z
        .union([z.boolean(), z.enum([...TRUE_WORDS, ...FALSE_WORDS, ...BOOTSTRAP_WISHES])], {
          error: `true, false, or one of ${BOOTSTRAP_WISHES.join(', ')}`,
        })
        .optional()
        .describe(
          "How the guest is told its name and its owner's key: true or auto (the default) by what the image has; false or none: not at all",
        ),
      'user-data': z
        .union([z.string().min(1), z.record(z.string(), z.unknown())], {
          error: 'a mapping with keys of cloud-init, or a text that begins with #cloud-config or #!',
        })
        .optional()
        .describe('For cloud-init, merged with what Lago says: a mapping of its keys, or a text that is its user data'),
      boot_time_sec: count('a whole number of seconds above 0')
        .optional()
        .describe('Limit of the wait for ssh; default 600'),
      'skip-export': flag().optional().describe('Leave the VM out of export'),
      type: z.unknown().optional().describe('"ova": memory, CPUs and first disk come from the archive at "url"'),
      url: url().optional().describe('The archive of a VM of type ova'),
      checksum: checksum().optional(),
      name: z.unknown().optional().describe('Ignored: the name is the key'),
      comment: z.unknown().optional().describe('Ignored'),
    },
    { error: 'a mapping with the keys of a VM' },
  )
  .meta({ id: 'domain', description: 'A virtual machine' })

const ipv4 = (): z.ZodType<string> => z.ipv4({ error: 'an IPv4 address' })

const rangeEnd = (): z.ZodType<number | string> => {
  const error = 'a number counted from the address of the subnet, or an IPv4 address'
  return z.union([numberWithin(1, 65_534, error), z.ipv4({ error })], { error })
}

export const dhcpSchema = z.looseObject(
  {
    start: rangeEnd().describe('First address, or its number in the subnet: in a /24 its last number'),
    end: rangeEnd().describe('Last address, inclusive, or its number in the subnet'),
  },
  { error: 'a mapping with start and end' },
)

const forwarderSchema = z.union([z.string(), z.looseObject({ addr: z.string(), domain: z.string().optional() })], {
  error: 'an address, or a mapping with addr and perhaps domain',
})

const SUBNET_ERROR = 'a subnet as 10.20.0.0/20, or its length as /20'

export const netSchema = z
  .looseObject(
    {
      type: z
        .enum(NET_TYPES, { error: `one of ${NET_TYPES.join(', ')}` })
        .optional()
        .describe(
          'nat (default): a network of its own; isolated: one without a way out; routed: one whose addresses others ' +
            'know the way to; bridge: a bridge of the host',
        ),
      bridge: z
        .string({ error: 'the name of a bridge of this host' })
        .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, { error: 'the name of a bridge of this host' })
        .optional()
        .describe('For the type bridge: a bridge that is there, and that is left as it is; default: one is made'),
      management: flag().optional().describe('The net that ssh and DNS use; without any, the first by name'),
      dhcp: dhcpSchema.optional().describe('Range of dynamic addresses; without it there is no DHCP server'),
      subnet: z
        .string({ error: SUBNET_ERROR })
        .regex(/^[0-9.]*\/[0-9]{1,2}$/, { error: SUBNET_ERROR })
        .optional()
        .describe('A private one as 10.20.0.0/20, or the length of a free one as /20; default: a free /24'),
      gw: ipv4().optional().describe('Address of the gateway; default: the first of the subnet'),
      ipv6: z
        .union([flag(), z.string().regex(IPV6_PATTERN, { error: IPV6_ERROR })], { error: IPV6_ERROR })
        .optional()
        .describe('false: none; else the /64 to use; default: one made of the subnet'),
      dns_domain_name: text('a DNS domain').optional().describe('Default on management nets: lago.local'),
      dns_records: z
        .record(z.string(), ipv4(), { error: 'a mapping of names to addresses' })
        .optional()
        .describe('Names that the DNS server answers beside those of the VMs'),
      dns_forwarders: z
        .array(forwarderSchema, { error: 'a list of DNS servers' })
        .optional()
        .describe(
          'DNS servers to ask for other names, for all or for those below a domain; default: those of the host',
        ),
      main_dns: flag().optional().meta({ description: 'Ignored', deprecated: true }),
      mtu: numberWithin(68, 65_535).optional().describe('Default 1500'),
      name: z.unknown().optional().describe('Ignored: the name is the key'),
      comment: z.unknown().optional().describe('Ignored'),
    },
    { error: 'a mapping with the keys of a net (write {} for the defaults)' },
  )
  .meta({ id: 'net', description: 'A network' })

const named = <T extends z.ZodType>(values: T, error: string): z.ZodRecord<z.ZodString, T> =>
  // names are checked in names.ts, so that a bad one does not hide what else is wrong below it
  z.record(z.string(), values, { error }).meta({ propertyNames: { pattern: NAME_PATTERN.source } })

export const initFileSchema = z
  .looseObject({
    domains: named(domainSchema, 'a mapping of VMs by name').describe('The virtual machines, by name'),
    nets: named(netSchema, 'a mapping of nets by name').optional().describe('The networks, by name; at least one'),
    prototypes: z
      .record(z.string(), domainSchema, { error: 'a mapping of prototypes by name' })
      .optional()
      .describe('Keys that several VMs share, taken in by "based-on"'),
  })
  .describe('A Lago environment. Other top-level keys are ignored, so they may hold anchors')

export type DiskInput = z.infer<typeof diskSchema>
export type NetInput = z.infer<typeof netSchema>

/** `true` and `false` keep upstream's meaning (spec 3.3). */
export function bootstrapOf(value: unknown): BootstrapWish {
  const wish = BOOTSTRAP_WISHES.find((name) => name === value)
  return wish ?? (value === undefined || flagOf(value) ? 'auto' : 'none')
}

/** True for the spellings of true, false for everything else. */
export function flagOf(value: unknown): boolean {
  return value === true || (typeof value === 'string' && TRUE_WORDS.includes(value))
}

function spellings(word: string): string[] {
  return [...new Set([word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()])]
}
