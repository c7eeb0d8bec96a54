import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { createRegistry } from '../../../src/base/registry.js'
import type { VmState } from '../../../src/libvirt/types.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import type { EnvPlan } from '../../../src/plan/types.js'
import { decodeEnv, encodeEnv } from '../../../src/prefix/codec.js'
import { toRoom } from '../../../src/prefix/export-disk.js'
import { exportPrefix } from '../../../src/prefix/export.js'
import { exportedInitFile } from '../../../src/prefix/export-init-file.js'
import { planDiskExports } from '../../../src/prefix/export-plan.js'
import { publishFiles } from '../../../src/base/publish-files.js'
import type { Host } from '../../../src/prefix/host.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import { parseInitFile } from '../../../src/spec/load.js'
import { renderInitFile } from '../../../src/spec/render.js'
import type { DiskSpec, DomainSpec } from '../../../src/spec/types.js'
import {
  domainSpec,
  emptyDisk,
  envSpec,
  fileDisk,
  netSpec,
  planFacts,
  PREFIX_DIR,
  templateDisk,
  UUID,
} from '../../helpers/env-spec.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

function planOf(domains: readonly DomainSpec[], net = netSpec('lago', { management: true })): EnvPlan {
  const spec = envSpec(domains, [net])
  return planEnv(spec, planFacts(spec))
}

const skipped = <T extends object>(spec: T): T => ({ ...spec, raw: { 'skip-export': 'True' } })

describe('files of an export', () => {
  const namesOf = (plan: EnvPlan): string[] => planDiskExports([...plan.vms.values()]).map(({ fileName }) => fileName)

  test('are named as the images, a file of the user keeps its name, and what is to be left out is', () => {
    const disks = [
      templateDisk('root', 'vda'),
      emptyDisk('data', 'vdb', 'raw'),
      fileDisk('own', 'vdc', { rawPath: '/x/own.raw', format: 'raw' }),
      skipped(emptyDisk('no', 'vdd')),
    ]
    expect(namesOf(planOf([domainSpec('vm0', { disks })]))).toEqual(['vm0_root.qcow2', 'vm0_data.raw', 'own.raw'])
  })

  test('one that two VMs use in place is one, two of one name are two', () => {
    const cd = (rawPath: string): DiskSpec => fileDisk('cd', 'hdc', { rawPath, format: 'iso' })
    const plan = planOf([
      domainSpec('a', { disks: [cd('/x/tools.iso')] }),
      domainSpec('b', { disks: [cd('/x/tools.iso')] }),
      domainSpec('c', { disks: [cd('/y/tools.iso')] }),
    ])
    expect(namesOf(plan)).toEqual(['tools.iso', 'tools.iso', 'c_cd.iso'])
  })

  test('a name that could not stand in an init file gives way', () => {
    const odd = ['/x/$NOPE', '/x/.hidden', '/x/-n', '/x/a\nb'].map((rawPath, index) =>
      fileDisk(`d${index}`, `vd${'abcd'[index]}`, { rawPath }),
    )
    expect(namesOf(planOf([domainSpec('vm0', { disks: odd })]))).toEqual(odd.map(({ name }) => `vm0_${name}.qcow2`))
  })

  test('a name does not depend on the snapshots over it', () => {
    const plan = planOf([domainSpec('vm0', { disks: [fileDisk('own', 'vda', { rawPath: '/x/own.qcow2' })] })])
    const [disk] = plan.vms.get('vm0')?.disks ?? []
    if (disk === undefined) throw new Error('no disk')
    const over = {
      ...disk,
      path: `${PREFIX_DIR}/images/own.s1`,
      backing: { path: disk.path, format: 'qcow2' as const },
    }
    const vms = [...plan.vms.values()].map((vm) => ({ ...vm, disks: [over] }))
    expect(planDiskExports(vms).map(({ fileName }) => fileName)).toEqual(['own.qcow2'])
  })
})

