import { expect, test } from '@jest/globals'
import { unlessAborted } from '../../../src/base/unless-aborted.js'
import type { Host } from '../../../src/prefix/host.js'
import { createTemplateFinder, type TemplateFinder } from '../../../src/prefix/template-finder.js'
import type { Downloader } from '../../../src/store/download/types.js'
import type { TemplateVersion } from '../../../src/store/types.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const REPOSITORY = JSON.stringify({
  name: 'ci',
  sources: { here: { type: 'http', args: { baseurl: './' } } },
  templates: { el7: { versions: { v1: { source: 'here', handle: 'el7', timestamp: 1 } } } },
})

/** Of a host whose repository is at a URL; its store gives the name of what is asked for. */
async function finderWith(text: Downloader['text']): Promise<TemplateFinder> {
  const dir = await makeTempDir()
  const places = { path: 'http://host/ci.json', reposDir: dir, cacheDir: dir }
  const templateOptions = (vars: object): object => ({ ...places, downloader: { text }, vars })
  const ensure = async (_: unknown, { ref }: TemplateVersion): Promise<string> => ref.name
  const host = { store: { dir, ensure }, templateOptions } as unknown as Host // of what is asked for
  return createTemplateFinder(host, {}, { uuid: 'a'.repeat(32), uuidPath: `${dir}/uuid` })
}

test('the abort of the disk that came first is not that of the next', async () => {
  let send: (answer: Awaited<ReturnType<Downloader['text']>>) => void = () => undefined
  const sent = new Promise<Awaited<ReturnType<Downloader['text']>>>((resolve) => (send = resolve))
  const finder = await finderWith(async ({ signal }) => unlessAborted(signal, sent))
  const first = recordedTask()
  const lost = finder.ensure(first.task, 'el7', undefined)
  const kept = finder.ensure(recordedTask().task, 'el7', undefined)
  first.abort(new Error('enough'))
  await expect(lost).rejects.toThrow('enough')
  send({ text: REPOSITORY, etag: undefined })
  expect(await kept).toBe('el7')
})

test('a repository that could not be read is read again for the next disk', async () => {
  let isDown = true
  const finder = await finderWith(async () => {
    if (isDown) throw new Error('it is down')
    return { text: REPOSITORY, etag: undefined }
  })
  const { task } = recordedTask()
  await expect(finder.ensure(task, 'el7', undefined)).rejects.toThrow('it is down')
  isDown = false
  expect(await finder.ensure(task, 'el7', undefined)).toBe('el7')
})
