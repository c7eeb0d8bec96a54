import { readFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { manPages } from '../../../scripts/packaging/man-pages.js'
import { escaped, example, prose, renderPage } from '../../../scripts/packaging/roff.js'
import { commands } from '../../../src/cli/commands/index.js'
import { ovirt } from '../../../src/plugins/ovirt/plugin.js'

const verbs = [...commands, ...(ovirt.commands ?? [])]
const pages = new Map(manPages(verbs, { version: '2.1.0' }).map(({ file, text }) => [file, text]))

function sectionOf(page: string, heading: string): string {
  const [, section = ''] =
    new RegExp(`^\\.SH ${heading}\\n([^]*?)(?=^\\.SH|$(?!\n))`, 'm').exec(pages.get(page) ?? '') ?? []
  return section
}

test('npm is told of every page, and of no other', async () => {
  const { man } = JSON.parse(await readFile(new URL('../../../../package.json', import.meta.url), 'utf8')) as {
    man: readonly string[]
  } // our own file
  expect(man).toEqual([...pages.keys()].sort().map((file) => `dist/man/${file}`))
})

test('there is a page for each verb and each family, in the order of the verbs', () => {
  const names = verbs.map(({ name }) => `lago-${name.replace(' ', '-')}.1`)
  const families = ['net', 'template', 'template-repo', 'ovirt'].map((family) => `lago-${family}.1`)
  const programs = ['lagocli.1', 'lagocli-ovirt.1', 'lagocli-template-repo.1']
  expect([...pages.keys()]).toEqual(['lago.1', ...families, ...names, 'lago.conf.5', ...programs])
})

test('an edition is the same on every day, and says which it is', () => {
  expect(manPages(verbs, { version: '2.1.0' })).toEqual(manPages(verbs, { version: '2.1.0' }))
  expect(pages.get('lago-start.1')).toMatch(/^\.TH "LAGO\\-START" "1" "" "Lago 2\.1\.0" "Lago"\n/)
  const dated = manPages(verbs, { version: '2.1.0', date: '2026-11-28' })
  expect(dated[0]?.text).toMatch(/^\.TH "LAGO" "1" "2026-11-28" "Lago 2\.1\.0" "Lago"\n/)
})

describe('the exit status is what the program gives', () => {
  test.each([
    ['lago-start.1', ['0', '1', '2', '130']],
    ['lago-shell.1', ['0', '1', '2', '130']],
    ['lago-ovirt-deploy.1', ['0', '1', '2', '130']],
  ])('%s', (page, codes) => {
    const found = [...sectionOf(page, 'EXIT STATUS').matchAll(/^\.TP\n\\fB(\d+)\\fR$/gm)].map(([, code]) => code)
    expect(found).toEqual(codes)
  })

  test('a failed verb of ovirt gives 1, as upstream had it', () => {
    expect(sectionOf('lago-start.1', 'EXIT STATUS')).toMatch(/\\fB2\\fR\nIt has failed/)
    expect(sectionOf('lago-ovirt-deploy.1', 'EXIT STATUS')).toMatch(/\\fB1\\fR\nIt has failed/)
  })

  test('shell passes on that of the command', () => {
    expect(sectionOf('lago-shell.1', 'EXIT STATUS')).toContain('that of the command')
    expect(sectionOf('lago-shell.1', 'EXIT STATUS')).toContain('no such VM')
  })
})

test('variables are named where a shell can set them', () => {
  expect(sectionOf('lago-export.1', 'ENVIRONMENT')).toContain('LAGO__EXPORT__VM_NAMES for \\-\\-vm\\-names')
  expect(sectionOf('lago-generate-config.1', 'ENVIRONMENT')).not.toContain('LAGO__')
  expect(sectionOf('lago-ovirt-start.1', 'ENVIRONMENT')).not.toContain('LAGO__')
})

describe('roff', () => {
  test.each([
    ['--vm-names', '\\-\\-vm\\-names'],
    ['it\'s "so"', '\\(aqs \\(dqso\\(dq'],
    ['C:\\new', 'C:\\(rsnew'],
    ['a\u0000b\tc\nd', 'a b c d'],
    ['é 🐙', '\\[u00E9] \\[u1F419]'],
    ['\ud800', '?'],
  ])('%j is written as %s', (text, written) => {
    expect(escaped(text)).toContain(written)
  })

  test('no line of a text is a request', () => {
    const text = `.so /etc/passwd ${'word '.repeat(14)} .de x .. 'br`
    for (const line of [...prose(text).split('\n'), ...prose("'br").split('\n'), ...example('.so x').split('\n')])
      expect(line).not.toMatch(/^['.](?!PP|EX|EE)/)
  })

  test('what stands between backquotes is what is typed; a single one is itself', () => {
    expect(prose('see `lago wait`')).toBe('see \\fBlago wait\\fR')
    expect(prose('a ` alone')).toBe('a \\(ga alone')
  })

  test('a section without text is left out', () => {
    const page = renderPage({ name: 'x', section: 1, summary: 'y', body: [['OPTIONS', []]] }, { version: '1' })
    expect(page).not.toContain('OPTIONS')
  })
})
