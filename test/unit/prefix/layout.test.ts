import { expect, test } from '@jest/globals'
import { prefixLayout } from '../../../src/prefix/layout.js'

test('everything in a prefix is where upstream has it', () => {
  const layout = prefixLayout('/w/.lago/default')
  const { net, vm, ...paths } = layout
  expect(paths).toEqual({
    dir: '/w/.lago/default',
    uuid: '/w/.lago/default/uuid',
    initialized: '/w/.lago/default/initialized',
    sshKey: '/w/.lago/default/id_rsa',
    sshPublicKey: '/w/.lago/default/id_rsa.pub',
    metadata: '/w/.lago/default/metadata',
    images: '/w/.lago/default/images',
    virt: '/w/.lago/default/virt',
    env: '/w/.lago/default/virt/env',
    scripts: '/w/.lago/default/scripts',
    logs: '/w/.lago/default/logs',
    log: '/w/.lago/default/logs/lago.log',
  })
  expect(net('lago')).toBe('/w/.lago/default/virt/net-lago')
  expect(vm('vm0')).toBe('/w/.lago/default/virt/vm-vm0')
})
