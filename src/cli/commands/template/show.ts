import type { Host } from '../../../prefix/host.js'
import type { CommandContext, CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { storedFacts } from './list.js'
import { REPOSITORY_OPTIONS, STORE_OPTION } from './options.js'

export const templateShow: CommandSpec = {
  name: 'template show',
  summary: 'Show what is known of a template: where it is, who uses it, its hashes and metadata',
  example: 'lago template show mini',
  args: [{ name: 'name', arity: 'one', help: 'NAME, or NAME:VERSION; default: the latest version' }],
  options: [...REPOSITORY_OPTIONS, STORE_OPTION],
  async run(context) {
    return withHost(context, async (host) => ({ output: await describe(context, host) }))
  },
}

async function describe({ task, env, args }: CommandContext, host: Host): Promise<Readonly<Record<string, unknown>>> {
  const { parseTemplateName } = await import('../../../store/template-name.js')
  const { openTemplates } = await import('../../../store/templates.js')
  const { readStored } = await import('../../../store/stored.js')
  const { storedTemplate } = await import('../../../store/store.js')
  const { readPublished } = await import('../../../store/published.js')
  const { template, version: wanted } = parseTemplateName(args.one('name') ?? '')
  const templates = await openTemplates(task, host.store.dir, host.templateOptions(env))
  const version = templates.find(template, wanted)
  const stored = await readStored(host.store.dir, version.ref)
  const known =
    stored === undefined
      ? await readPublished(task, version)
      : { digests: stored.origin?.digests ?? [], metadata: (await storedTemplate(version.ref, stored.files)).metadata }
  return {
    name: version.ref.name,
    version: version.ref.version,
    repository: version.repository,
    image: version.source.describe(version.handle),
    hashes: Object.fromEntries(known.digests.map(({ name, hex }) => [name, hex])),
    metadata: known.metadata,
    in_store: stored !== undefined,
    ...(stored === undefined ? {} : storedFacts(stored)),
  }
}
