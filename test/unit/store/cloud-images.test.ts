/** The cloud images of distributions, as examples/cloud-images names them: every init file finds its templates and is planned. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { templateKey } from '../../../src/plan/disks.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import { readInitFile } from '../../../src/spec/load.js'
import { readRepositoryFile } from '../../../src/store/repository-file.js'
import { repositoryOf } from '../../../src/store/repository.js'
import { repositoryOptions } from './publish.js'

// from build/test/unit/store
const dir = fileURLToPath(new URL('../../../../examples/cloud-images/', import.meta.url))
const initFiles = (await readdir(dir)).filter((name) => name.endsWith('.yaml'))

async function openExamples(): Promise<ReturnType<typeof repositoryOf>> {
  return repositoryOf(await readRepositoryFile(path.join(dir, 'template-repo.json')), repositoryOptions({}))
}

test('there is one for each distribution, over https, with sums and what cloud-init is', async () => {
  const repository = await openExamples()
  expect(initFiles.sort()).toEqual([
    'almalinux.yaml',
    'centos-stream.yaml',
    'debian.yaml',
    'fedora.yaml',
    'ubuntu.yaml',
  ])
  for (const name of repository.templates) {
    const { source, handle, checksums, metadata } = repository.find(name)
    expect(source.describe(handle)).toMatch(/^https:\/\/\S+\.(qcow2|img)$/)
    expect(checksums.map((sums) => path.dirname(sums))).toEqual([path.dirname(handle)])
    expect(metadata).toMatchObject({ bootstrap: 'cloud-init', arch: 'x86_64' })
  }
})

test.each(initFiles)('%s is planned', async (name) => {
  const repository = await openExamples()
  const { spec } = await readInitFile(path.join(dir, name))
  const disks = [...spec.domains.values()].flatMap((domain) => domain.disks).filter((disk) => disk.type === 'template')
  const templates = new Map(
    disks.map((disk) => {
      const { ref, metadata = {} } = repository.find(disk.template, disk.version)
      return [templateKey(disk), { path: `/store/${ref.name}:${ref.version}`, format: 'raw' as const, metadata }]
    }),
  )
  const subnets = new Map([...spec.nets.keys()].map((net, index) => [net, `192.168.${200 + index}.0/24`]))
  const places = { prefixDir: '/p', imagesDir: '/p/images' }
  const facts = { uuid: 'a'.repeat(32), ...places, subnets, templates, expand: (raw: string) => raw }
  const { vms } = planEnv(spec, facts)
  for (const vm of vms.values()) {
    expect(vm.managementIp).toMatch(/^192\.168\.20\d\.\d+$/)
    expect(vm.disks[0]?.backing?.path).toMatch(/^\/store\/[a-z]+-/)
  }
})
