/** Opens a qcow2 image, reads or aborts, and prints how it went. Arguments: which, TMPDIR, the image. */
import { LagoError } from '../../../src/base/errors.js'
import { createTask } from '../../../src/base/task.js'
import { openImage } from '../../../src/disk/open-image.js'

const [how = '', tmpDir = '', image = ''] = process.argv.slice(2)
process.env['TMPDIR'] = tmpDir
const controller = new AbortController()
const task = createTask({ emit: () => undefined, close: async () => undefined }, { signal: controller.signal })
try {
  await using opened = await openImage(task, { path: image, format: 'qcow2' })
  if (how === 'abort') controller.abort(new Error('enough'))
  await opened.read(task, 0, 512)
  process.stdout.write('read\n')
} catch (error) {
  const code = error instanceof LagoError ? `${error.code} ` : ''
  process.stdout.write(`${code}${(error as Error).message}\n`) // nothing else is thrown
}
