/** The npm tarball: what an installed program needs, and nothing to be downloaded that is bundled in it already. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { normalizeModes } from './modes.js'
import { packingEnv, type Stage } from './stage.js'

/** What the bundle leaves outside, by `external` in scripts/bundle.ts. */
const OUTSIDE = ['koffi', 'typescript'] as const

type Manifest = Readonly<Record<string, unknown>> & { readonly files: readonly string[] }

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string }>>
}

/** Gives the absolute path of `lago-X.Y.Z.tgz` in `outDir`. */
export async function packNpm(task: Task, stage: Stage, outDir: string): Promise<string> {
  const dir = path.join(stage.workDir, 'npm')
  await mkdir(dir)
  const manifest = await readJson<Manifest>(stage, 'package.json')
  for (const name of [...manifest.files, 'README.md', 'LICENSE'])
    await cp(path.join(stage.dir, name), path.join(dir, name), { recursive: true })
  const published = publishedManifest(manifest, await readJson<Lock>(stage, 'package-lock.json'))
  await writeFile(path.join(dir, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`)
  await normalizeModes(dir)
  const argv = ['npm', 'pack', '--ignore-scripts', '--loglevel=error', `--pack-destination=${outDir}`] as const
  await runCommand(task, argv, { cwd: dir, env: packingEnv(stage), package: 'npm' })
  return path.join(outDir, `lago-${stage.version}.tgz`)
}

/**
 * Without what is for development alone. Of dependencies those outside the bundle stay, at the versions of the lock: what
 * was tested, and what dist/sbom.cdx.json names.
 */
export function publishedManifest(manifest: Manifest, { packages }: Lock): object {
  const forUsers = Object.entries(manifest).filter(([key]) => !FOR_DEVELOPMENT.includes(key))
  const dependencies = OUTSIDE.map((name) => {
    const version = packages[`node_modules/${name}`]?.version
    if (version === undefined) throw new Error(`package-lock.json does not have ${name}`)
    return [name, version] as const
  })
  return {
    ...Object.fromEntries(forUsers),
    dependencies: Object.fromEntries(dependencies),
  }
}

/** `private` keeps `npm publish` off a checkout, whose package.json has not the version of its history. */
const FOR_DEVELOPMENT = ['private', 'scripts', 'prettier', 'devDependencies', 'dependencies', 'overrides']

async function readJson<T>({ dir }: Stage, name: string): Promise<T> {
  return JSON.parse(await readFile(path.join(dir, name), 'utf8')) as T // our own file
}
