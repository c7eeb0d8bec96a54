/**
 * Times Lago's verbs beside the same work done by hand with virsh and qemu-img, in turns within one run, and prints a
 * table of medians and ratios: `npm run bench`. The machines made by hand are the same to the letter: their XML is
 * what libvirt says about Lago's.
 *
 * Needs the mini template (`scripts/make-guest`) and a libvirt that answers on qemu:///system.
 */
import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'

const VM_COUNTS = [1, 4, 8]
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const LAGO = path.resolve('bin/lago.js')
const CACHE = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'lago')

interface Row {
  readonly what: string
  readonly lagoMs: number[]
  readonly byHandMs: number[]
}

const rows = new Map<string, Row>()
const place = await mkdtemp(path.join(os.tmpdir(), 'lago-bench-'))
await chmod(place, 0o711)
try {
  await benchStartUp()
  for (const count of VM_COUNTS) await benchEnvironment(count)
} finally {
  await rm(place, { recursive: true, force: true })
  printTable()
}

async function benchStartUp(): Promise<void> {
  for (let round = 0; round < ROUNDS * 3; round++) {
    await measure('lago --version | node -e 0', 'byHand', async () => run('node', ['-e', '0']))
    await measure('lago --version | node -e 0', 'lago', async () => lago('/', ['--version']))
  }
}

async function benchEnvironment(count: number): Promise<void> {
  const dir = path.join(place, `env-${count}`)
  const initFile = path.join(dir, 'LagoInitFile')
  await mkdir(dir)
  await chmod(dir, 0o711)
  await writeFile(initFile, JSON.stringify(environment(count)))
  await lago(dir, ['init']) // fills the store and settles the KVM question
  await lago(dir, ['destroy', '--yes'])
  const label = (what: string): string => `${what}, ${count} VM${count > 1 ? 's' : ''}`
  for (let round = 0; round < ROUNDS; round++) {
    const hand = await benchLago(dir, label).catch(async (error: unknown) => {
      await lago(dir, ['destroy', '--yes'])
      throw error
    })
    try {
      await benchByHand(hand, label)
    } finally {
      await removeHandMade(hand)
    }
  }
}

/** What the run by hand needs: the same machines in files of their own. */
interface HandMade {
  readonly dir: string
  readonly netXml: string
  readonly netName: string
  readonly domains: readonly {
    readonly name: string
    readonly xml: string
    readonly image: string
    readonly ip: string
  }[]
  readonly backing: string
  readonly keyPath: string
}

async function benchLago(dir: string, label: (what: string) => string): Promise<HandMade> {
  await measure(label('init'), 'lago', async () => lago(dir, ['init']))
  const prefix = path.join(dir, '.lago', 'default')
  const ips = await addressesOf(prefix)
  const keyPath = path.join(prefix, 'id_rsa')
  const startedAt = performance.now()
  await lago(dir, ['start'])
  note(label('start until it returns'), 'lago', performance.now() - startedAt)
  await sshAnswers(ips, keyPath)
  note(label('start until ssh'), 'lago', performance.now() - startedAt)
  const hand = await handMade(dir, prefix, ips)
  await measure(label('status | bare node'), 'lago', async () => lago(dir, ['status']))
  await measure(label('status | bare node'), 'byHand', async () => run('node', ['-e', '0']))
  await measure(label('stop'), 'lago', async () => lago(dir, ['stop']))
  await lago(dir, ['start'])
  await sshAnswers(ips, keyPath)
  await measure(label('destroy'), 'lago', async () => lago(dir, ['destroy', '--yes']))
  return hand
}

async function benchByHand(hand: HandMade, label: (what: string) => string): Promise<void> {
  const scratch = path.join(hand.dir, 'images')
  await measure(label('init'), 'byHand', async () => {
    await mkdir(scratch)
    await Promise.all([
      run('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', '', '-f', path.join(scratch, 'id_rsa')]),
      ...hand.domains.map(async ({ image }) =>
        run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', hand.backing, image]),
      ),
    ])
  })
  const start = async (): Promise<void> => {
    await run('virsh', ['-q', 'net-create', hand.netXml])
    await Promise.all(hand.domains.map(async ({ xml }) => run('virsh', ['-q', 'create', xml])))
  }
  const stop = async (): Promise<void> => {
    await Promise.all(hand.domains.map(async ({ name }) => run('virsh', ['-q', 'destroy', name])))
    await run('virsh', ['-q', 'net-destroy', hand.netName])
  }
  const ips = hand.domains.map(({ ip }) => ip)
  const startedAt = performance.now()
  await start()
  note(label('start until it returns'), 'byHand', performance.now() - startedAt)
  await sshAnswers(ips, hand.keyPath)
  note(label('start until ssh'), 'byHand', performance.now() - startedAt)
  await measure(label('stop'), 'byHand', stop)
  await start()
  await sshAnswers(ips, hand.keyPath)
  await measure(label('destroy'), 'byHand', async () => {
    await stop()
    await rm(scratch, { recursive: true })
  })
}

/** Whatever of it is still there, after a run that failed in the middle. */
async function removeHandMade(hand: HandMade): Promise<void> {
  for (const { name } of hand.domains) await run('virsh', ['-q', 'destroy', name]).catch(() => undefined)
  await run('virsh', ['-q', 'net-destroy', hand.netName]).catch(() => undefined)
  await rm(hand.dir, { recursive: true })
}

