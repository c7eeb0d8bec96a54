/**
 * Writes a host name into a qcow2 image and prints how it went. Arguments: the directory for temporary files, PATH, the
 * image, and optionally the size of a further file.
 */
import { LagoError } from '../../../../src/base/errors.js'
import { createTask } from '../../../../src/base/task.js'
import { changeFiles } from '../../../../src/disk/ext4-write/change-files.js'

const [tmpDir = '', searched = '', image = '', size = '0'] = process.argv.slice(2)
process.env['TMPDIR'] = tmpDir
process.env['PATH'] = searched
const task = createTask({ emit: () => undefined, close: async () => undefined })
try {
  await changeFiles(task, { path: image, format: 'qcow2', rootPartition: undefined }, async () => [
    { kind: 'file', path: '/etc/hostname', content: Buffer.from('vm0\n'), mode: 0o644 },
    { kind: 'file', path: '/etc/more', content: Buffer.alloc(Number(size), 'x'), mode: 0o644 },
  ])
  process.stdout.write('written\n')
} catch (error) {
  const code = error instanceof LagoError ? `${error.code} ` : ''
  const hint = error instanceof LagoError ? ` (${error.hint})` : ''
  process.stdout.write(`${code}${(error as Error).message.replaceAll('\n', ' ')}${hint}\n`) // nothing else is thrown
}
