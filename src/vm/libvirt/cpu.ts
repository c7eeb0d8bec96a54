/** The `<cpu>` of a domain: model, topology and NUMA cells (spec 5.4). */
import { LagoError } from '../../base/errors.js'
import { nearest } from '../../base/nearest.js'
import { element, type XmlElement } from '../../base/xml.js'
import type { DomainSpec } from '../../spec/types.js'
import type { VmCpu } from '../provider.js'

export interface CpuFacts {
  readonly domainType: string
  readonly arch: string
  /** Of the host's capabilities; undefined: not asked. */
  readonly hostCpu: (VmCpu & { readonly features: ReadonlySet<string> }) | undefined
  /** libvirt's CPU models with their vendors; undefined: not asked, so libvirt itself judges whether it knows a model. */
  readonly cpuModels: ReadonlyMap<string, string> | undefined
}

/**
 * The host's own CPU under KVM, the emulator's default elsewhere, or what the init file names.
 * Throws `LAGO_SPEC_INVALID` for an unknown model and for a custom CPU that is not XML.
 */
export function cpuElement(spec: DomainSpec, facts: CpuFacts): XmlElement {
  if (spec.cpuCustom !== undefined) return customCpu(spec, spec.cpuCustom)
  if (spec.cpuModel !== undefined) return modelCpu(spec, spec.cpuModel, facts)
  const mode = facts.domainType === 'kvm' ? 'host-passthrough' : undefined
  return element('cpu', { mode }, [topology(spec), numa(spec, facts)])
}

/** Which CPU that is: what the init file names, or the host's own under KVM; undefined for the emulator's default. */
export function vmCpu(spec: DomainSpec, { domainType, hostCpu, cpuModels }: CpuFacts): VmCpu | undefined {
  const model = spec.cpuCustom === undefined ? spec.cpuModel : customModel(spec.cpuCustom)
  const vendor = model === undefined ? undefined : (cpuModels?.get(model) ?? likelyVendor(model))
  if (model !== undefined) return vendor === undefined ? undefined : { model, vendor }
  if (domainType !== 'kvm' || spec.cpuCustom !== undefined || hostCpu === undefined) return undefined
  return { model: hostCpu.model, vendor: hostCpu.vendor }
}

/** `{ model: 'Haswell' }` or `{ model: { '#text': 'Haswell' } }`. */
function customModel({ model }: Readonly<Record<string, unknown>>): string | undefined {
  const text = typeof model === 'object' && model !== null && '#text' in model ? model['#text'] : model
  return typeof text === 'string' ? text : undefined
}

/** The flag that lets guests of this vendor's CPUs run guests of their own. */
const NESTING_FLAGS: Readonly<Record<string, string>> = { Intel: 'vmx', AMD: 'svm' }

function modelCpu(spec: DomainSpec, model: string, facts: CpuFacts): XmlElement {
  const { cpuModels } = facts
  if (cpuModels !== undefined && !cpuModels.has(model)) throw unknownModel(spec, model, [...cpuModels.keys()])
  const nesting = nestingFlag(model, facts)
  return element('cpu', { match: 'exact' }, [
    element('model', {}, model),
    topology(spec),
    nesting === undefined ? undefined : element('feature', { policy: 'require', name: nesting }),
  ])
}

function nestingFlag(model: string, { domainType, hostCpu, cpuModels }: CpuFacts): string | undefined {
  const vendor = cpuModels?.get(model) ?? likelyVendor(model)
  if (domainType !== 'kvm' || hostCpu === undefined || vendor !== hostCpu.vendor) return undefined
  const flag = NESTING_FLAGS[hostCpu.vendor]
  return flag !== undefined && hostCpu.features.has(flag) ? flag : undefined
}

/** Of the names in libvirt's cpu_map, 9.0.0: whatever is not AMD's, Hygon's or generic is Intel's. */
function likelyVendor(model: string): string | undefined {
  if (/^(EPYC|Opteron|athlon|phenom)/.test(model)) return 'AMD'
  return /^(Dhyana|486|cpu64|kvm|pentium|qemu)/.test(model) ? undefined : 'Intel'
}

