/** The list of a repository's packages (`primary.xml`), read as a stream. */
import { parseChecksum } from './checksum.js'
import { repositoryError } from './errors.js'
import { requireRelative } from './href.js'
import type { RepositoryPackage } from './repository-package.js'
import { readXml, type XmlElement } from './xml-reader.js'

/** `chunks` are unpacked. Throws `LAGO_RPM_REPOSITORY` when it is not such a list; `what` names it. */
export async function readPrimary(chunks: AsyncIterable<Buffer>, what: string): Promise<readonly RepositoryPackage[]> {
  const packages: RepositoryPackage[] = []
  let elements = new Map<string, XmlElement>()
  let isList = false
  await readXml(chunks, what, {
    open(path) {
      if (path === 'metadata') isList = true
      if (path === PACKAGE) elements = new Map()
    },
    close(path, element) {
      if (path === PACKAGE && element.attributes['type'] === 'rpm') packages.push(packageOf(elements, what))
      else if (WANTED.has(path)) elements.set(path.slice(PACKAGE.length + 1), element)
    },
  })
  if (!isList) throw repositoryError(`${what} is no list of packages`)
  return packages
}

const PACKAGE = 'metadata/package'
const WANTED = new Set(['name', 'arch', 'version', 'checksum', 'size', 'location'].map((name) => `${PACKAGE}/${name}`))

function packageOf(elements: ReadonlyMap<string, XmlElement>, list: string): RepositoryPackage {
  const textOf = (name: string): string => required(elements.get(name)?.text, name)
  const attributeOf = (name: string, attribute: string): string =>
    required(elements.get(name)?.attributes[attribute], `${name}/${attribute}`)
  const required = (value: string | undefined, field: string): string => {
    if (value !== undefined && value !== '') return value
    const name = elements.get('name')?.text ?? ''
    throw repositoryError(`${list}: the package "${name}" has no ${field}`, {
      hint: 'make the repodata anew with createrepo_c',
    })
  }
  const name = textOf('name')
  const what = `${list}: the package "${name}"`
  const sizeBytes = Number(attributeOf('size', 'package'))
  const epoch = Number(elements.get('version')?.attributes['epoch'] ?? '0')
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw repositoryError(`${what} has no size`)
  if (!Number.isSafeInteger(epoch)) throw repositoryError(`${what} has an epoch that is no number`)
  return {
    name,
    epoch,
    version: attributeOf('version', 'ver'),
    release: attributeOf('version', 'rel'),
    arch: textOf('arch'),
    href: requireRpm(requireRelative(attributeOf('location', 'href'), what), what),
    baseUrl: elements.get('location')?.attributes['base'],
    sizeBytes,
    checksum: parseChecksum(what, elements.get('checksum')?.attributes['type'], textOf('checksum')),
  }
}

/** Other names may be our own, beside the packages. */
function requireRpm(href: string, what: string): string {
  if (href.endsWith('.rpm')) return href
  throw repositoryError(`${what} has a file that is no RPM by its name: ${href}`)
}
