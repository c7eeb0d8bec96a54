import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { XMLParser } from 'fast-xml-parser'
import { element, renderXml } from '../../../src/base/xml.js'

/** What XML cannot carry. */
const CONTROL = /[^\P{Cc}\t\n\r]/u

describe('renderXml', () => {
  test('indents, leaves undefined things out and escapes texts and attributes', () => {
    const tree = element('a', { x: `'"<>&`, gone: undefined }, [element('b', {}, '<&>'), undefined, element('c')])
    expect(renderXml(tree)).toBe("<a x='&apos;&quot;&lt;&gt;&amp;'>\n  <b>&lt;&amp;&gt;</b>\n  <c/>\n</a>\n")
  })

  test.each(['\u0000', 'a\u0007b', '\uffff', '\ud800', 'a\udfff'])('refuses %j, which XML cannot carry', (text) => {
    expect(() => renderXml(element('a', {}, text))).toThrow(
      expect.objectContaining({ code: 'LAGO_XML_TEXT', message: expect.stringContaining('not a text that XML') }),
    )
  })

  test('any text comes back from a parser as it was', () => {
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '',
      trimValues: false,
      parseTagValue: false,
      htmlEntities: true,
    })
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !CONTROL.test(value))
    fc.assert(
      fc.property(text, (value) => {
        const { a } = parser.parse(renderXml(element('a', { x: value }, [element('b', { y: value })]))) as {
          a: { x: string; b: { y: string } }
        }
        expect([a.x, a.b.y]).toEqual([value, value])
      }),
    )
  })
})
