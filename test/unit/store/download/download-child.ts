/** Downloads argv[2] with the environment's own settings, and prints what came as text, or the message of the failure. */
import { messageOf } from '../../../../src/base/errors.js'
import { createDownloader } from '../../../../src/store/download/downloader.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { readAll } from './setup.js'

const downloader = createDownloader({ env: process.env, limits: { tries: 1 } })
const said = await downloader
  .open(recordedTask().task, [process.argv[2] ?? ''])
  .then(async (stream) => (await readAll(stream)).toString())
  .catch(messageOf)
console.log(said)
