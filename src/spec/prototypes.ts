/** `based-on`: the keys of a prototype, and of its prototypes, fill in what a VM does not say itself (spec 3.3). */
import { nearest } from '../base/nearest.js'
import { describeValue, errorAt, isMapping, listNames, type Finding, type Path, type PlainMapping } from './findings.js'

/** A VM with its prototypes filled in, which still knows where each key was written. */
export interface MergedDomain {
  readonly name: string
  readonly path: Path
  readonly raw: PlainMapping
  pathOf(key: string): Path
}

export interface Merged {
  readonly domain: MergedDomain
  readonly findings: readonly Finding[]
}

/** `own` is what the file says at `domains.<name>`. What cannot be followed is a finding, and left out. */
export function mergePrototypes(name: string, own: PlainMapping, prototypes: PlainMapping): Merged {
  const path = ['domains', name]
  const { layers, findings } = layersOf({ path, values: own }, prototypes)
  const origins = new Map<string, Path>()
  const raw: Record<string, unknown> = {}
  for (const layer of layers)
    for (const [key, value] of Object.entries(layer.values)) {
      if (origins.has(key)) continue
      origins.set(key, [...layer.path, key])
      raw[key] = structuredClone(value)
    }
  return { domain: { name, path, raw, pathOf: (key) => origins.get(key) ?? [...path, key] }, findings }
}

interface Layer {
  readonly path: Path
  readonly values: PlainMapping
}

/** The VM itself first, then its prototype, then the prototype's. */
function layersOf(vm: Layer, prototypes: PlainMapping): { layers: Layer[]; findings: Finding[] } {
  const layers = [vm]
  const trail: string[] = []
  for (let { path, values } = vm; ;) {
    const base = values['based-on']
    if (typeof base !== 'string') return { layers, findings: [] } // missing, or not a text, which is told elsewhere
    const basePath = [...path, 'based-on']
    if (trail.includes(base))
      return { layers, findings: [circle(basePath, [...trail.slice(trail.indexOf(base)), base])] }
    if (!Object.hasOwn(prototypes, base))
      return { layers, findings: [unknownPrototype(basePath, base, Object.keys(prototypes))] }
    const next = prototypes[base]
    if (!isMapping(next)) return { layers, findings: [] } // told elsewhere
    trail.push(base)
    path = ['prototypes', base]
    values = next
    layers.push({ path, values })
  }
}

function circle(path: Path, trail: readonly string[]): Finding {
  return errorAt(path, `the prototypes go round in a circle: ${trail.map((name) => listNames([name])).join(' -> ')}`)
}

function unknownPrototype(path: Path, base: string, known: readonly string[]): Finding {
  return errorAt(path, `${describeValue(base)} is not a prototype of this file; prototypes: ${listNames(known)}`, {
    suggestion: nearest(base, known),
  })
}
