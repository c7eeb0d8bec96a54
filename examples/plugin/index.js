/** The smallest plugin that adds something: a kind of VM and a verb. */
import { definePlugin, envOfVerb } from 'lago'

/** `vm-type: web-server` in an init file. Every part may be left out. */
const webServer = {
  /** Fetched by `lago collect`, beside what the init file names. */
  artifacts: () => ['/var/log/nginx'],

  /** What the guest does before `lago stop` and `lago shutdown`; it has half a minute. */
  async beforeStop(task, guest) {
    await guest.run(task, ['sync'])
  },
}

const addresses = {
  name: 'addresses',
  summary: 'Print the address of every VM',
  example: 'lago addresses --type web-server',
  args: [],
  options: [{ name: 'type', type: 'string', help: 'only VMs of this type' }],
  async run(context) {
    const env = await envOfVerb(context)
    try {
      const wanted = context.args.one('type')
      const vms = [...env.vms.values()].filter(({ spec }) => wanted === undefined || spec['vm-type'] === wanted)
      return { output: Object.fromEntries(vms.map(({ name, ip }) => [name, ip])) } // printed as --out-format says
    } finally {
      await env.close()
    }
  },
}

export default definePlugin({
  name: 'lago-plugin-example',
  api: 1,
  requires: '>=2.0',
  commands: [addresses],
  vmTypes: { 'web-server': webServer },
})
