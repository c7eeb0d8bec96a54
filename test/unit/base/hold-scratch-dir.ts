/** Makes a scratch directory in argv[2], prints its path, and stays until it is killed. */
import { makeScratchDir } from '../../../src/base/scratch-dir.js'

console.log(await makeScratchDir('ssh', process.argv[2]))
setInterval(() => undefined, 60_000)
