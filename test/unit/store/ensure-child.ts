/** Ensures template `t` of the repository argv[2] in the store argv[3], prints how many conversions it made itself. */
import { openTemplateStore } from '../../../src/store/store.js'
import { openTemplates } from '../../../src/store/templates.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { repositoryOptions } from './publish.js'

const [, , repositoryPath = '', storeDir = ''] = process.argv
const { task, messages } = recordedTask()
const templates = await openTemplates(task, storeDir, repositoryOptions({ path: repositoryPath }))
await openTemplateStore(storeDir).ensure(task, templates.find('t'))
console.log(messages().filter((message) => message.startsWith('run: qemu-img convert')).length)
