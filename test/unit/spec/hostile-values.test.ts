/**
 * Hostile values in every place of an init file, against a model that is safe: the file is refused in words, or the value
 * goes through unchanged and stays one value wherever it comes out.
 */
import { basename } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { isLagoError } from '../../../src/base/errors.js'
import { renderUserData } from '../../../src/bootstrap/cloud-init/user-data.js'
import { networkXml } from '../../../src/net/network-xml.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import { templateKey } from '../../../src/plan/disks.js'
import type { EnvPlan } from '../../../src/plan/types.js'
import { decodeEnv, encodeEnv } from '../../../src/prefix/codec.js'
import { pathExpander } from '../../../src/prefix/named-files.js'
import { valueAt } from '../../../src/spec/findings.js'
import { parseInitFile } from '../../../src/spec/load.js'
import { initFileSchema } from '../../../src/spec/schema.js'
import type { EnvSpec } from '../../../src/spec/types.js'
import { domainXml, type MachineFacts } from '../../../src/vm/libvirt/domain-xml.js'
import { planFacts, PREFIX_DIR, UUID } from '../../helpers/env-spec.js'
import {
  HOSTILE_TEXTS,
  HOSTILE_VALUES,
  MARK,
  specimen,
  walkSchema,
  withHostile,
  WORST_TEXTS,
  type HostilePlace,
} from '../../helpers/hostile.js'
import { identityOf } from '../../helpers/identity.js'

const SPECIMEN = specimen({ dir: '/home/u' })
const { places, missing } = walkSchema(initFileSchema, SPECIMEN)

const machine: MachineFacts = {
  domainType: 'qemu',
  arch: 'x86_64',
  emulator: '/usr/bin/qemu-system-x86_64',
  machineType: 'pc',
  hostCpu: undefined,
  cpuModels: undefined,
  supportsMtu: true,
  credentials: [],
  consoleLogPath: `${PREFIX_DIR}/logs/console.log`,
  limitsRates: true,
}

test('the specimen has a value for every field of the vocabulary', () => {
  expect(missing).toEqual([])
  expect(places.length).toBeGreaterThan(150)
})

test('the specimen itself is taken, and names what it shows', async () => {
  expect(await outcomeOf(SPECIMEN)).toMatchObject({ xml: { 'vm vm0': expect.stringContaining('Haswell') } })
})

const labelled = places.map((place) => [`${place.key ? 'name of ' : ''}${place.place.join('.')}`, place] as const)

test.each(labelled)('%s: a hostile value is refused, or kept as it is', async (_label, place) => {
  const base = await outcomeOf(SPECIMEN)
  for (const value of valuesFor(place)) await expectSafe(base, place, value)
})

/** Those that have done the most harm in the world, and a share of the others, another one for each place. */
function valuesFor(place: HostilePlace): readonly unknown[] {
  const others = (place.key ? HOSTILE_TEXTS : HOSTILE_VALUES).filter((value) => !WORST_TEXTS.includes(String(value)))
  const first = places.indexOf(place) * OTHERS
  return [...WORST_TEXTS, ...Array.from({ length: OTHERS }, (_, index) => others[(first + index) % others.length])]
}

const OTHERS = 4

test('any text in any place is refused, or kept as it is', async () => {
  const base = await outcomeOf(SPECIMEN)
  const text = fc
    .array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'grapheme' })))
    .map((parts) => `${parts.join('')}${MARK}`)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), text, async (place, value) => expectSafe(base, place, value)),
    { numRuns: 300 },
  )
})

interface Outcome {
  readonly spec: EnvSpec
  readonly plan: EnvPlan
  readonly xml: Readonly<Record<string, string>>
}

async function expectSafe(base: Outcome, place: HostilePlace, value: unknown): Promise<void> {
  const file = withHostile(SPECIMEN, place, value)
  const about = `${place.place.join('.')} = ${JSON.stringify(value).slice(0, 80)}`
  const outcome = await outcomeOf(file).catch((error: unknown) => {
    if (isLagoError(error, 'LAGO_SPEC_INVALID') || isLagoError(error, 'LAGO_USER_DATA')) return undefined
    throw new Error(`${about}: ${String(error)}`, { cause: error })
  })
  if (outcome === undefined) return
  expectKept(outcome, file, place)
  expectWithinPrefix(outcome)
  for (const [name, xml] of Object.entries(outcome.xml)) {
    const of = base.xml[name]
    expect([about, XMLValidator.validate(xml)]).toEqual([about, true])
    if (of !== undefined && !changesShape(place)) expect([about, shapeOf(xml)]).toEqual([about, shapeOf(of)])
    if (place.key && place.place.includes('cpu_custom')) continue // names of elements, of which the parser lets not all pass
    expect([about, namesOf(xml).filter((found) => found.includes(MARK) && !changesShape(place))]).toEqual([about, []])
    if (typeof value === 'string' && value.includes(MARK) && !place.key)
      expect([about, textsOf(xml).filter((text) => text.includes(MARK) && !comesOf(text, value))]).toEqual([about, []])
  }
}

