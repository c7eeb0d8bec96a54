import { execFileSync } from 'node:child_process'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { findCustomPackages } from '../../../src/rpm/custom-packages.js'
import { nevra } from '../../../src/rpm/package.js'
import { serveDir, useHttpServers } from '../../helpers/http-server.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { buildRpm } from '../../helpers/rpms.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const servers = useHttpServers()

let cwd = ''
let downloadDir = ''

beforeEach(async () => {
  cwd = await makeTempDir()
  downloadDir = path.join(cwd, 'downloads')
  await mkdir(downloadDir)
})

async function find(...texts: readonly string[]): Promise<string[][]> {
  const found = await findCustomPackages(recordedTask().task, texts, { cwd, downloadDir, variables: {} })
  return found.map(({ packages }) => packages.map(nevra))
}

describe('on this host', () => {
  test('a directory with those below it, a file, and patterns for both', async () => {
    const a = await buildRpm(path.join(cwd, 'x1', 'deep'), { name: 'a' })
    await buildRpm(path.join(cwd, 'x2'), { name: 'b' })
    await writeFile(path.join(cwd, 'x2', 'README'), '')
    await symlink(a, path.join(cwd, 'x2', 'link.rpm'))
    await symlink('..', path.join(cwd, 'x2', 'circle'))
    const [A, B] = ['a-1-1.noarch', 'b-1-1.noarch']
    expect(await find('x1', a, 'x*', 'x2/*.rpm', 'x1/**/*.rpm', 'x2:name~b')).toEqual([
      [A],
      [A],
      [A, B, A],
      [B, A],
      [A],
      [B],
    ])
  })

  test('a pattern in a directory whose own name looks like one', async () => {
    await buildRpm(path.join(cwd, 'odd [x]', 'rpms'), { name: 'a' })
    cwd = path.join(cwd, 'odd [x]')
    expect(await find('rpms/*.rpm', 'r*')).toEqual([['a-1-1.noarch'], ['a-1-1.noarch']])
  })

  test('only files and directories are sources', async () => {
    execFileSync('mkfifo', [path.join(cwd, 'a.rpm')])
    for (const text of ['a.rpm', 'a*', '/dev/null'])
      await expect(find(text)).rejects.toMatchObject({
        code: 'LAGO_RPM_SOURCE',
        message: expect.stringMatching(/: \S+ is neither a file nor a directory$/),
      })
  })

  test('lists may name each other, and not themselves', async () => {
    await buildRpm(path.join(cwd, 'x'), { name: 'a' })
    await writeFile(path.join(cwd, 'outer'), '# comment\nconf:inner\nx:only-missing\n')
    await writeFile(path.join(cwd, 'inner'), 'x\n')
    expect(await find('conf:outer')).toEqual([['a-1-1.noarch'], ['a-1-1.noarch']])
    await writeFile(path.join(cwd, 'inner'), 'conf:outer\n')
    await expect(find('conf:outer')).rejects.toMatchObject({
      code: 'LAGO_RPM_SOURCE',
      message: expect.stringContaining('itself'),
    })
    await expect(find('conf:none')).rejects.toMatchObject({ code: 'LAGO_RPM_SOURCE' })
  })

  test('what is not there is an error, an empty directory has no packages', async () => {
    await mkdir(path.join(cwd, 'empty'))
    expect(await find('empty')).toEqual([[]])
    for (const text of ['none', 'none/*.rpm', 'empty/*.rpm', './empty:lastest'])
      await expect(find(text)).rejects.toMatchObject({
        code: 'LAGO_RPM_SOURCE',
        message: expect.stringContaining(`custom source "${text}": there is no such file or directory`),
      })
  })

  test('a broken package is named', async () => {
    await writeFile(path.join(cwd, 'a.rpm'), 'no package')
    await expect(find('a.rpm')).rejects.toMatchObject({
      code: 'LAGO_RPM_BROKEN',
      message: `a package is broken: ${cwd}/a.rpm (it is not an RPM package)`,
    })
  })
})

describe('from a web server', () => {
  test('a package, the packages that a page links to, and those of the pages below it', async () => {
    const srv = path.join(cwd, 'srv')
    const a = await buildRpm(path.join(srv, 'top'), { name: 'a' })
    const b = await buildRpm(path.join(srv, 'top', 'below'), { name: 'b+c' })
    await cp(a, path.join(srv, 'elsewhere.rpm'))
    const pages: Record<string, string> = {
      '/top':
        '<a href="a-1-1.noarch.rpm">a</a> <A HREF=\'./below/\'> <a href=/other/> <a href="mailto:x"><a href="x.src.rpm">',
      '/top/below/':
        '<a href="../">up</a><a href="?C=M">sort</a><a href="b%2Bc-1-1.noarch.rpm"><a href=b%2Bc-1-1.noarch.rpm#x>',
    }
    const files = serveDir(srv)
    const server = await servers.http((request, response) => {
      const page = pages[request.url ?? '']
      if (page === undefined) files(request, response)
      else response.end(page)
    })
    expect(path.basename(b)).toBe('b+c-1-1.noarch.rpm')
    expect(
      await find(`${server.url}/elsewhere.rpm`, `${server.url}/top`, `rec:${server.url}/top:only-missing`),
    ).toEqual([['a-1-1.noarch'], ['a-1-1.noarch'], ['a-1-1.noarch', 'b+c-1-1.noarch']])
    expect(server.requests.map(({ target }) => target)).not.toContain('/other/')
  })

  test('what is not there, what is no package, and --offline', async () => {
    const server = await servers.http((request, response) => {
      response.writeHead(request.url === '/bad.rpm' ? 200 : 404).end('<html>sorry</html>')
    })
    await expect(find(`${server.url}/none.rpm`)).rejects.toMatchObject({ code: 'LAGO_DOWNLOAD' })
    await expect(find(`${server.url}/bad.rpm`)).rejects.toMatchObject({
      code: 'LAGO_RPM_BROKEN',
      hint: `what ${server.url}/bad.rpm gives is not whole`,
    })
    const options = { cwd, downloadDir, variables: {}, isOffline: true }
    await expect(findCustomPackages(recordedTask().task, [server.url], options)).rejects.toMatchObject({
      code: 'LAGO_OFFLINE',
    })
  })
})