async function handMade(dir: string, prefix: string, ips: readonly string[]): Promise<HandMade> {
  const handDir = await mkdtemp(path.join(dir, 'hand-'))
  await chmod(handDir, 0o711)
  const uuid = await readFile(path.join(prefix, 'uuid'), 'utf8')
  const netName = `${uuid.slice(0, 4)}-lago`
  const netXml = path.join(handDir, 'net.xml')
  await writeFile(netXml, await run('virsh', ['net-dumpxml', netName]))
  const keyPath = path.join(handDir, 'id_rsa')
  await cp(path.join(prefix, 'id_rsa'), keyPath)
  const domains = []
  for (const [index, ip] of ips.entries()) {
    const name = `${uuid.slice(0, 8)}-vm${index}`
    const image = path.join(handDir, 'images', `vm${index}_root.qcow2`)
    const xml = path.join(handDir, `vm${index}.xml`)
    const dumped = await run('virsh', ['dumpxml', '--inactive', name])
    await writeFile(xml, dumped.replaceAll(path.join(prefix, 'images', `vm${index}_root.qcow2`), image))
    domains.push({ name, xml, image, ip })
  }
  const [stored = ''] = (await readdir(path.join(place, 'store'))).filter((name) => /^mini:mini:[^.]+$/.test(name))
  return { dir: handDir, netXml, netName, domains, backing: path.join(place, 'store', stored), keyPath }
}

async function addressesOf(prefix: string): Promise<string[]> {
  const names = (await readdir(path.join(prefix, 'virt'))).filter((name) => name.startsWith('vm-')).sort()
  const specs = await Promise.all(names.map(async (name) => readFile(path.join(prefix, 'virt', name), 'utf8')))
  return specs.map((text) => (JSON.parse(text) as { nics: [{ ip: string }] }).nics[0].ip) // written by lago init
}

function environment(count: number): unknown {
  const disk = { name: 'root', type: 'template', template_name: 'mini', dev: 'vda', format: 'qcow2' }
  const vm = { memory: 192, vcpu: 1, nics: [{ net: 'lago' }], disks: [disk] }
  return {
    domains: Object.fromEntries(Array.from({ length: count }, (_, index) => [`vm${index}`, vm])),
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
}

/** The same wait for both ways: a greeting on port 22, then one command over ssh, on all VMs at once. */
async function sshAnswers(ips: readonly string[], keyPath: string): Promise<void> {
  await Promise.all(
    ips.map(async (ip) => {
      while (!(await greets(ip)) || !(await commandRuns(ip, keyPath))) await setTimeout(50)
    }),
  )
}

async function commandRuns(ip: string, keyPath: string): Promise<boolean> {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR']
  const flags = options.flatMap((option) => ['-o', option])
  return run('ssh', ['-F', 'none', '-i', keyPath, ...flags, `root@${ip}`, 'true']).then(
    () => true,
    () => false, // not yet
  )
}

async function greets(ip: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port: 22, timeout: 500 })
    const answer = (greeted: boolean): void => {
      socket.destroy()
      resolve(greeted)
    }
    socket
      .once('data', () => answer(true))
      .once('error', () => answer(false))
      .once('timeout', () => answer(false))
    socket.once('end', () => answer(false))
  })
}

async function lago(cwd: string, args: readonly string[]): Promise<string> {
  return run('node', [LAGO, ...args], {
    cwd,
    env: {
      LAGO_LEASE_DIR: path.join(place, 'subnets'),
      LAGO__INIT__TEMPLATE_STORE: path.join(place, 'store'),
      LAGO__INIT__TEMPLATE_REPO_PATH: path.join(CACHE, 'mini-repo', 'template-repo.json'),
      LAGO_PROBE_KERNEL: path.join(CACHE, 'mini-repo', 'vmlinuz'),
    },
  })
}

async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(stdout)
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}\n${stderr}`))
    })
  })
}

async function measure(what: string, who: 'lago' | 'byHand', work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  await work()
  note(what, who, performance.now() - startedAt)
}

function note(what: string, who: 'lago' | 'byHand', ms: number): void {
  const row = rows.get(what) ?? { what, lagoMs: [], byHandMs: [] }
  rows.set(what, row)
  row[`${who}Ms`].push(ms)
}

function printTable(): void {
  console.log(`\n${'work'.padEnd(36)}${'lago'.padStart(10)}${'by hand'.padStart(10)}${'ratio'.padStart(8)}   more`)
  for (const { what, lagoMs, byHandMs } of rows.values()) {
    const [ours, theirs] = [median(lagoMs), median(byHandMs)]
    const figures = [seconds(ours).padStart(10), seconds(theirs).padStart(10), (ours / theirs).toFixed(2).padStart(8)]
    console.log(`${what.padEnd(36)}${figures.join('')}   ${Math.round(ours - theirs)} ms`)
  }
  console.log(
    `\nmedians of ${ROUNDS} rounds; ${os.cpus()[0]?.model ?? 'unknown CPU'}, ${os.availableParallelism()} cores`,
  )
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 1000 ? 3 : 2)} s`
}
