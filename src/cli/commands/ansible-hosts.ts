import type { AnsibleInventory } from '../../prefix/ansible-inventory.js'
import type { CommandContext, CommandSpec } from '../command.js'
import { readPrefix } from './context.js'

export const ansibleHosts: CommandSpec = {
  name: 'ansible_hosts',
  summary: 'Print an Ansible inventory of the VMs',
  example: 'lago ansible_hosts -k vm-type disks/0/metadata/distro',
  args: [],
  options: [
    {
      name: 'keys',
      short: 'k',
      type: 'list',
      help: 'keys of the VMs to group them by; default: vm-type groups vm-provider',
    },
    {
      name: 'format',
      type: 'string',
      choices: ['ini', 'yaml', 'json'],
      help: 'form of the inventory; default: ini; Ansible wants files of the others to end in .yaml or .json',
    },
  ],
  async run(context) {
    const { ansibleInventory } = await import('../../prefix/ansible-inventory.js')
    const { prefix } = await readPrefix(context)
    const { args, config } = context
    const inventory = ansibleInventory(prefix, args.list('keys') ?? [], config.ssh.user)
    return { text: `${await render(context, inventory)}\n` }
  },
}

async function render({ args, config }: CommandContext, inventory: AnsibleInventory): Promise<string> {
  const format = args.one('format') ?? (['yaml', 'json'].includes(config.outFormat) ? config.outFormat : 'ini')
  if (format === 'ini') return (await import('../../prefix/ansible-ini.js')).renderIni(inventory)
  const { inventoryTree } = await import('../../prefix/ansible-inventory.js')
  const { outputFormats } = await import('../output/index.js')
  return (await outputFormats.get(format)())(inventoryTree(inventory))
}
