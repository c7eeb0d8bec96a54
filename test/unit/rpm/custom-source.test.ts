import { describe, expect, test } from '@jest/globals'
import { parseCustomSource, sourcesInList } from '../../../src/rpm/custom-source.js'

const parse = (text: string): ReturnType<typeof parseCustomSource> => parseCustomSource(text, '/cwd')

describe('parseCustomSource', () => {
  test.each([
    ['/srv/rpms', '/srv/rpms'],
    ['rpms/*.rpm', '/cwd/rpms/*.rpm'],
    ['dir:rpms', '/cwd/rpms'],
    ['./a:b', '/cwd/a:b'],
    ['file:///srv/a%20b', '/srv/a b'],
    ['rpms:latest:only-missing', '/cwd/rpms'],
  ])('%s is the path %s', (text, path) => {
    expect(parse(text).place).toEqual({ kind: 'path', path })
  })

  test.each([
    ['http://host:8080/a', 'http://host:8080/a', false],
    ['https://host/a.rpm:only-missing', 'https://host/a.rpm', false],
    ['rec:http://host/a/:latest', 'http://host/a/', true],
    ['recursive:http://host/a/', 'http://host/a/', true],
  ])('%s is the URL %s', (text, url, isRecursive) => {
    expect(parse(text).place).toEqual({ kind: 'url', url: new URL(url), isRecursive })
  })

  test('filters stand behind, in any order', () => {
    expect(parse('d')).toMatchObject({ isOnlyMissing: false, versions: 1, names: [] })
    expect(parse('d:latest')).toMatchObject({ versions: 1 })
    expect(parse('d:only-missing:latest=3')).toMatchObject({ isOnlyMissing: true, versions: 3 })
    const { names } = parse('d:latest=2:name~vdsm.*')
    expect(names.map((pattern) => [pattern.test('vdsm-api'), pattern.test('not-vdsm')])).toEqual([[true, false]])
  })

  test('a list is a file with a source in each line', () => {
    expect(parse('conf:my/list').place).toEqual({ kind: 'list', path: '/cwd/my/list' })
    expect(sourcesInList('# comment\n\n  rpms:latest \r\nhttp://host/#a\n')).toEqual(['rpms:latest', 'http://host/#a'])
  })

  test.each([
    ['rp:latest=0', /^custom source "rp:latest=0": "latest=0" is no number of versions$/],
    ['koji:@tag', /^custom source "koji:@tag": sources of the kind "koji" are not known$/],
    ['copr:ovirt/x:latest', /"copr"/],
    ['', /it is empty/],
    [':latest', /it is empty/],
    ['rec:/srv', /it is not a URL of http or https/],
    ['d:name~(', /"name~\(" is not a regular expression/],
    ['conf:list:latest', /a list of sources has no filters/],
    ['file://host/a', /it is not the URL of a file of this host/],
  ])('%s is refused', (text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'LAGO_RPM_SOURCE',
        message: expect.stringMatching(message),
        hint: expect.any(String),
      }),
    )
  })

  test('a password is not shown', () => {
    expect(() => parse('ftp://me:secret@host/a')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  })
})
