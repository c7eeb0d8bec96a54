import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { formatJson } from '../../../src/cli/output/json.js'
import { formatYaml } from '../../../src/cli/output/yaml.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import { renderIni } from '../../../src/prefix/ansible-ini.js'
import { ansibleInventory, inventoryTree, type AnsibleInventory } from '../../../src/prefix/ansible-inventory.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import type { Prefix } from '../../../src/prefix/prefix.js'
import type { DomainSpec } from '../../../src/spec/types.js'
import { domainSpec, envSpec, netSpec, nic, planFacts, PREFIX_DIR, templateDisk } from '../../helpers/env-spec.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const run = promisify(execFile)
const tempDir = useTempDirs()

function prefixWith(domains: readonly DomainSpec[], dir = PREFIX_DIR): Prefix {
  const spec = envSpec(domains, [netSpec('lago', { management: true }), netSpec('br', { type: 'bridge' })])
  return { dir, layout: prefixLayout(dir), plan: planEnv(spec, planFacts(spec)) }
}

const vm = (name: string, given: Partial<DomainSpec> = {}): DomainSpec =>
  domainSpec(name, { disks: [templateDisk('root', 'vda')], ...given })

const line = (name: string, last: number): string =>
  `${name} ansible_host=192.168.200.${last} ansible_ssh_private_key_file=${PREFIX_DIR}/id_rsa`

describe('ini', () => {
  test("has upstream's groups in the order of first sight, and its lines", () => {
    const prefix = prefixWith([vm('web1', { groups: ['web'] }), vm('db', { groups: ['data', 'web'] })])
    expect(renderIni(ansibleInventory(prefix, []))).toBe(
      [
        '[vm-type=default]',
        line('db', 3),
        line('web1', 2),
        '[groups=web]',
        line('db', 3),
        line('web1', 2),
        '[vm-provider=local-libvirt]',
        line('db', 3),
        line('web1', 2),
        '[web]',
        line('db', 3),
        line('web1', 2),
        '[groups=data]',
        line('db', 3),
        '[data]',
        line('db', 3),
      ].join('\n'),
    )
  })

  test.each<[string, string]>([
    ['/disks/0/metadata/distro', '[/disks/0/metadata/distro=debian]'],
    ['disks/-1/name', '[disks/-1/name=root]'],
    ['nics/0/net', '[nics/0/net=lago]'],
    ['bootstrap', '[bootstrap=False]'],
    ['vm-type/', '[vm-type/=default]'],
  ])('the key %s is as typed', (key, group) => {
    const inventory = ansibleInventory(prefixWith([vm('vm0', { bootstrap: 'none' })]), [key])
    expect(renderIni(inventory)).toBe(`${group}\n${line('vm0', 2)}`)
  })

  test.each(['disks/9/name', 'disks/x', 'none', 'toString', 'constructor/name', 'disks/-9', 'vm-type/length', '/', ''])(
    'the key %j leads nowhere, and makes no group',
    (key) => {
      const wrap = (): AnsibleInventory => ansibleInventory(prefixWith([vm('vm0')]), [key])
      if (key === '/' || key === '') expect(wrap).toThrow(expect.objectContaining({ code: 'LAGO_USAGE' }))
      else expect(renderIni(wrap())).toBe(line('vm0', 2)) // it is still a host
    },
  )

  test('a mapping is refused with the keys below it', () => {
    expect(() => ansibleInventory(prefixWith([vm('vm0')]), ['disks/0/metadata'])).toThrow(
      expect.objectContaining({ code: 'LAGO_USAGE', message: expect.stringContaining('distro, arch') }),
    )
    expect(() => ansibleInventory(prefixWith([vm('vm0')]), ['disks'])).toThrow()
  })

  test('a user other than root is told, a VM on a bridge has no address', () => {
    const prefix = prefixWith([
      vm('a', { sshUser: 'fedora' }),
      vm('b', { sshUser: 'None' }),
      vm('c', { nics: [nic('lago')], sshUser: 'root' }),
    ])
    const ini = renderIni(ansibleInventory(prefix, ['vm-type'], 'cloud'))
    expect(ini).toContain(`${line('a', 2)} ansible_user=fedora\n`)
    expect(ini).toContain(`${line('b', 3)} ansible_user='"None"'\n`)
    expect(ini.endsWith(line('c', 4))).toBe(true)
    expect(renderIni(ansibleInventory(prefixWith([vm('a')]), ['vm-type'], 'cloud'))).toContain('ansible_user=cloud')
  })

  test.each(['two words', 'a:b', 'a]b', 'a:children', 'line\nbreak', 'tab\tbed'])(
    'the group %j is refused, with the formats that can hold it',
    (group) => {
      const inventory = ansibleInventory(prefixWith([vm('vm0', { groups: [group] })]), [])
      expect(() => renderIni(inventory)).toThrow(
        expect.objectContaining({ code: 'LAGO_INVENTORY', hint: expect.stringContaining('yaml') }),
      )
    },
  )

  test('a path that Ansible would evaluate is refused in every form', () => {
    expect(() => ansibleInventory(prefixWith([vm('vm0')], '/w/{{ lookup("pipe", "id") }}'), [])).toThrow(
      expect.objectContaining({ code: 'LAGO_INVENTORY' }),
    )
  })
})

