/** Packages of npm, as small as they come. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export interface NpmSpec {
  readonly version: string
  /** Default: `lago`. */
  readonly name?: string
  /** Default: as `npm pack` would name it; absolute or below the directory. */
  readonly file?: string
  /** Content by path in the package, beside package.json, or in its place. Default: none. */
  readonly files?: Readonly<Record<string, string>>
}

/** Builds the package into `dir`, which is made, and gives its absolute path. */
export async function buildNpmPackage(
  dir: string,
  { version, name = 'lago', file = `${name}-${version}.tgz`, files = {} }: NpmSpec,
): Promise<string> {
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'lago-test-npm-'))
  await mkdir(path.join(scratch, 'package'))
  for (const [member, content] of Object.entries({ 'package.json': JSON.stringify({ name, version }), ...files }))
    await writeFile(path.join(scratch, 'package', member), content)
  const filePath = path.resolve(dir, file)
  await mkdir(dir, { recursive: true })
  await promisify(execFile)('tar', ['-C', scratch, '-czf', filePath, 'package'])
  await rm(scratch, { recursive: true })
  return filePath
}
