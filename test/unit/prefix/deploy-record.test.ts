import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { readDeployRecord, writeDeployRecord } from '../../../src/prefix/deploy-record.js'
import { prefixLayout, type PrefixLayout } from '../../../src/prefix/layout.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const RUN = { script: '_a.sh', sha256: 'ab', startedAtMs: 5, exitCode: 0 }

async function emptyPrefix(): Promise<PrefixLayout> {
  const layout = prefixLayout(await tempDir())
  await mkdir(layout.virt)
  return layout
}

test('a record is read back as it was written, and may be taken away', async () => {
  const layout = await emptyPrefix()
  expect(await readDeployRecord(layout, 'vm0')).toBeUndefined()
  await writeDeployRecord(layout, 'vm0', { runs: [RUN] })
  expect(await readDeployRecord(layout, 'vm0')).toEqual({ runs: [RUN] })
  expect(await readDeployRecord(layout, 'vm1')).toBeUndefined()
  await writeDeployRecord(layout, 'vm0', undefined)
  expect(await readDeployRecord(layout, 'vm0')).toBeUndefined()
  expect(await readdir(layout.virt)).toEqual([])
})

test.each(['', '{', '[]', 'null', '{"runs": 1}', '{"runs": [{"script": "a"}]}', '{"runs": [null]}'])(
  'a record that says %j is damaged',
  async (text) => {
    const layout = await emptyPrefix()
    await writeFile(layout.deployed('vm0'), text)
    await expect(readDeployRecord(layout, 'vm0')).rejects.toMatchObject({ code: 'LAGO_PREFIX_CORRUPT' })
  },
)
