/** What is tested of the environment: node --test, no packages. `lago shell` runs a command in a machine. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

function inside(vm, ...command) {
  return execFileSync('lago', ['shell', vm, ...command], { encoding: 'utf8' }).trim()
}

test('the client reaches the server by its name', () => {
  assert.match(inside('client', 'ping', '-c', '1', 'server'), / 0% packet loss/)
})

test('ssh of the server answers the client', () => {
  assert.match(inside('client', `bash -c 'head -n 1 < /dev/tcp/server/22'`), /^SSH-2\.0/)
})

test('the server is deployed', () => {
  assert.equal(inside('server', 'cat', '/var/log/deploy.log'), 'deployed on server')
})
