import { expect, test } from '@jest/globals'
import { vmStateOf } from '../../../src/libvirt/states.js'

// libvirt/libvirt-domain.h: virDomainState; the words are those of `lago status`
test.each([
  [0, 'no state'],
  [1, 'running'],
  [2, 'blocked'],
  [3, 'paused'],
  [4, 'begin shut down'],
  [5, 'shut off'],
  [6, 'crashed'],
  [7, 'suspended'],
  [8, 'unknown'],
])('state %i is "%s"', (domainState, word) => {
  expect(vmStateOf(domainState)).toBe(word)
})
