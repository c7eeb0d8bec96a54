import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const plugin = fileURLToPath(new URL('../index.js', import.meta.url))
const lagoDir = path.dirname(createRequire(import.meta.url).resolve('lago/package.json'))

const INIT_FILE = `
domains:
  front:
    vm-type: web-server
    memory: 64
    nics: [{net: lago, ip: 192.168.210.10}]
    disks: [{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]
  back:
    memory: 64
    nics: [{net: lago}]
    disks: [{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]
nets:
  lago: {type: nat, management: true, gw: 192.168.210.1, dhcp: {start: 100, end: 254}}
`

let dir
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'lago-plugin-'))
  await writeFile(path.join(dir, 'LagoInitFile'), INIT_FILE)
})
afterEach(async () => rm(dir, { recursive: true }))

/** Runs `lago` in a directory of its own, against the driver that libvirt has for tests. */
async function lago(...args) {
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    LAGO_PLUGINS: plugin,
    LAGO_LIBVIRT_URL: 'test:///default',
    LAGO_LEASE_DIR: path.join(dir, 'subnets'),
  }
  const { stdout } = await run(process.execPath, [path.join(lagoDir, 'bin/lago.js'), ...args], { cwd: dir, env })
  return stdout
}

test('lago addresses prints all VMs, or those of one type', async () => {
  await lago('init')
  assert.deepEqual(JSON.parse(await lago('-f', 'json', 'addresses')), {
    front: '192.168.210.10',
    back: '192.168.210.2',
  })
  assert.deepEqual(JSON.parse(await lago('-f', 'json', 'addresses', '--type', 'web-server')), {
    front: '192.168.210.10',
  })
})

test('the VM type is known with the plugin alone', async () => {
  await assert.rejects(lago('--no-plugins', 'init'), { code: 2, stderr: /unknown VM type 'web-server'|web-server/ })
  await lago('init')
  await lago('start')
  await lago('stop')
})

test('its verb is in the help text', async () => {
  assert.match(await lago('--help'), /lago addresses +Print the address of every VM/)
})
