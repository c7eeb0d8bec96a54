/**
 * A stand-in for tc(8), for kernels that this project's machines do not have: run as `tc`, with a file that tells what
 * its kernel lacks and keeps its queues. It takes the command lines that Lago may use and no other, and refuses what the
 * kernel would: a second root, a child without its parent, the end of what is not there.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

interface Kernel {
  /** Words that make a line of a batch fail: `netem`, `sfq`, `police`. */
  readonly lacks: readonly string[]
  /** What stands at each device, root first: `htb 1:`, `netem 10:`. */
  readonly queues: Record<string, string[]>
}

const [stateFile = '', logFile = '', ...args] = process.argv.slice(2)
const kernel = JSON.parse(readFileSync(stateFile, 'utf8')) as Kernel // the test's own
function main(): void {
  const line = args.join(' ')
  if (line === '-batch -') return batch(readFileSync(0, 'utf8').trimEnd().split('\n'))
  const shown = /^-json qdisc show dev (\S+)$/.exec(line)
  if (shown !== null) return show(kernel.queues[shown[1] ?? ''] ?? [])
  appendFileSync(logFile, `${line}\n`)
  change(line)
  writeFileSync(stateFile, JSON.stringify(kernel))
}

function batch(lines: readonly string[]): void {
  const failing = lines.findIndex((line) => kernel.lacks.some((word) => line.split(' ').includes(word)))
  if (!lines.every((line) => / dev lo /.test(` ${line} `))) fail(`stand-in: not of lo: ${lines.join('; ')}`, 99)
  if (failing >= 0) fail(`Error: Specified qdisc kind is unknown.\nCommand failed -:${failing + 1}`, 1)
}

/** iproute2 6.1; a queue that the kernel chose by itself has no number. */
function show(queues: readonly string[]): void {
  const [root = 'noqueue 0:', ...below] = queues
  const entry = (queue: string): object => ({ kind: queue.split(' ')[0], handle: queue.split(' ')[1] })
  console.log(JSON.stringify([{ ...entry(root), root: true }, ...below.map((q) => ({ ...entry(q), parent: '1:1' }))]))
}

const NUMBER = String.raw`\d+(?:\.\d+)?`
const NETEM = `netem limit \\d+(?: delay \\d+us(?: \\d+us)?)?(?: loss ${NUMBER}%)?`
const CHANGES: readonly (readonly [RegExp, (device: string) => void])[] = [
  [/^qdisc del dev (\S+) root$/, (device) => end(device)],
  [
    /^qdisc add dev (\S+) root handle 1: tbf rate \d+bit burst \d+b latency 400ms$/,
    (device) => begin(device, 'tbf 1:'),
  ],
  [new RegExp(`^qdisc add dev (\\S+) root handle 10: ${NETEM}$`), (device) => begin(device, 'netem 10:')],
  [new RegExp(`^qdisc replace dev (\\S+) parent 1:1 handle 10: ${NETEM}$`), (device) => below(device, 'netem 10:')],
]

function change(line: string): void {
  for (const [form, run] of CHANGES) {
    const device = form.exec(line)?.[1]
    if (device !== undefined) return run(device)
  }
  fail(`stand-in: what is "tc ${line}"?`, 99)
}

function begin(device: string, queue: string): void {
  if ((kernel.queues[device] ?? []).length > 0) fail('Error: Exclusivity flag on, cannot modify.', 2)
  kernel.queues[device] = [queue]
}

function below(device: string, queue: string): void {
  const [root] = kernel.queues[device] ?? []
  if (root === undefined || !root.endsWith(' 1:')) return fail('Error: Failed to find specified qdisc.', 2)
  kernel.queues[device] = [root, queue]
}

function end(device: string): void {
  if ((kernel.queues[device] ?? []).length === 0) fail('Error: Cannot delete qdisc with handle of zero.', 2)
  kernel.queues[device] = []
}

function fail(message: string, exitCode: number): void {
  console.error(message)
  process.exit(exitCode)
}

main()
