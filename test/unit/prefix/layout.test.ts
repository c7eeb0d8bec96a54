import { expect, test } from '@jest/globals'
import { prefixLayout } from '../../../src/prefix/layout.js'

test('everything in a prefix is where upstream has it', () => {
  const layout = prefixLayout('/w/.lago/default')
  const { net, vm, consoleLog, knownHosts, deployed, suspended, snapshot, ...paths } = layout
  expect(paths).toEqual({
    dir: '/w/.lago/default',
    uuid: '/w/.lago/default/uuid',
    initialized: '/w/.lago/default/initialized',
    oldMarker: '/w/.lago/default/.lago',
    sshKey: '/w/.lago/default/id_rsa',
    sshPublicKey: '/w/.lago/default/id_rsa.pub',
    metadata: '/w/.lago/default/metadata',
    images: '/w/.lago/default/images',
    virt: '/w/.lago/default/virt',
    env: '/w/.lago/default/virt/env',
    expires: '/w/.lago/default/expires',
    scripts: '/w/.lago/default/scripts',
    logs: '/w/.lago/default/logs',
    log: '/w/.lago/default/logs/lago.log',
    testLogs: '/w/.lago/default/test_logs',
    underWay: '/w/.lago/default/virt/under-way',
  })
  expect(net('lago')).toBe('/w/.lago/default/virt/net-lago')
  expect(vm('vm0')).toBe('/w/.lago/default/virt/vm-vm0')
  expect([consoleLog('vm0'), knownHosts('vm0'), deployed('vm0')]).toEqual([
    '/w/.lago/default/logs/console-vm0.log',
    '/w/.lago/default/virt/known_hosts-vm0',
    '/w/.lago/default/virt/deployed-vm0',
  ])
  expect(suspended('vm0')).toMatchObject({ memory: '/w/.lago/default/images/vm0.suspended' })
  expect(snapshot('vm0', 'clean')).toEqual({
    memory: '/w/.lago/default/images/vm0.clean.memory',
    xml: '/w/.lago/default/virt/snapshot-vm0.clean.xml',
    knownHosts: '/w/.lago/default/virt/snapshot-vm0.clean.known_hosts',
    deployed: '/w/.lago/default/virt/snapshot-vm0.clean.deployed',
    rootDir: '/w/.lago/default',
  })
})
