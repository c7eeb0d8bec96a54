import { expect, test } from '@jest/globals'
import { sumsOf } from '../../../src/store/sums-file.js'

const [SHA1, SHA256, SHA512] = ['a'.repeat(40), 'b'.repeat(64), 'c'.repeat(128)]

test.each([
  ['of GNU, as text', `${SHA256}  image.qcow2\n`, { name: 'sha256', hex: SHA256 }],
  ['of GNU, as binary', `${SHA512} *image.qcow2\r\n`, { name: 'sha512', hex: SHA512 }],
  ['of GNU, with a directory', `${SHA1}  ./images/image.qcow2`, { name: 'sha1', hex: SHA1 }],
  ['of GNU, in capitals', `${SHA256.toUpperCase()}  image.qcow2`, { name: 'sha256', hex: SHA256 }],
  ['of BSD, signed, among comments', CHECKSUM(), { name: 'sha256', hex: SHA256 }],
])('a line %s', (_, text, sum) => {
  expect(sumsOf(text, 'image.qcow2')).toEqual([sum])
})

function CHECKSUM(): string {
  return [
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA256',
    '',
    '# image.qcow2: 422346752 bytes',
    `SHA256 (image.qcow2) = ${SHA256}`,
    '-----BEGIN PGP SIGNATURE-----',
  ].join('\n')
}

test('several sums of one file are all given, those of others are not', () => {
  const text = `${SHA256}  image.qcow2\n${SHA512}  image.qcow2\n${SHA256}  image.qcow2.xz\n${SHA256}  x-image.qcow2\n`
  expect(sumsOf(text, 'image.qcow2').map(({ name }) => name)).toEqual(['sha256', 'sha512'])
})

test.each([
  '',
  'image.qcow2',
  `${'a'.repeat(63)}  image.qcow2`,
  `SHA256 (image.qcow2) = ${SHA1.slice(1)}`,
  '<html>404</html>',
])('nothing comes of %j', (text) => {
  expect(sumsOf(text, 'image.qcow2')).toEqual([])
})
