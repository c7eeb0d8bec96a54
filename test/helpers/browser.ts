/** A real browser without a window, spoken to over the pipes that `--remote-debugging-pipe` gives: no package is needed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { findProgram } from '../../src/base/process.js'

export interface Browser extends AsyncDisposable {
  /** `scheme`: what the user likes. Waits until it is loaded. */
  open(url: string, options?: PageOptions): Promise<Page>
}

export interface PageOptions {
  readonly width?: number
  readonly scheme?: 'light' | 'dark'
}

export interface Page {
  /** The value of an expression in the page; JSON can carry it. */
  evaluate<T>(expression: string): Promise<T>
  /** PNG of the whole page. */
  screenshot(): Promise<Buffer>
  /** What has been written to its console, and every dialog and exception. */
  readonly noise: readonly string[]
  /** URLs that it has asked for. */
  readonly requests: readonly string[]
}

interface Message {
  readonly id?: number
  readonly sessionId?: string
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

const PROGRAMS = ['chromium', 'chromium-browser', 'headless_shell', 'google-chrome']

/** Chrome DevTools Protocol, https://chromedevtools.github.io/devtools-protocol/. */
export async function openBrowser(): Promise<Browser> {
  const found = (await Promise.all(PROGRAMS.map(findProgram))).find((program) => program !== undefined)
  if (found === undefined) throw new Error(`no browser is here (${PROGRAMS.join(', ')}): install chromium`)
  const profileDir = await mkdtemp(path.join(os.tmpdir(), 'lago-test-browser-'))
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const child = spawn(found, [...args, '--remote-debugging-pipe', `--user-data-dir=${profileDir}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const connection = connect(child.stdio[3] as Writable, child.stdio[4] as Readable) // 'pipe' above
  return {
    open: async (url, options = {}) => openPage(connection, url, options),
    async [Symbol.asyncDispose]() {
      await connection.send('Browser.close').catch(() => child.kill('SIGKILL'))
      await ended
      await rm(profileDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

interface Connection {
  send(method: string, params?: object, sessionId?: string): Promise<Readonly<Record<string, unknown>>>
  listen(listener: (message: Message) => void): void
}

function connect(input: Writable, output: Readable): Connection {
  const waiting = new Map<number, { resolve: (message: Message) => void; reject: (error: Error) => void }>()
  const listeners: ((message: Message) => void)[] = []
  let [lastId, rest] = [0, '']
  output.setEncoding('utf8')
  output.on('data', (piece: string) => {
    const parts = (rest + piece).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) take(JSON.parse(part) as Message)
  })
  output.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the browser has ended'))
  })
  input.on('error', () => undefined) // as when it has ended
  function take(message: Message): void {
    if (message.id === undefined) return listeners.forEach((listener) => listener(message))
    waiting.get(message.id)?.resolve(message)
    waiting.delete(message.id)
  }
  return {
    async send(method, params = {}, sessionId) {
      const id = ++lastId
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
      const answer = await new Promise<Message>((resolve, reject) => waiting.set(id, { resolve, reject }))
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
      return answer.result ?? {}
    },
    listen: (listener) => void listeners.push(listener),
  }
}

async function openPage(connection: Connection, url: string, options: PageOptions): Promise<Page> {
  const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true })
  const call = async (method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> =>
    connection.send(method, params, String(sessionId))
  const [noise, requests]: [string[], string[]] = [[], []]
  const loaded = new Promise<void>((resolve) => {
    connection.listen(({ method, params = {}, sessionId: from }) => {
      if (from !== sessionId) return
      if (method === 'Page.loadEventFired') resolve()
      if (method === 'Network.requestWillBeSent') requests.push((params['request'] as { url: string }).url)
      if (NOISE.includes(method ?? '')) noise.push(JSON.stringify(params))
      if (method === 'Page.javascriptDialogOpening') void call('Page.handleJavaScriptDialog', { accept: true })
    })
  })
  for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await call(`${domain}.enable`)
  const width = options.width ?? 1280
  await call('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 })
  const features = [{ name: 'prefers-color-scheme', value: options.scheme ?? 'light' }]
  await call('Emulation.setEmulatedMedia', { features })
  await call('Page.navigate', { url })
  await loaded
  return {
    noise,
    requests,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, returnByValue: true })
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return (result as { value: T }).value // as the caller knows it
    },
    async screenshot() {
      const { data } = await call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true })
      return Buffer.from(String(data), 'base64')
    },
  }
}

const NOISE: readonly string[] = [
  'Runtime.consoleAPICalled',
  'Runtime.exceptionThrown',
  'Page.javascriptDialogOpening',
  'Log.entryAdded',
]
