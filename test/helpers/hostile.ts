/** Values that break out of their place where somebody forgets to quote, and every place of an init file for them. */
import type { z } from 'zod'

/** Stands in every hostile text, so that what became of it can be found again. */
export const MARK = 'hx7'

/** One of each kind, for every place. */
export const WORST_TEXTS: readonly string[] = [
  `${MARK}'"\\`,
  `$(touch /tmp/${MARK})`,
  `a\n${MARK}: b`,
  `../../../${MARK}`,
  `-${MARK}`,
  `<${MARK} a='1'/>`,
  `${MARK}\u0000b`,
  `${MARK}\ud800`,
]

export const HOSTILE_TEXTS: readonly string[] = [
  ...WORST_TEXTS,
  `'; touch /tmp/${MARK}; '`,
  `\`touch /tmp/${MARK}\``,
  `\${IFS}${MARK}|&;<>*?[a]~#!`,
  `a\r\n[${MARK}]`,
  `\t${MARK}\t`,
  `/../${MARK}`,
  `..`,
  `${MARK}/../../..`,
  `--${MARK}=x`,
  `-oProxyCommand=${MARK}`,
  `]]>&lt;<![CDATA[${MARK}]]>`,
  `<!DOCTYPE ${MARK} [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;`,
  `&#0;&#x41;&${MARK};`,
  `<!-- ${MARK} -->`,
  `${MARK}\u0001\u001b[31m\u007f\u009b`,
  `\udfff${MARK}`,
  `${MARK}\ufffe\uffff\ufeff`,
  `\u202e${MARK}\u2066\u200f`,
  `e\u0301${MARK}\u0336\u{1f4a9}\u2028\u2029`,
  MARK.repeat(3400),
  `${MARK},file=/etc/passwd,,backing_file=x`,
  `json:{"driver":"file","filename":"/etc/${MARK}"}`,
  `${MARK}@host:22/path?query#fragment%0a%`,
  '__proto__',
  'constructor',
  'toString',
  '',
  ' ',
]

export const HOSTILE_VALUES: readonly unknown[] = [
  ...HOSTILE_TEXTS,
  ...[0, -1, 1e308, -0.5, Number.MAX_SAFE_INTEGER + 2, true, null, [], {}, [[]], [MARK, `$(${MARK})`], { [MARK]: '"' }],
]

export type Place = readonly (string | number)[]

/** A value, or, with `key`, the name of one, that the init file's author chooses. */
export interface HostilePlace {
  readonly place: Place
  readonly key: boolean
}

export interface Walk {
  /** In the order of the specimen. */
  readonly places: readonly HostilePlace[]
  /** Fields of the vocabulary, as `domains.*.disks.#empty.size`, that the specimen has no value of. */
  readonly missing: readonly string[]
}

/** Every place of `specimen` that `schema` lets an author fill, and what of the schema the specimen does not show. */
export function walkSchema(schema: z.ZodType, specimen: unknown): Walk {
  const places: HostilePlace[] = []
  const all = new Set<string>()
  const shown = new Set<string>()
  list(schema, '', all)
  visit(schema, specimen, [], '')
  return { places, missing: [...all].filter((field) => !shown.has(field)) }

  function visit(schema: z.ZodType, value: unknown, place: Place, field: string): void {
    const type = bare(schema)
    shown.add(field)
    if (place.length > 0) places.push({ place, key: false })
    if (type.type === 'object' && isRecord(value)) {
      for (const [key, item] of Object.entries(value)) {
        const known = type.shape?.[key]
        if (known === undefined) freely(item, [...place, key])
        else visit(known, item, [...place, key], `${field}.${key}`)
      }
      places.push({ place: [...place, 'unknown-key'], key: true })
    } else if (type.type === 'record' && isRecord(value))
      for (const [key, item] of Object.entries(value)) {
        places.push({ place: [...place, key], key: true })
        if (type.valueType !== undefined) visit(type.valueType, item, [...place, key], `${field}.*`)
      }
    else if (type.type === 'array' && Array.isArray(value))
      for (const [index, item] of value.entries())
        if (type.element !== undefined) visit(type.element, item, [...place, index], `${field}.#`)
        else freely(item, [...place, index])
    else if (type.type === 'union') {
      const fitting = (type.options ?? []).filter((option) => option.safeParse(value).success)
      places.pop() // each option names the place itself
      for (const option of fitting.slice(0, 1)) visit(option, value, place, `${field}${variant(option)}`)
    } else if (type.type === 'unknown') {
      places.pop()
      freely(value, place)
    }
  }

  /** What the vocabulary says nothing of. */
  function freely(value: unknown, place: Place): void {
    places.push({ place, key: false })
    if (typeof value !== 'object' || value === null) return
    for (const [key, item] of Object.entries(value)) {
      const at = Array.isArray(value) ? Number(key) : key
      if (typeof at === 'string') places.push({ place: [...place, at], key: true })
      freely(item, [...place, at])
    }
  }
}

/** A part of the vocabulary that several places share counts where it comes first. */
function list(schema: z.ZodType, field: string, all: Set<string>, listed = new Set<SchemaType>()): void {
  const type = bare(schema)
  if (type.type === 'union' && (type.options ?? []).some((option) => variant(option) !== '')) {
    for (const option of type.options ?? []) list(option, `${field}${variant(option)}`, all, listed)
    return
  }
  all.add(field)
  if (type.shape !== undefined && listed.has(type)) return
  listed.add(type)
  for (const [key, item] of Object.entries(type.shape ?? {})) list(item, `${field}.${key}`, all, listed)
  if (type.type === 'record' && type.valueType !== undefined) list(type.valueType, `${field}.*`, all, listed)
  if (type.type === 'array' && type.element !== undefined) list(type.element, `${field}.#`, all, listed)
}