/** What was written is what is known, and what is read back from the prefix. */
function expectKept({ spec, plan }: Outcome, file: unknown, { place }: HostilePlace): void {
  const [section, name, ...rest] = place
  if (section === 'prototypes' || rest.length === 0) return
  const raw = section === 'nets' ? spec.nets.get(String(name))?.raw : spec.domains.get(String(name))?.raw
  expect(valueAt(raw, rest)).toEqual(valueAt(file, place))
  const encoded = encodeEnv(plan, PREFIX_DIR)
  const read = decodeEnv(written(encoded), PREFIX_DIR, UUID)
  expect(written(encodeEnv(read, PREFIX_DIR))).toEqual(written(encoded))
}

/** Through the bytes of its files. */
function written(encoded: ReturnType<typeof encodeEnv>): ReturnType<typeof encodeEnv> {
  const through = (value: unknown): unknown =>
    JSON.parse(Buffer.from(JSON.stringify(value), 'utf8').toString('utf8')) as unknown
  const all = (map: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> =>
    new Map([...map].map(([name, value]) => [name, through(value)]))
  const { metadata, env, nets, vms } = encoded
  return { metadata: through(metadata), env: through(env), nets: all(nets), vms: all(vms) }
}

/** What Lago makes itself is an image of the prefix, by a name that is one; other files stand where the author says. */
function expectWithinPrefix({ plan }: Outcome): void {
  for (const { disks } of plan.vms.values())
    for (const { path, spec } of disks) {
      if (spec.type === 'file' && !spec.copy && spec.remote === undefined) continue
      if (spec.type === 'file' && spec.rawPath !== undefined && !spec.copy) continue
      expect(path).toMatch(/^\/w\/\.lago\/default\/images\/[^/\0]+$/)
      expect(path).not.toMatch(/\/\.{1,2}$/)
    }
}

/** Where an author writes elements of the XML, and where a value decides which there are, and how many. */
function changesShape({ place }: HostilePlace): boolean {
  const [last] = place.filter((segment) => typeof segment === 'string').slice(-1)
  return place.length <= 2 || place.includes('cpu_custom') || SHAPING.includes(String(last))
}

const SHAPING = [
  ...['cpu_model', 'vcpu', 'nics', 'net', 'disks', 'type', 'dev', 'format', 'template_type', 'based-on'],
  ...['dns_records', 'dns_domain_name', 'management', 'mtu', 'dhcp', 'unknown-key'],
]

/** Whole, as a path, or as the name of a copy. */
function comesOf(text: string, value: string): boolean {
  const path = expand(value)
  return text.includes(value) || text.includes(path) || text.endsWith(`/${basename(path)}`)
}

const expand = pathExpander({ vars: { HOME: '/home/u' }, cwd: '/w', prefixDir: PREFIX_DIR })

/** All that is made of an init file before anything is written: the plan, and the XML that libvirt is given. */
async function outcomeOf(file: unknown): Promise<Outcome> {
  const { spec } = await parseInitFile(JSON.stringify(file), '/w/LagoInitFile', {
    vmTypes: ['default'],
    providers: ['local-libvirt'],
    services: ['systemd'],
    fileProblem: async (rawPath) => (expand(rawPath) === '/' ? 'is a directory' : undefined),
  })
  const facts = { ...planFacts(spec), expand }
  const templates = [...spec.domains.values()].flatMap(({ disks }) =>
    disks.flatMap((disk) =>
      disk.type === 'template'
        ? [[templateKey(disk), { path: '/store/ci:mini:v1', format: 'raw', metadata: {} }] as const]
        : [],
    ),
  )
  const plan = planEnv(spec, { ...facts, templates: new Map(templates) })
  const xml: Record<string, string> = {}
  for (const vm of plan.vms.values()) {
    xml[`vm ${vm.spec.name}`] = domainXml(vm, plan, machine)
    const { userData, name } = vm.spec
    renderUserData({ identity: identityOf({ vm: name }), rootPasswordHash: undefined, userData })
  }
  for (const net of plan.nets.values()) xml[`net ${net.spec.name}`] = networkXml(net, plan, { stp: false, ipv6: true })
  return { spec, plan, xml }
}

const parser = new XMLParser({
  ignoreAttributes: false,
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
})

type Node = Readonly<Record<string, unknown>>

/** Elements and attributes with nothing in them, in their order. */
function shapeOf(xml: string): string[] {
  return nodesOf(xml).map(({ path, attributes }) => `${path}[${Object.keys(attributes).join(',')}]`)
}

function namesOf(xml: string): string[] {
  return nodesOf(xml).flatMap(({ path, attributes }) => [path, ...Object.keys(attributes)])
}

function textsOf(xml: string): string[] {
  return nodesOf(xml).flatMap(({ text, attributes }) => [text, ...Object.values(attributes)])
}

function nodesOf(xml: string): { path: string; attributes: Readonly<Record<string, string>>; text: string }[] {
  const found: { path: string; attributes: Readonly<Record<string, string>>; text: string }[] = []
  const visit = (nodes: readonly Node[], above: string): void => {
    for (const node of nodes)
      for (const [name, children] of Object.entries(node)) {
        if (name === ':@' || name === '#text' || !Array.isArray(children)) continue
        const path = `${above}/${name}`
        const text = (children as Node[]).map((child) => String(child['#text'] ?? '')).join('')
        found.push({ path, attributes: (node[':@'] ?? {}) as Readonly<Record<string, string>>, text })
        visit(children as Node[], path)
      }
  }
  visit(parser.parse(xml) as Node[], '')
  return found
}
