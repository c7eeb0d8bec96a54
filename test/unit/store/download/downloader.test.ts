import { execFile } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { build } from 'esbuild'
import { useHttpServers } from '../../../helpers/http-server.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { answer } from './setup.js'

const servers = useHttpServers()
const tempDir = useTempDirs()
const run = promisify(execFile)
const DOWNLOADER = new URL('../../../../src/store/download/downloader.js', import.meta.url)
const TASK = new URL('../../../../src/base/task.js', import.meta.url)

/** What a process prints that has made `createDownloader` of `module` its own. */
async function printedBy(module: string, program: string): Promise<string> {
  const text = `
    const { createDownloader } = await import(${JSON.stringify(module)})
    const { createTask } = await import(${JSON.stringify(TASK.href)})
    const task = createTask({ emit() {} })
    ${program}
  `
  return (await run(process.execPath, ['--input-type=module', '--eval', text])).stdout
}

test('a downloader loads and reads nothing before the first download', async () => {
  const make = `
    const env = new Proxy({}, { get: (_, name) => console.log('read', name) })
    const downloader = createDownloader({ env, limits: { tries: 1 } })
  `
  const count = 'console.log(process.moduleLoadList.filter((name) => / (http|https|http2|tls)$/.test(name)).length)'
  expect(await printedBy(DOWNLOADER.href, `${make}; ${count}`)).toBe('0\n')
  const ask = "await downloader.text(task, ['http://host.invalid/']).catch(() => undefined)"
  expect(await printedBy(DOWNLOADER.href, `${make}; ${ask}; ${count}`)).toMatch(/^read NETRC\n[^]*\n[1-9]\d*\n$/)
})

test('a downloader works when it is bundled as the program is, through proxies too', async () => {
  const dir = await tempDir()
  const require = "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);"
  await build({
    entryPoints: [fileURLToPath(DOWNLOADER)],
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    define: { LAGO_BUNDLED_VERSION: '"1"' },
    banner: { js: require },
  })
  const proxy = await servers.http(answer(200, {}, 'hello'))
  const refusing = await servers.tcp((socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  const env = JSON.stringify({ http_proxy: proxy.url, https_proxy: refusing.url })
  const printed = await printedBy(
    path.join(dir, 'downloader.mjs'),
    `const downloader = createDownloader({ env: ${env} })
    console.log((await downloader.text(task, ['http://host.invalid/'])).text)
    await downloader.text(task, ['https://host.invalid/']).catch(({ message }) => console.log(message))`,
  )
  expect(printed).toBe(
    `hello\ncannot download https://host.invalid/: the proxy ${refusing.url}/ gave no tunnel to host.invalid: it answered 403\n`,
  )
})
