import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { useEnvironment } from 'lago/node-test'

const env = useEnvironment({ initFile: 'LagoInitFile' })

test('the machine knows its name', async () => {
  assert.equal(await env.vm('vm0').succeed(['hostname']), 'vm0\n')
})

test('a file goes in and comes out again', async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-example-'))
  try {
    await writeFile(path.join(dir, 'there'), 'and back')
    await env.vm('vm0').copyTo(path.join(dir, 'there'), '/root/there')
    await env.vm('vm0').copyFrom('/root/there', path.join(dir, 'back'))
    assert.equal(await readFile(path.join(dir, 'back'), 'utf8'), 'and back')
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('what is begun in the background comes to its end', async () => {
  const vm = env.vm('vm0')
  await vm.succeed('(sleep 1; echo done > /root/result) >/dev/null 2>&1 &')
  await vm.waitForFile('/root/result')
  assert.equal(await vm.waitUntilSucceeds('cat /root/result'), 'done\n')
})

test('a snapshot takes everything back, running processes included', async () => {
  const vm = env.vm('vm0')
  await vm.succeed('sleep 1000 >/dev/null 2>&1 & echo $! > /run/pid')
  await env.snapshot('sleeping')
  await vm.succeed('kill $(cat /run/pid)')
  await env.revert('sleeping')
  await vm.succeed('kill -0 $(cat /run/pid)')
})
