/** Does the file have the shape that the vocabulary asks for? In words, and with the keys that it does not know. */
import type { z } from 'zod'
import { nearest } from '../base/nearest.js'
import { describeValue, errorAt, mappingOf, valueAt, warningAt, type Finding, type Path } from './findings.js'
import { dhcpSchema, DISK_KEYS, domainSchema, initFileSchema, netSchema, nicSchema } from './schema.js'

type SchemaIssue = z.core.$ZodIssue

export function checkStructure(root: unknown): Finding[] {
  const result = initFileSchema.safeParse(root)
  const wrong = result.success ? [] : result.error.issues.map((issue) => toFinding(root, issue))
  return [...wrong, ...unknownKeys(mappingOf(root))]
}

function toFinding(root: unknown, issue: SchemaIssue): Finding {
  const path = issue.path.filter((segment) => typeof segment !== 'symbol')
  const found = valueAt(root, path)
  const expected = issue.message
  if (found === undefined) return errorAt(path, `is missing; expected ${expected}`, { at: 'key' })
  if (found === null) return errorAt(path, `is empty; expected ${expected}`)
  const shown = isSecret(path) ? 'the value' : describeValue(found)
  return errorAt(path, `${shown} is not ${expected}`, { suggestion: suggestValue(found, issue) })
}

function isSecret(path: Path): boolean {
  return path.some((segment) => /passw/i.test(String(segment)))
}

function suggestValue(found: unknown, issue: SchemaIssue): string | undefined {
  if (typeof found !== 'string') return undefined
  const allowed = issue.code === 'invalid_value' ? issue.values : issue.code === 'invalid_union' ? optionsOf(issue) : []
  return nearest(found, allowed.map(String))
}

function optionsOf(issue: z.core.$ZodIssueInvalidUnion): readonly unknown[] {
  return 'options' in issue ? (issue.options ?? []) : []
}

function unknownKeys(root: Readonly<Record<string, unknown>>): Finding[] {
  const findings: Finding[] = []
  const look = (value: unknown, known: readonly string[], path: Path, of: string): void => {
    for (const key of Object.keys(mappingOf(value)).filter((key) => key !== 'comment' && !known.includes(key)))
      findings.push(
        warningAt([...path, key], `is not a key of ${of}, so it is ignored`, { suggestion: nearest(key, known) }),
      )
  }
  const missing = NEEDED.filter((needed) => !Object.hasOwn(root, needed))
  for (const key of Object.keys(root).filter((key) => !TOP_LEVEL.includes(key))) {
    const meant = nearest(key, missing)
    if (meant !== undefined) findings.push(warningAt([key], 'is not read', { suggestion: meant }))
  }
  for (const section of ['prototypes', 'domains'])
    for (const [name, domain] of Object.entries(mappingOf(root[section]))) {
      const path = [section, name]
      look(domain, KEYS.domain, path, 'a VM')
      const { nics, disks } = mappingOf(domain)
      for (const [index, nic] of itemsOf(nics)) look(nic, KEYS.nic, [...path, 'nics', index], 'a nic')
      for (const [index, disk] of itemsOf(disks)) {
        const type = mappingOf(disk).type
        if (isDiskType(type)) look(disk, DISK_KEYS[type], [...path, 'disks', index], `a disk of type ${type}`)
      }
    }
  for (const [name, net] of Object.entries(mappingOf(root.nets))) {
    look(net, KEYS.net, ['nets', name], 'a net')
    look(mappingOf(net).dhcp, KEYS.dhcp, ['nets', name, 'dhcp'], 'dhcp')
  }
  return findings
}

const TOP_LEVEL = Object.keys(initFileSchema.shape)
/** Other top-level keys hold anchors, unless one of these is missing and the key looks like it. */
const NEEDED = ['domains', 'nets']

const KEYS = {
  domain: Object.keys(domainSchema.shape),
  nic: Object.keys(nicSchema.shape),
  net: Object.keys(netSchema.shape),
  dhcp: Object.keys(dhcpSchema.shape),
} as const

function isDiskType(type: unknown): type is keyof typeof DISK_KEYS {
  return typeof type === 'string' && Object.hasOwn(DISK_KEYS, type)
}

function itemsOf(value: unknown): [number, unknown][] {
  return Array.isArray(value) ? [...value.entries()] : []
}
