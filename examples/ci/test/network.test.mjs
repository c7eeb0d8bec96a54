/** What is tested of the environment: node --test, no packages. `lago shell` runs a command in a machine. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

function lago(...args) {
  return execFileSync('lago', args, { encoding: 'utf8' }).trim()
}

// by address: not every guest asks a name server for names without a dot, as systemd-resolved does not
const { ip: server } = JSON.parse(lago('--out-format', 'json', 'status')).Prefix.VMs.server.NICs.eth0

test('the client reaches the server', () => {
  assert.match(lago('shell', 'client', 'ping', '-c', '1', server), / 0% packet loss/)
})

test('ssh of the server answers the client', () => {
  assert.match(lago('shell', 'client', `bash -c 'head -n 1 < /dev/tcp/${server}/22'`), /^SSH-2\.0/)
})

test('the server is deployed', () => {
  assert.equal(lago('shell', 'server', 'cat', '/var/log/deploy.log'), 'deployed on server')
})
