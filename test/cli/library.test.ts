/** The library as it is published: what importing it costs, and its types without the sources. */
import { spawn } from 'node:child_process'
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { outcomeOf } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

interface Exports {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

const published = async (): Promise<[string, { readonly types: string; readonly default: string }][]> => {
  const { exports } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Exports // our own file
  return Object.entries(exports).flatMap(([name, value]) => (typeof value === 'string' ? [] : [[name, value]]))
}

/** The files that Node reads before an importer of `file` goes on, and the packages that they need. */
async function loadedBy(file: string, seen = new Set<string>(), packages = new Set<string>()): Promise<typeof seen> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = await readFile(file, 'utf8')
  for (const [, specifier = ''] of text.matchAll(/^(?:import|export)\b[^'"]*?["']([^'"]+)["'];?$/gm))
    if (specifier.startsWith('.')) await loadedBy(path.resolve(path.dirname(file), specifier), seen, packages)
    else if (!specifier.startsWith('node:') && !BUILT_IN.includes(specifier)) seen.add(specifier)
  return seen
}

const BUILT_IN = ['module', 'events', 'fs', 'os', 'path', 'util']

test('importing lago loads little, and no package', async () => {
  const loaded = [...(await loadedBy(path.join(ROOT, 'dist', 'index.js')))]
  expect(loaded.filter((file) => !path.isAbsolute(file))).toEqual([])
  const sizes = await Promise.all(loaded.map(async (file) => (await stat(file)).size))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(32 * 1024)
})

test.each([
  ['jest', ['@jest/globals']],
  ['vitest', ['vitest']],
  ['node-test', []],
])('the fixture for %s needs no other framework', async (name, expected) => {
  const loaded = [...(await loadedBy(path.join(ROOT, 'dist', `${name}.js`)))]
  expect(loaded.filter((file) => !path.isAbsolute(file))).toEqual(expected)
})

test('every entry of the package has its files', async () => {
  const entries = await published()
  expect(entries.map(([name]) => name)).toEqual(['.', './jest', './vitest', './node-test', './ovirt'])
  for (const [, { types, default: code }] of entries) {
    expect((await stat(path.join(ROOT, types))).isFile()).toBe(true)
    expect((await stat(path.join(ROOT, code))).isFile()).toBe(true)
  }
})

const USER = `
import { init, type Env } from 'lago'
import { useEnvironment as underJest } from 'lago/jest'
import { useEnvironment as underNode } from 'lago/node-test'
import { useEnvironment as underVitest } from 'lago/vitest'
export const environments: Env[] = [underJest, underNode, underVitest].map((use) => use({ initFile: 'LagoInitFile' }))
export const printed: Promise<string> = init().then(async (env) => env.vm('vm0').succeed('hostname'))
export const wrong: number = await environments[0]!.vm('vm0').succeed('hostname')
`

/** Declarations of packages are checked as well. */
const STRICT = {
  ...{ target: 'ES2022', module: 'NodeNext', moduleResolution: 'NodeNext', types: ['node'] },
  ...{ strict: true, noEmit: true, skipLibCheck: false, pretty: false },
}

test("a user's compiler finds the types, all of them, and checks with them", async () => {
  const dir = await makeTempDir()
  await mkdir(path.join(dir, 'node_modules', '@types'), { recursive: true })
  await symlink(ROOT, path.join(dir, 'node_modules', 'lago'))
  await symlink(path.join(ROOT, 'node_modules/@types/node'), path.join(dir, 'node_modules/@types/node'))
  await writeFile(path.join(dir, 'package.json'), '{"type": "module"}')
  await writeFile(path.join(dir, 'user.ts'), USER)
  await writeFile(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: STRICT, files: ['user.ts'] }))
  const tsc = spawn(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', dir], { cwd: dir })
  expect(await outcomeOf(tsc)).toEqual({
    exitCode: 2,
    stdout: "user.ts(8,14): error TS2322: Type 'string' is not assignable to type 'number'.\n",
    stderr: '',
  })
})
