/** The shell parts that the scripts of the README share. */
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const SETUP = fileURLToPath(new URL('../../../../scripts/setup', import.meta.url))

test('each of them only defines: to source it runs nothing and says nothing', async () => {
  const files = (await readdir(SETUP)).filter((name) => name.endsWith('.sh'))
  expect(files).toContain('packages.sh')
  for (const file of files) {
    const script = 'set -euo pipefail; source "$1"; [[ $(declare -F) && ! $(jobs) ]]'
    const run = promisify(execFile)('bash', ['--norc', '-c', script, 'bash', path.join(SETUP, file)])
    expect([file, await run]).toEqual([file, { stdout: '', stderr: '' }])
  }
})

test('names of packages stand once in each list', async () => {
  const script =
    'source "$1"; for list in debian fedora; do declare -n a=${list}_packages b=${list}_test_packages; printf "%s\\n" "${a[@]}" "${b[@]}" | sort | uniq -d; done'
  const { stdout } = await promisify(execFile)('bash', [
    '--norc',
    '-euc',
    script,
    'bash',
    path.join(SETUP, 'packages.sh'),
  ])
  expect(stdout).toBe('')
})
