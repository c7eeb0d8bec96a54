import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { createHostKey } from '../../../src/bootstrap/host-key.js'
import type { HostKey } from '../../../src/bootstrap/types.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

async function written(key: HostKey): Promise<string> {
  const file = path.join(await makeTempDir(), 'key')
  await writeFile(file, key.privateKey, { mode: 0o600 })
  await writeFile(`${file}.pub`, `${key.publicKey}\n`)
  return file
}

function sshKeygen(...words: string[]): string {
  return execFileSync('ssh-keygen', words, { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
}

test.each(['', 'v', 'vm0', 'vm0.a', 'vm0.lago', 'vm0.lago.local on my host', 'äöü'])(
  'ssh-keygen finds the public key in the private one; comment "%s"',
  async (comment) => {
    const key = await createHostKey(comment)
    expect(sshKeygen('-y', '-f', await written(key)).trimEnd()).toBe(key.publicKey.trimEnd())
    expect(key.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68} [^\n]*$/)
    expect(key.privateKey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n[^]*\n-----END OPENSSH PRIVATE KEY-----\n$/)
  },
)

test('what one half signs, the other confirms', async () => {
  const file = await written(await createHostKey('vm0'))
  await writeFile(`${file}.text`, 'text')
  sshKeygen('-Y', 'sign', '-f', file, '-n', 'file', `${file}.text`)
  await writeFile(`${file}.allowed`, `vm0 ${sshKeygen('-y', '-f', file)}`)
  const words = ['-Y', 'verify', '-f', `${file}.allowed`, '-I', 'vm0', '-n', 'file', '-s', `${file}.text.sig`]
  const confirmed = execFileSync('ssh-keygen', words, { input: 'text', encoding: 'utf8' })
  expect(confirmed).toContain('Good "file" signature for vm0')
})

test('each is another one', async () => {
  const [one, other] = [await createHostKey('vm0'), await createHostKey('vm0')]
  expect(one.publicKey).not.toBe(other.publicKey)
  expect(one.privateKey).not.toBe(other.privateKey)
})
