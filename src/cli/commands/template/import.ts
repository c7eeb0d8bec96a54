import { LagoError } from '../../../base/errors.js'
import type { CommandContext, CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { REPOSITORY_OPTIONS, STORE_OPTION } from './options.js'

export const templateImport: CommandSpec = {
  name: 'template import',
  summary: 'Make a template of an image of this host, or of one at a URL',
  example: 'lago template import debian https://example.org/debian-12.qcow2 --checksum https://example.org/SHA512SUMS',
  args: [
    { name: 'name', arity: 'one', help: 'name of the template' },
    { name: 'image', arity: 'one', complete: 'file', help: 'path or URL of the image, compressed or not' },
  ],
  options: [
    { name: 'version', type: 'string', help: 'version of the template; default: the date of today' },
    {
      name: 'checksum',
      type: 'string',
      complete: 'file',
      help: 'sha1:HEX, sha256:HEX, sha512:HEX, or a file with sums or its URL',
    },
    { name: 'metadata', type: 'list', help: 'facts about the image: distro=debian bootstrap=cloud-init ...' },
    ...REPOSITORY_OPTIONS,
    STORE_OPTION,
  ],
  async run(context) {
    const { importTemplate } = await import('../../../sdk/template-verbs.js')
    const { task, args } = context
    const request = {
      name: args.one('name') ?? '',
      image: args.one('image') ?? '',
      version: args.one('version'),
      checksum: args.one('checksum'),
      metadata: metadataOf(context),
    }
    return withHost(context, async (host) => {
      const stored = await importTemplate(task, { ...context, host }, request)
      return { output: { [`${stored.ref.name}:${stored.ref.version}`]: stored.path } }
    })
  },
}

/** Texts; `true`, `false` and numbers stay what they are as a text, too, for the file holds what users write. */
function metadataOf({ args }: CommandContext): Readonly<Record<string, string>> {
  const words = args.list('metadata') ?? []
  return Object.fromEntries(
    words.map((word) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? []
      if (key === undefined || value === undefined)
        throw new LagoError('LAGO_USAGE', `bad value "${word}" for --metadata: expected KEY=VALUE`)
      return [key, value]
    }),
  )
}
