/** The same machines without Lago: their XML is what libvirt says about Lago's, their files are their own. */
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Bench } from './context.js'
import type { Environment } from './environment.js'
import { run } from './programs.js'
import { sshAnswers, type Guests } from './ssh.js'

export interface HandMade extends Guests {
  readonly dir: string
  readonly imagesDir: string
  readonly netXmlPath: string
  readonly net: string
  readonly domains: readonly HandMadeDomain[]
  /** The template that the images are laid over. */
  readonly backingPath: string
}

export interface HandMadeDomain {
  readonly name: string
  readonly xmlPath: string
  readonly imagePath: string
}

/** From an environment that runs. The names are the same, so its machines cannot run beside those made by hand. */
export async function copyByHand(bench: Bench, environment: Environment): Promise<HandMade> {
  const dir = await mkdtemp(path.join(environment.dir, 'hand-'))
  await chmod(dir, 0o711)
  await mkdir(path.join(dir, 'logs'))
  const netXmlPath = path.join(dir, 'net.xml')
  await writeFile(netXmlPath, await run(bench, ['virsh', 'net-dumpxml', environment.net]))
  const keyPath = path.join(dir, 'id_rsa')
  await cp(environment.keyPath, keyPath)
  const imagesDir = path.join(dir, 'images')
  const domains = []
  for (const [index, name] of environment.domains.entries()) {
    const xmlPath = path.join(dir, `vm${index}.xml`)
    const dumped = await run(bench, ['virsh', 'dumpxml', '--inactive', name])
    await writeFile(xmlPath, dumped.replaceAll(environment.prefix, dir))
    domains.push({ name, xmlPath, imagePath: path.join(imagesDir, `vm${index}_root.qcow2`) })
  }
  const backingPath = await templatePath(bench)
  const { ips, net } = environment
  const hand = { dir, imagesDir, netXmlPath, net, domains, backingPath, ips, keyPath }
  bench.undo.push(async (bench) => removeByHand(bench, hand))
  return hand
}

/** Whatever of it is still there. */
export async function removeByHand(bench: Bench, hand: HandMade): Promise<void> {
  for (const { name } of hand.domains) await run(bench, ['virsh', '-q', 'destroy', name]).catch(() => undefined)
  await run(bench, ['virsh', '-q', 'net-destroy', hand.net]).catch(() => undefined)
  await rm(hand.dir, { recursive: true, force: true })
}

export async function makeImages(bench: Bench, hand: HandMade): Promise<void> {
  await mkdir(hand.imagesDir)
  await each(hand, async ({ imagePath }) => overlay(bench, imagePath, { path: hand.backingPath, format: 'raw' }))
}

export async function overlay(
  bench: Bench,
  imagePath: string,
  on: { readonly path: string; readonly format: 'raw' | 'qcow2' },
): Promise<void> {
  await run(bench, ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', on.format, '-b', on.path, imagePath])
}

export async function startByHand(bench: Bench, hand: HandMade): Promise<void> {
  await startNetByHand(bench, hand)
  await each(hand, async ({ xmlPath }) => run(bench, ['virsh', '-q', 'create', xmlPath]))
}

export async function startNetByHand(bench: Bench, { netXmlPath }: HandMade): Promise<void> {
  await run(bench, ['virsh', '-q', 'net-create', netXmlPath])
}

export async function stopByHand(bench: Bench, hand: HandMade): Promise<void> {
  await each(hand, async ({ name }) => run(bench, ['virsh', '-q', 'destroy', name]))
  await stopNetByHand(bench, hand)
}

export async function stopNetByHand(bench: Bench, { net }: HandMade): Promise<void> {
  await run(bench, ['virsh', '-q', 'net-destroy', net])
}

export async function bootByHand(bench: Bench, hand: HandMade): Promise<void> {
  await makeImages(bench, hand)
  await startByHand(bench, hand)
  await sshAnswers(bench, hand)
}

/** All at once. */
export async function each(hand: HandMade, work: (domain: HandMadeDomain) => Promise<unknown>): Promise<void> {
  await Promise.all(hand.domains.map(work))
}

export async function templatePath({ place }: Bench): Promise<string> {
  const storeDir = path.join(place, 'store')
  const name = (await readdir(storeDir)).find((name) => /^mini:mini:[^.]+$/.test(name))
  if (name === undefined) throw new Error(`the mini template is not in ${storeDir}`)
  return path.join(storeDir, name)
}
