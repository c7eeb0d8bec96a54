import path from 'node:path'
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
    { name: 'image', arity: 'one', help: 'path or URL of the image, compressed or not' },
  ],
  options: [
    { name: 'version', type: 'string', help: 'version of the template; default: the date of today' },
    { name: 'checksum', type: 'string', help: 'sha1:HEX, sha256:HEX, sha512:HEX, or a file with sums or its URL' },
    { name: 'metadata', type: 'list', help: 'facts about the image: distro=debian bootstrap=cloud-init ...' },
    ...REPOSITORY_OPTIONS,
    STORE_OPTION,
  ],
  async run(context) {
    const { importImage } = await import('../../../store/import-image.js')
    const { openTemplates } = await import('../../../store/templates.js')
    const { isUrl } = await import('../../../store/source.js')
    const { looksLikeDigest } = await import('../../../store/remote-file.js')
    const { task, args, cwd, env } = context
    const place = (text: string): string => (isUrl(text) ? text : path.resolve(cwd, text))
    const [from, checksum] = [place(args.one('image') ?? ''), args.one('checksum')]
    if (checksum === undefined && /^http:/i.test(from))
      task.log('warning', `${from} comes over an open connection, and there is no --checksum to compare it with`)
    return withHost(context, async (host) => {
      const options = host.templateOptions(env)
      const findParent = async (name: string, version: string): Promise<string> => {
        const templates = await openTemplates(task, host.store.dir, options)
        return (await host.store.ensure(task, templates.find(name, version))).path
      }
      const stored = await importImage(
        task,
        host.store.dir,
        {
          name: args.one('name') ?? '',
          version: args.one('version') ?? today(),
          from,
          checksum: checksum === undefined || looksLikeDigest(checksum) ? checksum : place(checksum),
          metadata: metadataOf(context),
        },
        { downloader: options.downloader, findParent },
      )
      return { output: { [`${stored.ref.name}:${stored.ref.version}`]: stored.path } }
    })
  },
}

function today(): string {
  return new Date().toISOString().slice(0, 10).replaceAll('-', '')
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
