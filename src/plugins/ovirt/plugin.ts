/** `lago ovirt`: what system-test suites of oVirt call. Its verbs are light: what they do is loaded when they run. */
import { definePlugin, type LagoPlugin } from '../../index.js'
import { addIso } from './commands/add-iso.js'
import { collect } from './commands/collect.js'
import { deploy } from './commands/deploy.js'
import { engineSetup } from './commands/engine-setup.js'
import { report } from './commands/report.js'
import { reposetup } from './commands/reposetup.js'
import { revert } from './commands/revert.js'
import { runtest } from './commands/runtest.js'
import { serve } from './commands/serve.js'
import { snapshot } from './commands/snapshot.js'
import { startHosts } from './commands/start-hosts.js'
import { startVms } from './commands/start-vms.js'
import { start } from './commands/start.js'
import { status } from './commands/status.js'
import { stopHosts } from './commands/stop-hosts.js'
import { stopVms } from './commands/stop-vms.js'
import { stop } from './commands/stop.js'

export const ovirt: LagoPlugin = definePlugin({
  name: 'ovirt',
  api: 1,
  commands: [
    reposetup,
    deploy,
    runtest,
    report,
    collect,
    serve,
    engineSetup,
    start,
    stop,
    startHosts,
    stopHosts,
    startVms,
    stopVms,
    status,
    snapshot,
    revert,
    addIso,
  ],
})
