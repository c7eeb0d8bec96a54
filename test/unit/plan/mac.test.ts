import { expect, test } from '@jest/globals'
import { macOf } from '../../../src/plan/mac.js'

test.each([
  ['192.168.200.2', '54:52:c0:a8:c8:02'],
  ['192.168.255.254', '54:52:c0:a8:ff:fe'],
  ['10.0.0.16', '54:52:0a:00:00:10'],
])('the MAC of %s is %s', (ip, mac) => {
  expect(macOf(ip)).toBe(mac)
})
