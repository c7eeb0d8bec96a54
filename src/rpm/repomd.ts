/** `repodata/repomd.xml`: where the list of a repository's packages is. */
import { parseChecksum, type Checksum } from './checksum.js'
import { repositoryError } from './errors.js'
import { requireRelative } from './href.js'
import { readXml } from './xml-reader.js'

export interface PrimaryFile {
  /** Relative to the repository. */
  readonly href: string
  readonly checksum: Checksum
  readonly sizeBytes: number | undefined
  /** Unpacked. */
  readonly openSizeBytes: number | undefined
}

/** Throws `LAGO_RPM_REPOSITORY` when it is not XML, or names no list of packages (`primary`). */
export async function parseRepomd(text: string, what: string): Promise<PrimaryFile> {
  let fields: Record<string, string> = {}
  let type: string | undefined
  let primary: typeof fields | undefined
  await readXml([Buffer.from(text)], what, {
    open(path, attributes) {
      if (path !== 'repomd/data') return
      type = attributes['type']
      fields = {}
    },
    close(path, { attributes, text }) {
      const field = /^repomd\/data\/([^/]+)$/.exec(path)?.[1]
      if (field !== undefined) fields[field] = field === 'location' ? (attributes['href'] ?? '') : text
      if (field === 'checksum') fields['checksum-type'] = attributes['type'] ?? ''
      if (path === 'repomd/data' && type === 'primary') primary = fields
    },
  })
  if (primary === undefined)
    throw repositoryError(`${what} names no list of packages (primary)`, {
      hint: 'make the repodata anew with createrepo_c',
    })
  const { location = '', checksum = '' } = primary
  return {
    href: requireRelative(location, what),
    checksum: parseChecksum(`${what}: its list of packages`, primary['checksum-type'], checksum),
    sizeBytes: numberOf(primary['size']),
    openSizeBytes: numberOf(primary['open-size']),
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
