/**
 * Begins to write into a qcow2 image, and stays in the middle until it is killed. Arguments: the directory for temporary
 * files, PATH, the image.
 */
import { createTask } from '../../../../src/base/task.js'
import { changeFiles } from '../../../../src/disk/ext4-write/change-files.js'

const [tmpDir = '', searched = '', image = ''] = process.argv.slice(2)
process.env['TMPDIR'] = tmpDir
process.env['PATH'] = searched
process.stdin.resume()
const task = createTask({ emit: () => undefined, close: async () => undefined })
await changeFiles(task, { path: image, format: 'qcow2', rootPartition: undefined }, async () => {
  process.stdout.write('ready\n')
  return new Promise(() => undefined)
})