const hasAnsible = spawnSync('ansible-inventory', ['--version']).status === 0
const reason = hasAnsible ? '' : ' (skipped: no ansible-core here)'

;(hasAnsible ? describe : describe.skip)(`ansible-inventory reads what was meant${reason}`, () => {
  const odd = `/w/a b/it's "x" #1;\\\\ [y] = ü $HOME \`id\``
  const renders: [string, (inventory: AnsibleInventory) => string][] = [
    ['ini', renderIni],
    ['yaml', (inventory) => formatYaml(inventoryTree(inventory))],
    ['json', (inventory) => formatJson(inventoryTree(inventory))],
  ]

  test.each(renders)('%s', async (form, render) => {
    const file = path.join(await tempDir(), `hosts.${form}`)
    const domains = [
      vm('vm0', { groups: ['web', 'all', 'plugin', '[x', 'a#b'], sshUser: 'None' }),
      vm('vm1.example', { groups: ['007'], sshUser: 'a\\b"c' }),
    ]
    const inventory = ansibleInventory(prefixWith(domains, odd), ['vm-type', '/disks/0/metadata/distro', 'groups'])
    await writeFile(file, `${render(inventory)}\n`)
    const { stdout } = await run('ansible-inventory', ['-i', file, '--list'], {
      cwd: path.dirname(file), // no ansible.cfg of somebody's
      env: {
        ...process.env,
        HOME: path.dirname(file),
        ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FATAL: '1',
        LC_ALL: 'C.UTF-8',
      },
    })
    const listed = JSON.parse(stdout) as Record<string, { hosts?: string[]; hostvars?: unknown }>
    expect(listed['_meta']?.hostvars).toEqual({
      vm0: { ansible_host: '192.168.200.2', ansible_ssh_private_key_file: `${odd}/id_rsa`, ansible_user: 'None' },
      'vm1.example': {
        ansible_host: '192.168.200.3',
        ansible_ssh_private_key_file: `${odd}/id_rsa`,
        ansible_user: 'a\\b"c',
      },
    })
    const groups = Object.entries(listed).flatMap(([name, { hosts }]) =>
      hosts === undefined ? [] : [[name, hosts.sort()]],
    )
    expect(Object.fromEntries(groups)).toEqual({
      'vm-type=default': ['vm0', 'vm1.example'],
      '/disks/0/metadata/distro=debian': ['vm0', 'vm1.example'],
      'groups=web': ['vm0'],
      'groups=all': ['vm0'],
      'groups=plugin': ['vm0'],
      'groups=[x': ['vm0'],
      'groups=a#b': ['vm0'],
      'groups=007': ['vm1.example'],
      web: ['vm0'],
      plugin: ['vm0'],
      '[x': ['vm0'],
      'a#b': ['vm0'],
      '007': ['vm1.example'],
    })
  })
})
