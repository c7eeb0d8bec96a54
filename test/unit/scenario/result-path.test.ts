import { expect, test } from '@jest/globals'
import { resultPath } from '../../../src/scenario/result-path.js'

const place = { prefixDir: '/p', cwd: '/c', scenarioFile: '/s/001_basic.py' }

test.each([
  ['0.x', undefined, '/p/nosetests-001_basic.py.xml'],
  ['1.x', undefined, '/p/001_basic.py.junit.xml'],
  ['1.x', '', '/p/001_basic.py.junit.xml'],
  ['1.x', 'name.xml', '/p/name.xml'],
  ['1.x', 'dir/', '/c/dir/001_basic.py.junit.xml'],
  ['0.x', 'dir/', '/c/dir/nosetests-001_basic.py.xml'],
  ['1.x', 'dir/name.xml', '/c/dir/name.xml'],
  ['1.x', './name.xml', '/c/name.xml'],
  ['1.x', '../name.xml', '/name.xml'],
  ['1.x', '/abs/name.xml', '/abs/name.xml'],
  ['1.x', '/abs/', '/abs/001_basic.py.junit.xml'],
  ['1.x', '/name.xml', '/name.xml'],
] as const)('era %s, --junitxml-file %s: %s', (era, given, expected) => {
  expect(resultPath({ ...place, era, given })).toBe(expected)
})
