/** Debian packages, and a repository for apt with one of them in it, as small as they come. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

/** In `dir`; the package `name` has the program of that name, which says `text`. */
export async function makeAptRepository(dir: string, name: string, text: string): Promise<void> {
  const tree = path.join(dir, 'tree')
  await mkdir(path.join(tree, 'DEBIAN'), { recursive: true })
  await mkdir(path.join(tree, 'usr/bin'), { recursive: true })
  const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: says it\n`
  await writeFile(path.join(tree, 'DEBIAN/control'), control)
  await writeFile(path.join(tree, 'usr/bin', name), `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 })
  const file = path.join(dir, `${name}.deb`)
  await promisify(execFile)('dpkg-deb', ['--root-owner-group', '--build', tree, file])
  const content = await readFile(file)
  const sha256 = createHash('sha256').update(content).digest('hex')
  const entry = `${control}Filename: ./${name}.deb\nSize: ${content.length}\nSHA256: ${sha256}\n`
  await writeFile(path.join(dir, 'Packages'), entry)
}

export interface DebSpec {
  readonly name: string
  readonly version?: string
  readonly architecture?: string
  /** Lines of its control file, with a line end each. */
  readonly more?: string
}

/** Builds a package without files into `dir`, which is made: `NAME_VERSION_ARCHITECTURE.deb`, its absolute path. */
export async function buildDeb(
  dir: string,
  { name, version = '1', architecture = 'all', more = '' }: DebSpec,
): Promise<string> {
  const tree = path.join(dir, `.${name}-tree`)
  await mkdir(path.join(tree, 'DEBIAN'), { recursive: true })
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: nobody <nobody@localhost>\n${more}Description: for a test\n`
  await writeFile(path.join(tree, 'DEBIAN/control'), control)
  const file = path.join(dir, `${name}_${version}_${architecture}.deb`)
  await promisify(execFile)('dpkg-deb', ['--root-owner-group', '--build', tree, file])
  await rm(tree, { recursive: true })
  return file
}
