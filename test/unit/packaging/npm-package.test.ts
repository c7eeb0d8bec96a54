import { expect, test } from '@jest/globals'
import { publishedManifest } from '../../../scripts/packaging/npm-package.js'

const MANIFEST = {
  name: 'lago',
  version: '2.1.7',
  private: true,
  files: ['dist'],
  scripts: { build: 'tsc' },
  dependencies: { koffi: '^3.0.0', got: '^14.0.0', typescript: '~6.0.0' },
  devDependencies: { jest: '^30.0.0' },
}
const LOCK = {
  packages: { 'node_modules/koffi': { version: '3.3.4' }, 'node_modules/typescript': { version: '6.0.1' } },
}

test('what is published asks for what is not bundled alone, as it was locked', () => {
  expect(publishedManifest(MANIFEST, LOCK)).toEqual({
    name: 'lago',
    version: '2.1.7',
    files: ['dist'],
    dependencies: { koffi: '3.3.4', typescript: '6.0.1' },
  })
})

test('a lock without them is no base of a package', () => {
  expect(() => publishedManifest(MANIFEST, { packages: {} })).toThrow('package-lock.json does not have koffi')
})
