/** `lago ovirt`: what system-test suites of oVirt call. Its verbs are light: what they do is loaded when they run. */
import { definePlugin, type LagoPlugin } from '../../index.js'
import { collect } from './commands/collect.js'
import { deploy } from './commands/deploy.js'
import { report } from './commands/report.js'
import { reposetup } from './commands/reposetup.js'
import { runtest } from './commands/runtest.js'
import { serve } from './commands/serve.js'

export const ovirt: LagoPlugin = definePlugin({
  name: 'ovirt',
  api: 1,
  commands: [reposetup, deploy, runtest, report, collect, serve],
})
