import { expect, test } from '@jest/globals'
import { pidOfLock } from '../../../src/base/lock-holder.js'

const LOCKS = `1: POSIX  ADVISORY  WRITE 10 fe:00:1483562 0 0
2: FLOCK  ADVISORY  WRITE 11 fe:00:2154848 0 EOF
2: -> FLOCK  ADVISORY  WRITE 12 fe:00:2154848 0 EOF
3: FLOCK  ADVISORY  WRITE 13 08:01:2154848 0 EOF
4: FLOCK  ADVISORY  READ  14 08:01:77 0 EOF
5: FLOCK  ADVISORY  WRITE 15 00:2f:256 0 EOF
6: FLOCK  ADVISORY  WRITE 0 fe:00:99 0 EOF
`

test.each([
  ['the device tells equal inodes apart', { dev: 0xfe00, ino: 2154848 }, 11],
  ['and the other way round', { dev: 0x0801, ino: 2154848 }, 13],
  ['a single lock on the inode counts where the device differs', { dev: 0x31, ino: 256 }, 15],
  ['two locks on the inode number and no such device: unknown', { dev: 0x31, ino: 2154848 }, undefined],
  ['shared locks and other kinds are not looked at', { dev: 0x0801, ino: 77 }, undefined],
  ['a lock of another pid namespace has no name', { dev: 0xfe00, ino: 99 }, undefined],
  ['no lock, no holder', { dev: 0xfe00, ino: 1 }, undefined],
])('%s', (_, file, pid) => {
  expect(pidOfLock(LOCKS, file)).toBe(pid)
})
