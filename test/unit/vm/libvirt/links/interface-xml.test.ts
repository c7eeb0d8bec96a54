import { expect, test } from '@jest/globals'
import { hasDegradedLinks, interfacesIn, withLinkState } from '../../../../../src/vm/libvirt/links/interface-xml.js'

/** As libvirt 9.0.0 gives it of a running domain. */
const first = `<interface type='network'>
      <mac address='54:52:C0:a8:c8:02'/>
      <source network='6f1a-lago' portid='1' bridge='6f1a-lago-ni'/>
      <bandwidth>
        <inbound average='1250'/>
      </bandwidth>
      <target dev='vnet7'/>
      <model type='virtio'/>
      <link state='down'/>
      <alias name='net0'/>
    </interface>`
const second = `<interface type='network'>
      <mac address='54:52:c0:a8:c9:02'/>
      <source network='6f1a-a'/>
      <alias name='net1'/>
    </interface>`
const domain = `<domain>\n  <devices>\n    ${first}\n    ${second}\n  </devices>\n</domain>`

test('interfaces are told by their MAC, with tap, state and limit', () => {
  const found = interfacesIn(domain)
  expect([...found.keys()]).toEqual(['54:52:c0:a8:c8:02', '54:52:c0:a8:c9:02'])
  expect(found.get('54:52:c0:a8:c8:02')).toEqual({ xml: first, tap: 'vnet7', isDown: true, hasBandwidth: true })
  expect(found.get('54:52:c0:a8:c9:02')).toEqual({ xml: second, tap: undefined, isDown: false, hasBandwidth: false })
})

test('a state is put in, or takes the place of the one that is there, and all else stays', () => {
  expect(withLinkState(second, true)).toBe(second.replace(/(c9:02'\/>)/, "$1<link state='down'/>"))
  const up = withLinkState(first, false)
  expect(up.match(/<link state='[^']*'\/>/g)).toEqual(["<link state='up'/>"])
  expect(up).toContain("<inbound average='1250'/>")
  expect(withLinkState(withLinkState(second, true), false)).toBe(withLinkState(second, false))
})

test.each([
  [`<domain>${first}</domain>`, true],
  [`<domain>${withLinkState(first, false)}</domain>`, true],
  [`<domain>${withLinkState(second, true)}</domain>`, true],
  [`<domain>${withLinkState(second, false)}</domain>`, false],
  ['<domain/>', false],
])('a kept machine shows that its links were degraded: case %#', (xml, expected) => {
  expect(hasDegradedLinks(xml)).toBe(expected)
})
