import { expect, test } from '@jest/globals'
import { about, explainSystemError, LagoError } from '../../../src/base/errors.js'

const systemError = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'open', path: '/a/b' })

test.each([
  ['ENOSPC', 'LAGO_NO_SPACE', 'the disk is full: /a/b'],
  ['EDQUOT', 'LAGO_NO_SPACE', 'the disk is full: /a/b'],
  ['EACCES', 'LAGO_PERMISSION', 'no permission: /a/b'],
  ['EROFS', 'LAGO_PERMISSION', 'the file system is read-only: /a/b'],
  ['ENOTDIR', 'LAGO_FILE', 'a part of the path is not a directory: /a/b'],
])('%s is told as %s', (systemCode, code, message) => {
  expect(explainSystemError(systemError(systemCode))).toMatchObject({ code, message, data: { systemCode } })
})

test('the system call is among the facts, and a path without end is cut', () => {
  expect(explainSystemError(systemError('EXDEV'))).toMatchObject({
    code: 'LAGO_FILE',
    message: 'it lies on another file system: /a/b',
    data: { path: '/a/b', systemCode: 'EXDEV', syscall: 'open' },
  })
  const long = Object.assign(systemError('ENAMETOOLONG'), { path: `/first/${'n'.repeat(40_000)}/last` })
  const { message, data } = explainSystemError(long) as LagoError
  expect(message).toMatch(/^the name is too long: \/first\/n+\.\.\.n+\/last$/)
  expect(message.length + String(data['path']).length).toBeLessThan(1000)
})

test('other errors stay what they are', () => {
  for (const error of [new Error('x'), new LagoError('LAGO_USAGE', 'x'), systemError('EWEIRD')])
    expect(explainSystemError(error)).toBe(error)
})

test('what an error is about stands in front; cancelling is about nothing', async () => {
  const failure = new LagoError('LAGO_LIBVIRT', 'no', { hint: 'do', data: { a: 1 } })
  const told = { code: 'LAGO_LIBVIRT', message: 'net lago: no', hint: 'do', data: { a: 1 }, cause: failure }
  await expect(about('net lago', Promise.reject(failure))).rejects.toMatchObject(told)
  const cancelled = new LagoError('LAGO_CANCELLED', 'cancelled by SIGINT')
  await expect(about('net lago', Promise.reject(cancelled))).rejects.toBe(cancelled)
})