describe('the init file of an export', () => {
  const content = `
prototypes:
  small: {memory: 64, vcpu: '1', ssh-user: me}
domains:
  z:
    based-on: small
    nics: [{net: lago, ip: 0.0.0.9}, {net: lago}]
    metadata: {deploy-scripts: [/x/a.sh], ovirt-role: host}
    disks:
      - {name: root, type: template, template_name: mini, dev: vda, metadata: {distro: el7}}
      - {name: data, type: empty, size: 1G, dev: vdb}
      - {name: plain, type: empty, size: 1G, dev: vdc, format: raw}
      - {name: own, type: file, path: $HOME/own.qcow2, dev: vdd, format: qcow2, make_a_copy: 'yes'}
      - {name: tmp, type: empty, size: 1G, dev: vde, skip-export: 'True'}
      - {name: cd, type: file, path: /x/tools.iso, dev: hdc, format: iso}
  a:
    nics: [{net: lago}]
nets:
  lago: {management: true, dhcp: {start: 100, end: 254}, dns_records: {www: 10.0.0.1}}
  fixed: {gw: 192.168.240.1}
`

  async function exported(names: readonly string[], suffix = ''): Promise<Record<string, unknown>> {
    const { spec } = await parseInitFile(content, '/x/LagoInitFile')
    const plan = planEnv(spec, planFacts(spec))
    const stored = decodeEnv(encodeEnv(plan, PREFIX_DIR), PREFIX_DIR, UUID) // as a verb finds it
    const vms = [...stored.vms.values()].filter((vm) => names.includes(vm.spec.name))
    const files = planDiskExports(vms).map(({ disk, fileName }) => [disk, `${fileName}${suffix}`] as const)
    return exportedInitFile(stored, vms, PREFIX_DIR, new Map(files))
  }

  test('has what the user wrote, the files of the export, and no address that Lago chose', async () => {
    expect(await exported(['z'])).toEqual({
      domains: {
        z: {
          memory: 64,
          vcpu: '1',
          'ssh-user': 'me',
          nics: [{ net: 'lago', ip: '0.0.0.9' }, { net: 'lago' }],
          metadata: { 'ovirt-role': 'host' },
          disks: [
            {
              name: 'root',
              type: 'template',
              template_name: 'mini',
              template_type: 'qcow2',
              dev: 'vda',
              format: 'qcow2',
              path: '$LAGO_INITFILE_PATH/z_root.qcow2',
            },
            {
              name: 'data',
              type: 'file',
              format: 'qcow2',
              make_a_copy: 'True',
              dev: 'vdb',
              path: '$LAGO_INITFILE_PATH/z_data.qcow2',
            },
            {
              name: 'plain',
              type: 'file',
              format: 'raw',
              make_a_copy: 'True',
              dev: 'vdc',
              path: '$LAGO_INITFILE_PATH/z_plain.raw',
            },
            {
              name: 'own',
              type: 'file',
              format: 'qcow2',
              make_a_copy: 'yes',
              dev: 'vdd',
              path: '$LAGO_INITFILE_PATH/own.qcow2',
            },
            { name: 'cd', type: 'file', format: 'iso', dev: 'hdc', path: '$LAGO_INITFILE_PATH/tools.iso' },
          ],
        },
      },
      nets: {
        lago: { management: true, dhcp: { start: 100, end: 254 }, dns_records: { www: '10.0.0.1' } },
        fixed: { gw: '192.168.240.1' },
      },
    })
  })

  test.each(['yaml', 'json'] as const)(
    'as %s is accepted without a warning, in the order of before',
    async (format) => {
      const text = renderInitFile(await exported(['z', 'a']), format)
      const { spec, warnings } = await parseInitFile(text, '/y/LagoInitFile')
      expect(warnings).toEqual([])
      expect([...spec.domains.keys()]).toEqual(['z', 'a'])
      expect(spec.domains.get('z')?.disks.map(({ type }) => type)).toEqual(['layered', 'file', 'file', 'file', 'file'])
    },
  )

  test('a compressed file of the user is copied, as it cannot be used where it is', async () => {
    const { domains } = (await exported(['z'], '.xz')) as { domains: { z: { disks: Record<string, unknown>[] } } }
    expect(domains.z.disks.map((disk) => disk['make_a_copy'])).toEqual([undefined, 'True', 'True', 'True', 'True'])
  })

  test('of a prefix that upstream wrote leaves out every address: it does not tell whose they are', async () => {
    const { spec } = await parseInitFile(content, '/x/LagoInitFile')
    const encoded = encodeEnv(planEnv(spec, planFacts(spec)), PREFIX_DIR)
    const forget = (files: ReadonlyMap<string, unknown>): Map<string, unknown> =>
      new Map([...files].map(([name, file]) => [name, { ...(file as object), 'lago-given': undefined }]))
    const plan = decodeEnv({ ...encoded, nets: forget(encoded.nets), vms: forget(encoded.vms) }, PREFIX_DIR, UUID)
    const text = JSON.stringify(exportedInitFile(plan, [...plan.vms.values()], PREFIX_DIR, new Map()))
    expect(text).not.toMatch(/192\.168|0\.0\.0\.9|mapping|lago-given|mgmt_net|deploy-scripts|dns_forward/)
    expect(text).toContain('"nics":[{"net":"lago"},{"net":"lago"}]')
  })
})

