/** Ensures template `t` of the repository argv[2] in the store argv[3], prints how many conversions it made itself. */
import { openRepository } from '../../../src/store/repository.js'
import { openTemplateStore } from '../../../src/store/store.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const [, , repositoryPath = '', storeDir = ''] = process.argv
const { task, messages } = recordedTask()
const repository = await openRepository(task, { path: repositoryPath, reposDir: '/nonexistent', vars: {} })
await openTemplateStore(storeDir).ensure(task, repository.find('t'))
console.log(messages().filter((message) => message.startsWith('run: qemu-img convert')).length)
