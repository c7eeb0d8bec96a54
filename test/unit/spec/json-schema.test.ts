import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { renderInitFileJsonSchema } from '../../../src/spec/json-schema.js'

test('the shipped schema is the generated one; else run node build/scripts/init-file-schema.js', async () => {
  // from build/test/unit/spec; the layout is the formatter's business
  const shipped = await readFile(new URL('../../../../templates/init-file.schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(shipped)).toEqual(JSON.parse(renderInitFileJsonSchema()))
})

test('patterns mean the same with and without the u flag, which editors set as they like', () => {
  const patterns = [...renderInitFileJsonSchema().matchAll(/"pattern": (".*")/g)].map(([, json = '']) =>
    String(JSON.parse(json)),
  )
  expect(patterns.length).toBeGreaterThan(10)
  for (const pattern of patterns) {
    expect(pattern).not.toMatch(/\\[pP]\{/)
    expect(() => new RegExp(pattern, 'u')).not.toThrow()
  }
})

test('unknown keys pass everywhere', () => {
  expect(renderInitFileJsonSchema()).not.toMatch(/"(additionalProperties|unevaluatedProperties)": false/)
})

test('every key of a VM and of a net is described for editors', () => {
  const { $defs } = JSON.parse(renderInitFileJsonSchema()) as {
    $defs: Record<string, { properties?: Record<string, { description?: string; $ref?: string }> }>
  }
  const bare = Object.values($defs).flatMap(({ properties = {} }) =>
    Object.keys(properties).filter(
      (key) => properties[key]?.description === undefined && properties[key]?.$ref === undefined,
    ),
  )
  expect(Object.keys($defs).sort()).toEqual(['disk', 'domain', 'net', 'nic'])
  expect(bare).toEqual([])
})