describe('publishing', () => {
  const write =
    (...names: string[]) =>
    async (dir: string): Promise<string> => {
      for (const name of names) await writeFile(path.join(dir, name), `new ${name}`)
      return 'done'
    }

  test('makes the directory, moves all files there, and leaves nothing else', async () => {
    const dir = path.join(await tempDir(), 'out')
    expect(await publishFiles(task, { dir, names: ['a', 'b'], force: false }, write('a', 'b'))).toBe('done')
    expect(await readdir(dir)).toEqual(['a', 'b'])
  })

  test('refuses what is there before anything is done', async () => {
    const dir = await tempDir()
    await write('a', 'c')(dir)
    await expect(
      publishFiles(task, { dir, names: ['a', 'b', 'c'], force: false }, async () => {
        throw new Error('must not be called')
      }),
    ).rejects.toMatchObject({ code: 'LAGO_EXPORT_EXISTS', data: { taken: ['a', 'c'] } })
    expect((await readdir(dir)).sort()).toEqual(['a', 'c'])
  })

  test('with force it replaces, and puts back what it replaced when the rest fails', async () => {
    const dir = await tempDir()
    await writeFile(path.join(dir, 'a'), 'old')
    await mkdir(path.join(dir, 'b')) // a directory gives way as well
    await publishFiles(task, { dir, names: ['a', 'b'], force: true }, write('a', 'b'))
    expect(await readFile(path.join(dir, 'b'), 'utf8')).toBe('new b')
    await writeFile(path.join(dir, 'a'), 'old')
    const breaking = async (to: string): Promise<string> => {
      await mkdir(path.join(to, '../old/b')) // nothing can be put aside under this name
      return write('a', 'b')(to)
    }
    await expect(publishFiles(task, { dir, names: ['a', 'b'], force: true }, breaking)).rejects.toMatchObject({
      code: 'EISDIR',
    })
    expect(await readFile(path.join(dir, 'a'), 'utf8')).toBe('old')
    expect((await readdir(dir)).sort()).toEqual(['a', 'b'])
  })

  test('a name that is taken meanwhile stays as it is', async () => {
    const dir = path.join(await tempDir(), 'out')
    const slow = async (to: string): Promise<string> => {
      await writeFile(path.join(dir, 'b'), 'of somebody else')
      return write('a', 'b')(to)
    }
    await expect(publishFiles(task, { dir, names: ['a', 'b'], force: false }, slow)).rejects.toMatchObject({
      code: 'LAGO_EXPORT_EXISTS',
    })
    expect(await readdir(dir)).toEqual(['b'])
    expect(await readFile(path.join(dir, 'b'), 'utf8')).toBe('of somebody else')
  })

  test.each(['fails', 'is aborted'])('work that %s leaves nothing', async (how) => {
    const dir = path.join(await tempDir(), 'out')
    const { task, abort } = recordedTask()
    const reason = new Error('enough')
    const broken = async (to: string): Promise<string> => {
      await write('a')(to)
      if (how === 'fails') throw reason
      abort(reason)
      return 'done'
    }
    await expect(publishFiles(task, { dir, names: ['a'], force: false }, broken)).rejects.toBe(reason)
    expect(existsSync(dir)).toBe(false)
  })
})

describe('an export of VMs that are on', () => {
  async function exportWith(states: readonly [string, VmState][], collectOnly: boolean): Promise<unknown> {
    const dir = await tempDir()
    const provider = { states: async () => new Map(states) }
    const host = {
      config: { vm: { defaultProvider: 'p' } },
      providers: createRegistry('VM provider', [['p', provider]]),
    } as unknown as Host // all that is asked before anything is done
    const prefix = { dir, layout: prefixLayout(dir), plan: planOf([domainSpec('vm0'), domainSpec('vm1')]) }
    const request = { names: [], standalone: true, compress: undefined, dstDir: path.join(dir, 'out'), jobs: 1 }
    const done = exportPrefix(task, host, prefix, { ...request, initFileName: 'a', format: 'yaml', collectOnly })
    await done.catch(() => undefined)
    if (collectOnly || states.some(([, state]) => state === 'running')) expect(existsSync(request.dstDir)).toBe(false)
    return done
  }

  test.each([false, true])('is refused and writes nothing (collect only: %s)', async (collectOnly) => {
    const states: [string, VmState][] = [
      ['vm0', 'running'],
      ['vm1', 'paused'],
    ]
    await expect(exportWith(states, collectOnly)).rejects.toMatchObject({
      code: 'LAGO_VM_RUNNING',
      message: 'The following vms must be off:\nvm0\nvm1',
      hint: 'lago stop vm0 vm1',
    })
  })

  test('goes on when they are off', async () => {
    const states: [string, VmState][] = [
      ['vm0', 'down'],
      ['vm1', 'shut off'],
    ]
    await expect(exportWith(states, true)).resolves.toEqual({ vms: { vm0: [], vm1: [] }, initFile: undefined })
    await expect(exportWith(states, false)).resolves.toMatchObject({ initFile: expect.stringMatching(/out\/a$/) })
  })
})

test.each([
  ['qemu-img', new LagoError('LAGO_NO_SPACE', 'the disk is full: qemu-img convert a b', { hint: 'the prefix' })],
  ['a system call', Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' })],
])('a full disk that %s meets is named by the directory, with what helps an export', async (_, error) => {
  const told = {
    code: 'LAGO_NO_SPACE',
    message: 'the disk is full: /out',
    hint: expect.stringContaining('--dst-dir'),
    data: { dstDir: '/out' },
  }
  await expect(toRoom('/out', Promise.reject(error))).rejects.toMatchObject(told)
  const named = new LagoError('LAGO_NO_SPACE', 'disk x: the disk is full: /out', { data: { dstDir: '/out' } })
  await expect(toRoom('/out', Promise.reject(named))).rejects.toBe(named)
  const other = new Error('unreachable: x')
  await expect(toRoom('/out', Promise.reject(other))).rejects.toBe(other)
})
