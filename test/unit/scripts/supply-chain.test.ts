/** What a release is made of: pinned to the byte, listed, and installed without running anything. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

interface LockedPackage {
  readonly version: string
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

async function readRoot(name: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await readFile(path.join(ROOT, name), 'utf8')) as Readonly<Record<string, unknown>> // our own files
}

async function lockedPackages(): Promise<ReadonlyMap<string, LockedPackage>> {
  const { packages } = await readRoot('package-lock.json')
  return new Map(Object.entries(packages as Readonly<Record<string, LockedPackage>>)) // npm's form, version 3
}

const nameOf = (place: string): string => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)

async function inProduction(): Promise<readonly (readonly [string, LockedPackage])[]> {
  return [...(await lockedPackages())].filter(([place, { dev }]) => place !== '' && dev !== true)
}

test('the lock file pins every package to one version and its hash, and fits to package.json', async () => {
  const packages = await lockedPackages()
  const { dependencies, devDependencies } = await readRoot('package.json')
  expect(packages.get('')).toMatchObject({ dependencies, devDependencies })
  expect(packages.size).toBeGreaterThan(50)
  for (const [place, found] of packages) {
    if (place === '') continue
    expect([place, found.version, found.integrity, found.link]).toEqual([
      place,
      expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
      expect.stringMatching(/^sha512-/),
      undefined,
    ])
    // without one npm takes it from the registry, where the hash has to fit
    expect([place, found.resolved ?? 'https://registry.npmjs.org/']).toEqual([
      place,
      expect.stringMatching(/^https:\/\/registry\.npmjs\.org\//),
    ])
  }
})

test('nothing has to be run to install it', async () => {
  const scripted = (await inProduction()).filter(([, { hasInstallScript }]) => hasInstallScript === true)
  // koffi would compile itself where there is no binary for the platform; those come as packages
  expect(scripted.map(([place]) => nameOf(place))).toEqual(['koffi'])
  expect(await readFile(path.join(ROOT, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m)
  const { scripts } = await readRoot('package.json')
  const own = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']
  expect(Object.keys(scripts as object).filter((name) => own.includes(name))).toEqual([])
})

test('koffi works as it is unpacked, with the binary of a package', async () => {
  expect(existsSync(path.join(ROOT, 'node_modules/koffi/build'))).toBe(false)
  const { default: koffi } = await import('koffi')
  expect(koffi.load(null).func('int abs(int)')(-7)).toBe(7)
})

test('the SBOM lists what a release is made of, and nothing that only development needs', async () => {
  const file = path.join(await tempDir(), 'sbom.cdx.json')
  await promisify(execFile)(process.execPath, [path.join(ROOT, 'build/scripts/sbom.js'), file], { cwd: ROOT })
  const bom = JSON.parse(await readFile(file, 'utf8')) as {
    bomFormat: string
    metadata: { component: { name: string } }
    components: { name: string; version: string; hashes: { alg: string; content: string }[] }[]
    dependencies: { ref: string; dependsOn: string[] }[]
  } // CycloneDX 1.5
  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'lago' } } })
  const listed = bom.components.map(({ name, version }) => `${name}@${version}`)
  const locked = (await inProduction()).map(([place, { version }]) => `${nameOf(place)}@${version}`)
  expect([...new Set(listed)].sort()).toEqual([...new Set(locked)].sort())
  const byName = new Map(
    (await inProduction()).map(([place, { version, integrity }]) => [`${nameOf(place)}@${version}`, integrity]),
  )
  for (const { name, version, hashes } of bom.components) {
    const hex = Buffer.from(String(byName.get(`${name}@${version}`)).slice('sha512-'.length), 'base64').toString('hex')
    expect([name, hashes]).toEqual([name, [{ alg: 'SHA-512', content: hex }]])
  }
})
