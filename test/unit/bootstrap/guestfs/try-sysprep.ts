/** Prints the code and the message of what goes wrong; the directory for temporary files is the environment's. */
import { sysprepDisk } from '../../../../src/bootstrap/guestfs/sysprep.js'
import { factsOf, messageOf } from '../../../../src/base/errors.js'
import { identityOf } from '../../../helpers/identity.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const disk = { path: '/dev/null', format: 'raw', rootPartition: undefined } as const
await sysprepDisk(recordedTask().task, disk, identityOf(), { kvmWorks: true }).catch((error: unknown) =>
  console.log(String(factsOf(error)['code']), messageOf(error)),
)
