/** Templates by the SDK: what `lago template` does, for programs. */
import { readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { init, loadTemplates, type LagoEvent, type TemplatesOptions } from '../../src/index.js'
import { useHttpServers } from '../helpers/http-server.js'
import { makeProject, ONE_TEMPLATE_VM, tinyRepository } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const servers = useHttpServers()

async function place(): Promise<TemplatesOptions & { readonly cwd: string }> {
  const cwd = await makeTempDir()
  await makeProject(cwd, tinyRepository())
  const settings = { libvirtUrl: 'test:///default', leaseDir: 'subnets' }
  const env = { HOME: cwd, TINY_ROOT: path.join(cwd, 'repo') }
  return { cwd, env, settings, templateRepoPath: 'repo/template-repo.json', templateStore: 'store' }
}

test('fetched, used, published, removed', async () => {
  const options = await place()
  const { cwd } = options
  const image = path.join(cwd, 'store/local:tiny:v1')
  await using templates = await loadTemplates(options)
  expect(await templates.list()).toEqual([
    { repository: 'local', name: 'tiny', version: 'v1', isOffered: true, isLatest: true, stored: undefined },
  ])
  expect(await templates.fetch()).toEqual([{ repository: 'local', name: 'tiny', version: 'v1', path: image }])
  {
    await using env = await init({ ...options, workdir: 'env', spec: ONE_TEMPLATE_VM })
    expect(await templates.list()).toMatchObject([
      { stored: { path: image, sizeBytes: 65536, from: path.join(cwd, 'repo/tiny.raw'), usedBy: [env.prefixDir] } },
    ])
    await expect(templates.prune(['tiny'])).rejects.toMatchObject({ code: 'LAGO_TEMPLATE_IN_USE' })
    expect(await templates.prune()).toEqual([])
  }
  expect(await templates.publish({ dir: 'pub', compress: 'zstd' })).toEqual({
    repository: path.join(cwd, 'pub/template-repo.json'),
    templates: ['local:tiny:v1'],
  })
  expect(await templates.verify()).toEqual(new Map([['local:tiny:v1', 'intact']]))
  expect(await templates.prune()).toEqual(['local:tiny:v1'])
  await expect(stat(image)).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(templates.fetch(['tinny'])).rejects.toMatchObject({ code: 'LAGO_TEMPLATE_UNKNOWN' })
})

test('an image is taken in once; without a sum over an open connection only with a warning', async () => {
  const options = await place()
  await writeFile(path.join(options.cwd, 'image'), Buffer.alloc(4096))
  const events: LagoEvent[] = []
  await using templates = await loadTemplates({ ...options, events: (event) => events.push(event) })
  const request = { name: 'mine', image: 'image', metadata: { distro: 'mine' } }
  const { repository, version } = await templates.import(request)
  expect([repository, version]).toEqual(['imported', expect.stringMatching(/^\d{8}$/)])
  await expect(templates.import({ ...request, version })).rejects.toMatchObject({ code: 'LAGO_TEMPLATE_EXISTS' })
  const { url } = await servers.http((_, response) => response.writeHead(404).end())
  await expect(templates.import({ name: 'other', image: `${url}/image` })).rejects.toMatchObject({
    code: 'LAGO_DOWNLOAD',
  })
  expect(events).toContainEqual(
    expect.objectContaining({ level: 'warning', message: expect.stringContaining('there is no checksum') }),
  )
  const left = (await readdir(path.join(options.cwd, 'store'))).filter((name) => name.startsWith('imported:other'))
  expect(left.filter((name) => !name.endsWith('.lock'))).toEqual([])
})

test('nothing can be done with them after they were closed', async () => {
  const templates = await loadTemplates(await place())
  await templates.close()
  await templates.close()
  await expect(templates.list()).rejects.toThrow('closed')
})
