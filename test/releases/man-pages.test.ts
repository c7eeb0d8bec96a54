/** The manual as groff, mandoc and man read it, and what the build leaves in dist. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { manPages, type ManPage } from '../../scripts/packaging/man-pages.js'
import { writeUserFiles } from '../../scripts/packaging/user-files.js'
import type { CommandSpec } from '../../src/cli/command.js'
import { commands } from '../../src/cli/commands/index.js'
import { GLOBAL_OPTIONS } from '../../src/cli/global-options.js'
import { INIT_SETTINGS, LAGO_SETTINGS } from '../../src/config/defaults.js'
import { ovirt } from '../../src/plugins/ovirt/plugin.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const makeTempDir = useTempDirs()
const verbs = [...commands, ...(ovirt.commands ?? [])]
const EDITION = { version: '2.1.0', date: '2026-11-28' }

interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number | null
}

async function run(program: string, args: readonly string[], input = ''): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'],
    LC_ALL: 'C.UTF-8',
    MANWIDTH: '200',
    MANPAGER: 'cat',
    MAN_KEEP_FORMATTING: '',
  }
  const child = spawn(program, args, { env })
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  const [stdout, stderr, exitCode] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended])
  return { stdout, stderr, exitCode }
}

/** As an installation has them: `man1`, `man5`. */
async function install(dir: string, pages: readonly ManPage[]): Promise<void> {
  for (const { file, text } of pages) {
    const section = path.join(dir, `man${file.slice(-1)}`)
    await mkdir(section, { recursive: true })
    await writeFile(path.join(section, file), text)
  }
}

test('groff and mandoc have nothing to say about any page', async () => {
  const dir = await makeTempDir()
  await install(dir, manPages(verbs, EDITION))
  const files = ['man1', 'man5'].map(async (section) =>
    (await readdir(path.join(dir, section))).map((file) => path.join(dir, section, file)),
  )
  const pages = (await Promise.all(files)).flat().filter((file) => !file.includes('/lagocli')) // they only lead to others
  expect(pages.length).toBeGreaterThan(50)
  expect(await run('groff', ['-man', '-Tutf8', '-ww', '-z', ...pages])).toMatchObject(SILENT)
  expect(await run('mandoc', ['-T', 'lint', '-W', 'warning', ...pages])).toEqual({ ...SILENT, stdout: '' })
})

const SILENT = { stderr: '', exitCode: 0 }

test('man shows every option, argument and setting by its name', async () => {
  const dir = await makeTempDir()
  await install(dir, manPages(verbs, EDITION))
  const read = async (page: string): Promise<string> => (await run('man', ['-M', dir, page])).stdout
  const lines = (text: string): readonly string[] => text.split('\n').map((line) => line.trim())
  for (const verb of verbs) {
    const shown = await read(`lago-${verb.name.replace(' ', '-')}`)
    for (const { name, short } of verb.passThrough === true ? [] : verb.options) {
      expect(shown).toMatch(new RegExp(`^ +(-\\S, )?--${name}(?![\\w-])`, 'm'))
      if (short !== undefined) expect(shown).toContain(`-${short}, --${name}`)
    }
    for (const { name } of verb.args) expect(shown).toContain(name.toUpperCase().replaceAll('-', '_'))
    expect(lines(shown)).toContain(`$ ${verb.example}`)
  }
  const program = await read('lago')
  for (const { name } of GLOBAL_OPTIONS) expect(program).toMatch(new RegExp(`^ +(-\\S, )?--${name}(?![\\w-])`, 'm'))
  for (const { name } of verbs) expect(program).toMatch(new RegExp(`^ +${name}( +|$)`, 'm'))
  for (const name of ['', '-ovirt', '-template-repo'])
    expect(await read(`lagocli${name}`)).toBe(await read(`lago${name}`))
  const settings = await read('lago.conf')
  for (const { key } of [...LAGO_SETTINGS, ...INIT_SETTINGS])
    expect(settings).toMatch(new RegExp(`^ +${key}( +|$)`, 'm'))
})

describe('hostile definitions', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abc .\'"\\`-^~*[]()&\n\t%é\u0000'), maxLength: 40 })
  const verb = fc.record({
    summary: text,
    example: text,
    args: fc.array(fc.record({ name: text, arity: fc.constantFrom('one', 'optional', 'many'), help: text }), {
      maxLength: 2,
    }),
    options: fc.array(
      fc.record({
        name: text,
        short: fc.constantFrom('x', "'", '.', '\\'),
        type: fc.constantFrom('flag', 'string', 'int', 'list', 'optional'),
        help: text,
        choices: fc.array(text, { maxLength: 2 }),
      }),
      { maxLength: 2 },
    ),
  })

  test('are only text to groff', async () => {
    await fc.assert(
      fc.asyncProperty(verb, async (definition) => {
        const hostile: CommandSpec = { ...definition, name: 'greet', run: async () => {} }
        const page = manPages([hostile], EDITION).find(({ file }) => file === 'lago-greet.1')?.text ?? ''
        const { stdout, stderr } = await run('groff', ['-man', '-Tutf8', '-ww', '-P-cbou'], page)
        expect(stderr).toBe('')
        const words = (shown: string): string => shown.replace(/\s+/g, '')
        // eslint-disable-next-line no-control-regex -- they are shown as blanks
        expect(words(stdout)).toContain(words(`$${definition.example}`.replace(/[\u0000-\u001f]/g, ' ')))
      }),
      { numRuns: 25 },
    )
  })
})

test('the build leaves manual and completion in dist, the same each time', async () => {
  const dir = await makeTempDir()
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as { version: string } // our own file
  await writeUserFiles(dir, { version })
  for (const below of ['completions', 'man']) {
    const names = (await readdir(path.join(dir, below))).sort()
    expect((await readdir(path.join(ROOT, 'dist', below))).sort()).toEqual(names)
  }
  for (const name of ['lago.bash', '_lago', 'lago.fish'])
    expect(await readFile(path.join(ROOT, 'dist/completions', name), 'utf8')).toBe(
      await readFile(path.join(dir, 'completions', name), 'utf8'),
    )
})
