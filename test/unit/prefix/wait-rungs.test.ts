import { expect, test } from '@jest/globals'
import { parseRung, RUNG_FORMS } from '../../../src/prefix/wait-rungs.js'

test.each([
  ['running', { kind: 'running' }],
  ['kernel', { kind: 'kernel' }],
  ['agent', { kind: 'agent' }],
  ['network', { kind: 'network' }],
  ['ssh', { kind: 'ssh' }],
  ['cloud-init', { kind: 'cloud-init' }],
  ['unit:sshd', { kind: 'unit', unit: 'sshd' }],
  ['unit:getty@tty1.service', { kind: 'unit', unit: 'getty@tty1.service' }],
  ['port:1', { kind: 'port', port: 1 }],
  ['port:65535', { kind: 'port', port: 65_535 }],
  ['cmd:test -e /ready', { kind: 'cmd', command: 'test -e /ready' }],
  ['cmd:-x: y\nz', { kind: 'cmd', command: '-x: y\nz' }],
])('the rung %j', (text, rung) => {
  expect(parseRung(text)).toEqual(rung)
})

test.each([
  '',
  'shh',
  'unit:',
  'unit:-x',
  'unit:a b',
  'unit:a;b',
  'port:0',
  'port:65536',
  'port:http',
  'cmd:',
  'ssh:22',
  'SSH',
])('no rung: %j', (text) => {
  expect(() => parseRung(text)).toThrow(
    expect.objectContaining({ code: 'LAGO_BAD_RUNG', data: { rung: text, rungs: RUNG_FORMS } }),
  )
})

test('a rung that is nearly right is named', () => {
  expect(() => parseRung('shh')).toThrow(expect.objectContaining({ hint: 'did you mean ssh?' }))
})
