/** `lago/jest`, `lago/vitest` and `lago/node-test`, each under its own framework, as a project has them installed. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { outcomeOf, TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

const USE = `useEnvironment({
  spec: ${JSON.stringify(TWO_EMPTY_VMS)},
  workdir: 'env',
  ready: 'running',
  settings: { libvirtUrl: 'test:///default', leaseDir: 'subnets' },
})`

/** The same three tests everywhere; one fails by an assertion, one by an error. */
const TESTS = `
test('passes', async () => { if (await env.vm('vm0').state() !== 'running') throw new Error('it does not run') })
test('fails an assertion', () => { isSame(1, 2) })
test('throws', async () => { await env.start(['vm9']) })
`

interface Framework {
  readonly argv: readonly string[]
  readonly packages: readonly string[]
  readonly test: string
}

const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  jest: {
    argv: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'],
    packages: ['jest'],
    test: `const { useEnvironment } = await import('lago/jest')
      const isSame = (a, b) => expect(a).toBe(b)`,
  },
  vitest: {
    argv: ['node_modules/vitest/vitest.mjs', 'run'],
    packages: ['vitest'],
    test: `import { expect, test } from 'vitest'
      import { useEnvironment } from 'lago/vitest'
      const isSame = (a, b) => expect(a).toBe(b)`,
  },
  'node-test': {
    argv: ['--test'],
    packages: [],
    test: `import { test } from 'node:test'
      import assert from 'node:assert'
      import { useEnvironment } from 'lago/node-test'
      const isSame = (a, b) => assert.equal(a, b)`,
  },
}

test.each(Object.entries(FRAMEWORKS))(
  '%s: what failed is kept, what passed is not, and nothing runs afterwards',
  async (_name, { argv, packages, test }) => {
    const dir = await makeTempDir()
    await mkdir(path.join(dir, 'node_modules'))
    await symlink(ROOT, path.join(dir, 'node_modules', 'lago'))
    for (const name of packages)
      await symlink(path.join(ROOT, 'node_modules', name), path.join(dir, 'node_modules', name))
    await writeFile(path.join(dir, 'package.json'), '{"type": "module", "jest": {"transform": {}}}')
    await writeFile(path.join(dir, 'machine.test.js'), `${test}\nconst env = ${USE}\n${TESTS}`)

    const env = { PATH: process.env['PATH'], HOME: dir, NO_COLOR: '1' }
    const run = await outcomeOf(spawn(process.execPath, argv, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] }))

    expect(run.stdout + run.stderr).toMatch(/pass(ed)? 1|1 passed/)
    expect(run.exitCode).toBe(1)
    expect(await readdir(path.join(dir, 'lago-results', 'machine.test'))).toEqual(['fails-an-assertion', 'throws'])
    expect(await readdir(path.join(dir, 'lago-results', 'machine.test', 'throws'))).toContain('lago.log')
    expect(await readdir(path.join(dir, 'subnets'))).toEqual(['environments', 'subnet-lease.lock'])
    expect(await readdir(dir)).not.toContain('env')
  },
)
