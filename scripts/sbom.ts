/**
 * Writes what a release is made of, as CycloneDX in JSON: `scripts/packages` puts it into packages as
 * dist/sbom.cdx.json; `node build/scripts/sbom.js FILE` writes it anywhere.
 *
 * It is npm's own list, without what only development needs by the lock file. npm's `--omit dev` and its mark for
 * development are not used: both take for development what a package of development needs as well. Throws when one of
 * the packages is not listed.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { sourceDate } from './source-date.js'

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly properties?: readonly { readonly name: string; readonly value: string }[]
}

interface Bom {
  readonly serialNumber?: string | undefined
  readonly metadata: { readonly component: Component; readonly timestamp?: string }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

const [filePath] = process.argv.slice(2)
if (filePath === undefined) throw new Error('usage: node build/scripts/sbom.js FILE')
const { name, packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
  name: string
  packages: Readonly<Record<string, { readonly version: string; readonly dev?: boolean }>>
} // npm's form, version 3
const needed = Object.entries(packages).flatMap(([place, { version, dev }]) =>
  place === '' || dev === true ? [] : [`${place.replace(/^.*node_modules\//, '')}@${version}`],
)
const bom = limitedTo(new Set(needed), await listAll(), name)
const listed = new Set(bom.components.map((component) => component['bom-ref']))
const missing = needed.filter((ref) => !listed.has(ref))
if (missing.length > 0) throw new Error(`npm sbom leaves out: ${missing.join(', ')}`)
await writeFile(filePath, `${JSON.stringify(sameEachTime(bom, sourceDate(process.env)), undefined, 2)}\n`)

async function listAll(): Promise<Bom> {
  const argv = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only']
  const { stdout } = await promisify(execFile)('npm', argv, { maxBuffer: 64 * 1024 ** 2 })
  return JSON.parse(stdout) as Bom // CycloneDX 1.5
}

/** Where a time is given (reproducible-builds.org), the same list is the same text: no number of its own, no other time. */
function sameEachTime(bom: Bom, date: Date | undefined): Bom {
  if (date === undefined) return bom
  const metadata = { ...bom.metadata, timestamp: date.toISOString() }
  return { ...bom, metadata, serialNumber: undefined }
}

/** npm calls the whole by its directory. */
function limitedTo(needed: ReadonlySet<string>, bom: Bom, name: string): Bom {
  const components = bom.components
    .filter((component) => needed.has(component['bom-ref']))
    .map(({ properties = [], ...component }) => ({
      ...component,
      properties: properties.filter(({ name }) => name !== 'cdx:npm:package:development'),
    }))
  const refs = new Set([bom.metadata.component, ...components].map((component) => component['bom-ref']))
  return {
    ...bom,
    metadata: { ...bom.metadata, component: { ...bom.metadata.component, name } },
    components,
    dependencies: bom.dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) })),
  }
}
