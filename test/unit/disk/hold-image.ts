/** Opens `<dir>/disk` and holds it until it is killed. Arguments: the directory, which is that for temporary files too, and PATH. */
import path from 'node:path'
import { createTask } from '../../../src/base/task.js'
import { openImage } from '../../../src/disk/open-image.js'

const [dir = '', searched = ''] = process.argv.slice(2)
process.env['TMPDIR'] = dir
process.env['PATH'] = searched
const task = createTask({ emit: () => undefined, close: async () => undefined })
const image = await openImage(task, { path: path.join(dir, 'disk'), format: 'raw' })
await image.read(task, 0, 512)
process.stdout.write('ready\n')
process.stdin.resume()
