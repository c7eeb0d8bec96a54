import { describe, expect, test } from '@jest/globals'
import type { Env, Vm } from '../../../../src/index.js'
import { distrosOf } from '../../../../src/plugins/ovirt/distros.js'
import { internalRepository } from '../../../../src/plugins/ovirt/internal-repository.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

/** An engine and a host, of which nothing but the distribution is asked, and a VM that is neither. */
function envOf(engine: string | undefined, host: string | undefined): Env {
  const vm = (name: string, type: string, distro: string | undefined): [string, Vm] => [
    name,
    { name, distro, spec: { 'vm-type': type }, metadata: {} } as unknown as Vm,
  ]
  const vms = [vm('e', 'ovirt-engine', engine), vm('h', 'ovirt-host', host), vm('s', 'default', '../storage')]
  return { prefixDir: '/p', vms: new Map(vms) } as unknown as Env
}

/** They would be paths, macros of rpm, options, names of other files, or lines of their own. */
const BAD = [
  ...['..', '../..', '../../../../victim', '/etc', 'el7/..', '.', '.packages.json', 'a/b', 'a\\b'],
  ...['%(touch pwned; echo fc24)', '%{lua:os.execute("x")}', 'el7%{nil}', '$(x)'],
  ...['-r', '--root=/etc', '', ' ', 'el 7', 'el7\n', 'el7\0', 'é'],
]

describe('the distributions of an environment', () => {
  test('are those of engine and hosts', () => {
    const { task, messages } = recordedTask()
    expect(distrosOf(task, envOf('el7', 'fc24'))).toEqual({ engine: ['el7'], hosts: ['fc24'], all: ['el7', 'fc24'] })
    expect(distrosOf(task, envOf('el7', 'el7')).all).toEqual(['el7'])
    expect(messages('warning')).toEqual([])
  })

  test.each(['el7', 'fc24', 'el7.9', 'centos-stream-9', 'my_own+1', '7'])('may be called %s', (distro) => {
    expect(distrosOf(recordedTask().task, envOf(distro, undefined)).all).toEqual([distro])
  })

  test.each(BAD)('may not be called %j', (distro) => {
    const { task } = recordedTask()
    const refused = (vm: string): unknown =>
      expect.objectContaining({
        code: 'LAGO_DISTRO_NAME',
        message: `the distribution of ${vm} cannot be ${JSON.stringify(distro)}`,
        data: { vm, distro },
      })
    expect(() => distrosOf(task, envOf(distro, 'fc24'))).toThrow(refused('e'))
    expect(() => distrosOf(task, envOf('el7', distro))).toThrow(refused('h'))
  })
})

test.each(BAD)('no path of the internal repository is made with %j', (distro) => {
  const internal = internalRepository('/p')
  for (const make of [() => internal.distroDir('default', distro), () => internal.shortLink(distro)])
    expect(make).toThrow(expect.objectContaining({ code: 'LAGO_DISTRO_NAME' }))
  expect(internal.distroDir('default', 'el7')).toBe('/p/internal_repo/default/el7')
  expect(internal.shortLink('el7')).toBe('/p/internal_repo/el7')
})
