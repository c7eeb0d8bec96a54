import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { probeKvm } from '../../../../src/vm/libvirt/kvm-probe.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('a line that came in time counts, even when this process was held up until the time was over', async () => {
  const dir = await makeTempDir()
  const [emulator, hasPrinted] = [path.join(dir, 'emulator'), path.join(dir, 'has-printed')]
  const script = `#!/bin/sh\necho 'Linux version 6.1.0'\n: >'${hasPrinted}'\nexec sleep 1000\n`
  await writeFile(emulator, script, { mode: 0o755 })
  const options = { emulator, arch: 'x86_64', kernelPath: '/none', deadlineMs: 1 }
  const probing = probeKvm(recordedTask().task, options)
  execFileSync('sh', ['-c', 'while ! [ -e "$1" ]; do sleep 0.01; done', 'sh', hasPrinted]) // nothing else runs meanwhile
  expect(await probing).toMatchObject({ works: true })
})