/** `empty` for the disks of that type. */
function variant(schema: z.ZodType): string {
  const type = bare(schema)
  const literal = type.shape?.['type']
  const values = literal === undefined ? undefined : bare(literal).values
  return values === undefined ? '' : String(values[0])
}

interface SchemaType {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly values?: readonly unknown[]
}

/** zod's own description of a schema, without what may be left out or null. */
function bare(schema: z.ZodType): SchemaType {
  const type = schema.def as unknown as SchemaType // the members of zod 4's definitions that are read here
  return type.innerType === undefined ? type : bare(type.innerType)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `root` with another value, or another name of it, at one place; undefined: the name is taken there. */
export function withHostile(root: unknown, { place, key }: HostilePlace, hostile: unknown): unknown {
  const [first, ...rest] = place
  if (first === undefined) return hostile
  if (Array.isArray(root))
    return root.map((item: unknown, index) =>
      index === first ? withHostile(item, { place: rest, key }, hostile) : item,
    )
  const entries = Object.entries(isRecord(root) ? root : {})
  const has = entries.some(([name]) => name === first)
  const all = has ? entries : [...entries, [String(first), 'value'] as const]
  return Object.fromEntries(
    all.map(([name, item]) => {
      if (name !== first) return [name, item]
      if (rest.length > 0 || !key) return [name, withHostile(item, { place: rest, key }, hostile)]
      return [String(hostile), item]
    }),
  )
}

/** An init file in which every field of the vocabulary has a value that is right. */
export function specimen(files: { readonly dir: string; readonly build?: boolean }): unknown {
  const { dir, build = true } = files
  const common = { metadata: { fact: 'of a disk', deep: { er: ['x'] } }, 'skip-export': true, comment: 'a word' }
  const steps = build ? { build: [{ 'virt-customize': { run: 'a-script', 'root-password': 'x' } }, null] } : {}
  const vm0 = {
    'based-on': 'small',
    memory: 64,
    vcpu: 1,
    cpu: 'old',
    cpu_model: 'Haswell',
    accel: 'tcg',
    nics: [{ net: 'lago', ip: '192.168.200.7' }, { net: 'other' }],
    disks: [
      {
        type: 'template',
        name: 'root',
        dev: 'vda',
        format: 'qcow2',
        template_name: 'tiny',
        template_version: 'v1',
        template_type: 'lago',
        path: 'not-read',
        size: '1M',
        ...steps,
        ...common,
      },
      { type: 'empty', name: 'more', dev: 'sda', format: 'qcow2', size: '1M', ...steps, ...common },
      {
        type: 'file',
        name: 'own',
        dev: 'vdb',
        format: 'raw',
        path: `${dir}/own.raw`,
        make_a_copy: true,
        ...steps,
        ...common,
      },
      {
        type: 'file',
        name: 'far',
        dev: 'vdc',
        format: 'raw',
        url: `file://${dir}/own.raw`,
        checksum: `${dir}/sums`,
        ...steps,
        ...common,
      },
    ],
    metadata: { 'deploy-scripts': [`${dir}/script.sh`], 'ovirt-scripts': [`${dir}/script.sh`], fact: 'of a VM' },
    artifacts: ['/var/log', 'notes*.txt'],
    groups: ['web', 'db'],
    'root-password': 'secret-r',
    'ssh-user': 'admin',
    'ssh-password': 'secret-s',
    'vm-type': 'default',
    'vm-provider': 'local-libvirt',
    service_provider: 'systemd',
    service_class: 'old',
    'guest-agent': 'qemu-ga',
    distro: 'debian',
    bootstrap: 'cloud-init',
    'user-data': { packages: ['vim'], runcmd: [['echo', 'x']] },
    boot_time_sec: 60,
    'skip-export': false,
    type: 'ordinary',
    url: `file://${dir}/machine.ova`,
    checksum: `${dir}/sums`,
    name: 'ignored',
    comment: 'ignored',
  }
  const vm1 = {
    memory: '64',
    vcpu: '1',
    cpu_custom: {
      '@mode': 'custom',
      model: { '@fallback': 'allow', '#text': 'Haswell' },
      feature: [{ '@name': 'svm' }],
    },
    nics: [{ net: 'lago' }],
    disks: [
      { type: 'template', template_type: 'qcow2', name: 'root', dev: 'vda', path: `${dir}/layer.qcow2` },
      { type: 'empty', name: 'raw', dev: 'hda', format: 'raw', size: 1_048_576 },
    ],
    groups: 'web',
    bootstrap: true,
    'user-data': '#cloud-config\npackages: [vim]\n',
    'ssh-password': 123456,
  }
  return {
    domains: { vm0, vm1 },
    nets: {
      lago: {
        type: 'nat',
        management: true,
        dhcp: { start: 100, end: '254' },
        subnet: '192.168.200.0/24',
        gw: '192.168.200.1',
        ipv6: 'fd00:1:2:3::/64',
        dns_forwarders: ['10.0.0.53', { addr: '10.0.0.54', domain: 'corp.example' }],
        dns_domain_name: 'lago.local',
        dns_records: { mirror: '10.0.0.1', other_one: '10.0.0.2' },
        main_dns: true,
        mtu: 9000,
        name: 'ignored',
        comment: 'ignored',
      },
      other: { type: 'bridge', bridge: 'br0' },
    },
    prototypes: { small: { memory: 128, artifacts: ['/etc/hosts'] } },
  }
}
