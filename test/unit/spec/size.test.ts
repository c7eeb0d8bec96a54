import { expect, test } from '@jest/globals'
import { parseSizeBytes } from '../../../src/spec/size.js'

test.each<[size: string | number, bytes: number | undefined]>([
  ['512', 512],
  [512, 512],
  ['512b', 512],
  ['1k', 1024],
  ['1K', 1024],
  ['3M', 3 * 1024 ** 2],
  ['1.5G', 1.5 * 1024 ** 3],
  ['60g', 60 * 1024 ** 3],
  ['2T', 2 * 1024 ** 4],
  ['7P', 7 * 1024 ** 5],
  ['0.1k', 102],
  ['0', undefined],
  ['0.0001k', undefined],
  ['8P', undefined],
  ['1E', undefined],
])('%p is %p bytes', (size, bytes) => {
  expect(parseSizeBytes(size)).toBe(bytes)
})
