/** The changelog of an RPM, read by rpmbuild. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { rpmChangelogOf } from '../../scripts/packaging/rpm-history.js'
import type { HistoryEntry } from '../../scripts/versioning/history.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const tempDir = useTempDirs()
const run = promisify(execFile)

function entry(message: string, committedAtMs = Date.UTC(2026, 2, 1), name = 'Jane Doe'): HistoryEntry {
  const author = { name, email: 'jane@example.com' }
  const commit = { hash: 'a'.repeat(40), parents: [], tags: [], refs: [], author, committedAtMs, message }
  return { commit, version: '2.0.0', kind: 'patch', merged: [] }
}

/** Text and day of each entry. */
async function readByRpm(entries: readonly HistoryEntry[]): Promise<string[]> {
  const dir = await tempDir()
  const head = ['Name: x', 'Version: 1', 'Release: 1', 'Summary: x', 'License: x', 'BuildArch: noarch']
  const spec = [...head, '%description', 'x', '%files', '%changelog', rpmChangelogOf(entries)].join('\n')
  await writeFile(path.join(dir, 'x.spec'), spec)
  await run('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${dir}`, path.join(dir, 'x.spec')], { cwd: dir })
  const query = ['-qp', '--qf', '[%{CHANGELOGTIME:day} %{CHANGELOGNAME} %{CHANGELOGTEXT}\\n]']
  const { stdout } = await run('rpm', [...query, path.join(dir, 'RPMS/noarch/x-1-1.noarch.rpm')])
  return stdout.trim().split(/\n(?! )/)
}

const WRAPPED = 'x'.repeat(64)

test.each([
  '%{lua:print(1)} %(echo no) %',
  `${WRAPPED} %if 0 and more`,
  `${WRAPPED} %endif`,
  `${WRAPPED} %include /etc/passwd`,
  'a line that would go on \\',
  'a macro that is open %{ and more',
])('what a message says means nothing to rpmbuild: %j', async (subject) => {
  const [second, first] = await readByRpm([entry(`${subject}\n`), entry('second\n')])
  expect(first?.replace(/\s+/g, ' ').trimEnd()).toBe(
    `Sun Mar 01 2026 Jane Doe <jane@example.com> - 2.0.0 aaaaaaaa: ${subject}`,
  )
  expect(second).toMatch(/aaaaaaaa: second$/)
})

test('characters that a list of packages cannot have are left out, and begin no line', async () => {
  expect(await readByRpm([entry('caf\u00e9 \x1b[31mred\x07\ufffe\r* of\r%files <script>\n')])).toEqual([
    'Sun Mar 01 2026 Jane Doe <jane@example.com> - 2.0.0 aaaaaaaa: caf\u00e9 red * of %files <script>',
  ])
})

test('days that rpmbuild does not know are the nearest that it knows', async () => {
  for (const [ms, day] of [
    [-1e12, 'Mon Jan 01 1990'],
    [0, 'Mon Jan 01 1990'],
    [Date.UTC(9999, 0, 1), 'Fri Jan 01 2100'],
  ] as const)
    expect((await readByRpm([entry('x\n', ms, '100% %{x}')])).map((line) => line.slice(0, 25))).toEqual([
      `${day} 100% %{x}`,
    ])
})
