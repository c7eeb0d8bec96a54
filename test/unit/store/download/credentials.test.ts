import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { createCredentials } from '../../../../src/store/download/credentials.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('a .netrc that could not be read is read again for the next URL', async () => {
  const { task } = recordedTask()
  const netrcPath = path.join(await makeTempDir(), 'netrc')
  await writeFile(netrcPath, 'machine host login ann password secret\n', { mode: 0o600 })
  const env = { NETRC: path.join(path.dirname(netrcPath), 'x'.repeat(300)) } // longer than a name can be
  const credentials = createCredentials(env)
  const url = new URL('https://host/file')
  await expect(credentials.authorizationFor(task, url)).rejects.toMatchObject({ code: 'ENAMETOOLONG' })
  env.NETRC = netrcPath
  const asked = `Basic ${Buffer.from('ann:secret').toString('base64')}`
  expect(await credentials.authorizationFor(task, url)).toBe(asked)
})
