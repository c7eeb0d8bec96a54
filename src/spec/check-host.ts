/** What an init file names on this host: files, and kinds that somebody defines. Only the caller knows the host. */
import { nearest } from '../base/nearest.js'
import type { DomainDraft } from './check-domains.js'
import { describeValue, errorAt, listNames, mappingOf, type Finding, type Path } from './findings.js'

export interface HostKnowledge {
  /** What is wrong with a path as written in the file: `there is no file /srv/a.sh`; undefined: nothing. */
  fileProblem(rawPath: string): Promise<string | undefined>
  readonly vmTypes: readonly string[]
  readonly providers: readonly string[]
  readonly services: readonly string[]
}

export async function checkOnHost(domains: readonly DomainDraft[], host: HostKnowledge): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const domain of domains) {
    findings.push(...checkKind(domain, 'vm-type', 'VM type', host.vmTypes))
    findings.push(...checkKind(domain, 'vm-provider', 'VM provider', host.providers))
    findings.push(...checkKind(domain, 'service_provider', 'service manager', host.services))
    for (const { path, rawPath } of namedFiles(domain)) {
      const problem = await host.fileProblem(rawPath)
      if (problem !== undefined) findings.push(errorAt(path, problem))
    }
  }
  return findings
}

function checkKind({ raw, pathOf }: DomainDraft, key: string, what: string, known: readonly string[]): Finding[] {
  const kind = raw[key]
  if (typeof kind !== 'string' || known.includes(kind)) return []
  const text = `unknown ${what} ${describeValue(kind)}; known: ${listNames(known)}`
  return [errorAt(pathOf(key), text, { suggestion: nearest(kind, known) })]
}

interface NamedFile {
  readonly path: Path
  readonly rawPath: string
}

function namedFiles({ raw, pathOf, disks }: DomainDraft): NamedFile[] {
  const metadata = mappingOf(raw.metadata)
  return [
    ...['deploy-scripts', 'ovirt-scripts'].flatMap((key) => textsAt(metadata[key], [...pathOf('metadata'), key])),
    ...disks.filter((disk) => isOnHost(disk.raw)).flatMap(({ path, raw }) => textsAt([raw.path], path, 'path')),
  ]
}

function textsAt(list: unknown, path: Path, key?: string): NamedFile[] {
  const items: readonly unknown[] = Array.isArray(list) ? list : []
  return items.flatMap((item, index) =>
    typeof item === 'string' ? [{ path: [...path, key ?? index], rawPath: item }] : [],
  )
}

/** A file of the user's, or an image of the user's below the disk. */
function isOnHost({ type, template_type: templateType, url }: DomainDraft['raw']): boolean {
  return url === undefined && (type === 'file' || (type === 'template' && templateType === 'qcow2'))
}