function customCpu(spec: DomainSpec, custom: Readonly<Record<string, unknown>>): XmlElement {
  const { attributes, children } = fromMapping(spec, 'cpu', custom)
  if (typeof children === 'string' || 'topology' in custom) return { name: 'cpu', attributes, children }
  return element('cpu', attributes, [...children, topology(spec)])
}

/** One element in the form of xmltodict: `@name` is an attribute, `#text` the text, a list repeats the element. */
function fromMapping(spec: DomainSpec, name: string, value: unknown): XmlElement {
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) throw notXml(spec, `"${name}" is not the name of an element`)
  if (typeof value !== 'object' || value === null) return element(name, {}, textOf(value))
  const attributes: Record<string, string> = {}
  const children: XmlElement[] = []
  for (const [key, part] of Object.entries(value)) {
    if (key.startsWith('@')) attributes[attributeName(spec, key)] = textOf(part)
    else if (key !== '#text') children.push(...listOf(part).map((item) => fromMapping(spec, key, item)))
  }
  const text = '#text' in value ? textOf(value['#text']) : ''
  if (text !== '' && children.length > 0) throw notXml(spec, `"${name}" has text beside elements`)
  return element(name, attributes, text === '' ? children : text)
}

function attributeName(spec: DomainSpec, key: string): string {
  if (!/^@[A-Za-z_][\w.-]*$/.test(key)) throw notXml(spec, `"${key}" is not the name of an attribute`)
  return key.slice(1)
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function topology({ vcpus }: DomainSpec): XmlElement {
  return element('topology', { sockets: vcpus, cores: 1, threads: 1 })
}

/** Those whose machines can have NUMA cells in qemu. */
const NUMA_ARCHES: readonly string[] = ['x86_64', 'i686', 'aarch64', 'ppc64', 'ppc64le']

/** What the division of the memory leaves over goes to the first cell: libvirt wants the sum to be the whole. */
function numa({ vcpus, memoryMiB }: DomainSpec, { arch }: CpuFacts): XmlElement | undefined {
  if (vcpus === 1 || !NUMA_ARCHES.includes(arch)) return undefined
  const cpusPerCell = cpusPerCellOf(vcpus)
  const cells = vcpus / cpusPerCell
  const share = Math.floor(memoryMiB / cells)
  const cell = (id: number): XmlElement => {
    const first = id * cpusPerCell
    const cpus = cpusPerCell === 1 ? `${first}` : `${first}-${first + cpusPerCell - 1}`
    return element('cell', { id, cpus, memory: id === 0 ? memoryMiB - share * (cells - 1) : share, unit: 'MiB' })
  }
  return element(
    'numa',
    {},
    Array.from({ length: cells }, (_, id) => cell(id)),
  )
}

function cpusPerCellOf(vcpus: number): number {
  if (vcpus === 2 || vcpus % 2 === 1) return 1
  return vcpus === 4 || vcpus % 4 === 2 ? 2 : 4
}

function unknownModel(spec: DomainSpec, model: string, known: readonly string[]): LagoError {
  const meant = nearest(model, known)
  const question = meant === undefined ? '' : `; did you mean "${meant}"?`
  return new LagoError(
    'LAGO_SPEC_INVALID',
    `domains.${spec.name}.cpu_model: libvirt has no CPU model "${model}"${question}`,
    { hint: `the models: ${known.join(', ')}`, data: { model, known } },
  )
}

function notXml(spec: DomainSpec, message: string): LagoError {
  return new LagoError('LAGO_SPEC_INVALID', `domains.${spec.name}.cpu_custom: ${message}`, {
    hint: 'write libvirt\'s <cpu> as a mapping: {"@mode": "custom", "model": {"#text": "Haswell"}}',
  })
}
