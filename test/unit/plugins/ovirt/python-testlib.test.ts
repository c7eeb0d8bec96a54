/** `ovirtlago`, the helpers for scenarios in Python, under every Python of this host that scenarios may need. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url))

/** Stands in for `lago`: notes how it was called, and knows no command that is not in the test. */
const STAND_IN = `
import { appendFileSync } from 'node:fs'
const [option, level, ...words] = process.argv.slice(2)
if (option !== '--loglevel' || level !== 'error' || process.env.LAGO_PREFIX_PATH !== process.env.EXPECTED) process.exit(64)
appendFileSync(process.env.CALLS, JSON.stringify(words) + '\\n')
const line = words.join(' ')
const status = { Prefix: { VMs: { host0: { status: 'running' }, host1: { status: 'down' } }, Networks: { lago: { status: 'up' } } } }
if (line === '--out-format json status') { console.log(JSON.stringify(status)); process.exit(0) }
const known = /^(shell host0 -c (true|fail with \\d|gone|hé)|copy-(to|from)-vm host0 \\S+ \\S+|(ovirt )?(snapshot|revert) \\w+( --no-restore)?)$/
if (!known.test(line)) process.exit(64)
if (line === 'revert gone') { console.error('no such snapshot'); process.exitCode = 2 }
if (line.endsWith('gone')) { console.error('VM host0 cannot be reached [LAGO_SSH_DOWN]\\n  hint: start it'); process.exitCode = 2 }
const [, code] = /fail with (\\d)$/.exec(line) ?? []
if (code) { process.stdout.write('out'); process.stderr.write('err'); process.exitCode = Number(code) }
`

/** A prefix as it is on disk (spec 2.2 to 2.4). */
async function prefix(dir: string): Promise<string> {
  const capable = { 'ovirt-capabilities': ['sanlock'] }
  const nics = (last: number): object[] => [
    { net: 'storage', ip: `10.0.0.${last}` },
    { net: 'lago', ip: `192.168.200.${last}` },
  ]
  const disks = [{ name: 'root', dev: 'vda', format: 'qcow2', path: '/none', metadata: { distro: 'el7' } }]
  const vms = {
    engine: { nics: nics(2), disks, 'vm-type': 'ovirt-engine', metadata: capable },
    host0: { nics: nics(3), metadata: { 'ovirt-role': 'host', ...capable } },
    host1: { nics: nics(4), 'vm-type': 'ovirt-he-host', metadata: capable },
    storage: { nics: nics(5), metadata: {} },
  }
  const files = {
    metadata: { lago_version: '1' },
    'virt/env': { nets: ['storage', 'lago'], vms: Object.keys(vms) },
    'virt/net-storage': { name: 'storage', mtu: 9000 },
    'virt/net-lago': { name: 'lago', management: true, gw: '192.168.200.1', mapping: { engine: '192.168.200.2' } },
    ...Object.fromEntries(Object.entries(vms).map(([name, spec]) => [`virt/vm-${name}`, { name, ...spec }])),
  }
  await mkdir(path.join(dir, 'virt'))
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(dir, name), JSON.stringify(content))
  return dir
}

const found = await Promise.all(
  ['python3', 'python2.7'].map(async (program) => {
    const isThere = await promisify(execFile)(program, ['--version'], { env: { PATH: process.env['PATH'] } }).then(
      () => true,
      () => false, // not on this host, or not usable
    )
    return isThere ? [program] : []
  }),
)

test('there is a Python to try it with', () => {
  expect(found.flat()).toContain('python3')
})

test.each(found.flat())('%s: waiting, sequences, prefixes and machines', async (program) => {
  const dir = await makeTempDir()
  const standIn = path.join(dir, 'lago.mjs')
  await writeFile(standIn, STAND_IN)
  await mkdir(path.join(dir, 'prefix'))
  const prefixDir = await prefix(path.join(dir, 'prefix'))
  const env = {
    PATH: process.env['PATH'],
    PYTHONPATH: path.join(ROOT, 'python'),
    PYTHONDONTWRITEBYTECODE: '1',
    LAGO_PREFIX: prefixDir,
    EXPECTED: prefixDir,
    OVIRTLAGO_NODE: process.execPath,
    OVIRTLAGO_PROGRAM: standIn,
    CALLS: path.join(dir, 'calls'),
    SUITE: '/suites/basic/',
  }
  const tests = path.join(ROOT, 'test/fixtures/python/test_testlib.py')
  const { stderr } = await promisify(execFile)(program, [tests], { env, cwd: dir })
  expect(stderr).toMatch(/^Ran 17 tests[\s\S]*^OK$/m)
})
