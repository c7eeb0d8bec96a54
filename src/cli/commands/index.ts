/** Every verb, in the order of the help text. The files are light: what a verb does is loaded when it runs. */
import type { CommandSpec } from '../command.js'
import { ansibleHosts } from './ansible-hosts.js'
import { cleanup } from './cleanup.js'
import { collect } from './collect.js'
import { copyFromVm } from './copy-from-vm.js'
import { copyToVm } from './copy-to-vm.js'
import { completion } from './completion.js'
import { consoleVerb } from './console.js'
import { deploy } from './deploy.js'
import { destroy } from './destroy.js'
import { doctor } from './doctor.js'
import { exportVerb } from './export.js'
import { gc } from './gc.js'
import { generateConfigVerb } from './generate-config.js'
import { init } from './init.js'
import { list } from './list.js'
import { netSet } from './net/set.js'
import { revert } from './revert.js'
import { setCurrent } from './set-current.js'
import { shell } from './shell.js'
import { shutdown } from './shutdown.js'
import { snapshot } from './snapshot.js'
import { start } from './start.js'
import { status } from './status.js'
import { stop } from './stop.js'
import { templateFetch } from './template/fetch.js'
import { templateImport } from './template/import.js'
import { templateList } from './template/list.js'
import { templatePrune } from './template/prune.js'
import { templatePublish } from './template/publish.js'
import { templateShow } from './template/show.js'
import { templateVerify } from './template/verify.js'
import { templateRepoAdd } from './template-repo/add.js'
import { templateRepoUpdate } from './template-repo/update.js'
import { ttl } from './ttl.js'
import { wait } from './wait.js'

export const commands: readonly CommandSpec[] = [
  init,
  start,
  wait,
  status,
  shell,
  consoleVerb,
  copyToVm,
  copyFromVm,
  deploy,
  collect,
  snapshot,
  revert,
  netSet,
  stop,
  shutdown,
  cleanup,
  destroy,
  list,
  setCurrent,
  ttl,
  gc,
  doctor,
  exportVerb,
  templateList,
  templateShow,
  templateFetch,
  templateImport,
  templateVerify,
  templatePrune,
  templatePublish,
  templateRepoAdd,
  templateRepoUpdate,
  ansibleHosts,
  generateConfigVerb(() => commands),
  completion,
]
