/**
 * Templates: fetched over loopback HTTP into an empty store, imported and verified, beside the pipelines of programs that
 * do the same by hand; and environments made from a warm store. The image is half random, a quarter repeated text, a
 * quarter holes.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Bench, Group } from './context.js'
import { peakMemoryOf } from './peak-memory.js'
import { lago, run, runInBash } from './programs.js'

const MIB = 1024 ** 2
const IMAGE_MIB = 512
const RATIO = { atMostRatio: 1.2 }

export const templates: Group = {
  name: 'templates',
  async run(bench) {
    const dir = path.join(bench.place, 'templates')
    const published = path.join(dir, 'published')
    await mkdir(published, { recursive: true })
    bench.undo.push(async () => rm(dir, { recursive: true, force: true }))
    await makeImage(path.join(published, 'plain'), IMAGE_MIB)
    const server = await serve(published)
    bench.undo.push(async () => new Promise((resolve) => server.close(resolve)))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on TCP
    await publish(bench, published, url)
    await benchFetches(bench, dir, url)
    await benchImport(bench, dir, published)
    await benchVerify(bench, dir)
  },
}

const FORMS = [
  { name: 'plain', byHand: 'curl -fsS "$1" | tee "$2" | sha1sum' },
  { name: 'xz', byHand: 'curl -fsS "$1" | xz -dc -T0 | tee "$2" | sha1sum' },
  { name: 'zstd', byHand: 'curl -fsS "$1" | zstd -dcq | tee "$2" | sha1sum' },
] as const

async function benchFetches(bench: Bench, dir: string, url: string): Promise<void> {
  const [store, byHandPath] = [path.join(dir, 'store'), path.join(dir, 'by-hand')]
  for (const { name, byHand } of FORMS) {
    const row = bench.table.row(`fetch of ${IMAGE_MIB} MiB over HTTP, ${name} | curl, unpack, sha1sum`, RATIO)
    const fetch = ['template', 'fetch', `image-${name}`, '--template-store', store]
    const repository = ['--template-repo-path', `${url}/template-repo.json`]
    for (let round = 0; round < bench.rounds; round++) {
      await row.measure('lago', async () => lago(bench, dir, [...fetch, ...repository]))
      await row.measure('byHand', async () => runInBash(bench, byHand, [`${url}/${fileOf(name)}`, byHandPath]))
      for (const made of [store, byHandPath]) await rm(made, { recursive: true, force: true })
    }
    const peakMiB = await peakMemoryOf(bench, dir, [...fetch, ...repository])
    console.error(`bench: peak memory of that fetch: ${peakMiB} MiB`)
    await rm(store, { recursive: true, force: true })
  }
}

async function benchImport(bench: Bench, dir: string, published: string): Promise<void> {
  const [store, repos, byHandPath] = [path.join(dir, 'store'), path.join(dir, 'repos'), path.join(dir, 'by-hand')]
  const imagePath = path.join(dir, 'image.qcow2')
  await run(bench, ['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', path.join(published, 'plain'), imagePath])
  const row = bench.table.row(`import of a qcow2 of ${IMAGE_MIB} MiB | sha1sum, qemu-img convert`, RATIO)
  const options = ['--template-store', store, '--template-repos', repos]
  for (let round = 0; round < bench.rounds; round++) {
    await row.measure('lago', async () => lago(bench, dir, ['template', 'import', 'imported', imagePath, ...options]))
    const script = 'sha1sum "$1"; qemu-img convert -f qcow2 -O raw "$1" "$2"'
    await row.measure('byHand', async () => runInBash(bench, script, [imagePath, byHandPath]))
    for (const made of [store, repos, byHandPath]) await rm(made, { recursive: true, force: true })
  }
}

async function benchVerify(bench: Bench, dir: string): Promise<void> {
  const [store, repos, imagePath] = [path.join(dir, 'store'), path.join(dir, 'repos'), path.join(dir, 'gib')]
  await makeImage(imagePath, 1024)
  const options = ['--template-store', store, '--template-repos', repos]
  await lago(bench, dir, ['template', 'import', 'gib', imagePath, ...options])
  const verifyOptions = ['--template-store', store]
  const row = bench.table.row('verify of 1 GiB | sha256sum', RATIO)
  for (let round = 0; round < bench.rounds; round++) {
    await row.measure('lago', async () => lago(bench, dir, ['template', 'verify', ...verifyOptions]))
    await row.measure('byHand', async () => run(bench, ['sha256sum', imagePath]))
  }
}

/** Environments of so many VMs with a seed each, from a template that is there. */
export function initSeeded(count: number): Group {
  return {
    name: `init of ${count} with cloud-init`,
    async run(bench) {
      const dir = path.join(bench.place, `seeded-${count}`)
      await mkdir(dir)
      bench.undo.push(async () => rm(dir, { recursive: true, force: true }))
      const disk = { name: 'root', type: 'template', template_name: 'mini', dev: 'vda', format: 'qcow2' }
      const vm = { memory: 192, bootstrap: 'cloud-init', nics: [{ net: 'lago' }], disks: [disk] }
      const domains = Object.fromEntries(Array.from({ length: count }, (_, index) => [`vm${index}`, vm]))
      const initFile = { domains, nets: { lago: { type: 'nat', management: true } } }
      await writeFile(path.join(dir, 'LagoInitFile'), JSON.stringify(initFile))
      const destroy = async (): Promise<string> => lago(bench, dir, ['destroy', '--yes'])
      await lago(bench, dir, ['init'])
      await destroy()
      const row = bench.table.row(
        `init of ${count} VMs with cloud-init | overlays and seeds one by one`,
        count === 32 ? { atMostMs: 3000 } : undefined,
      )
      for (let round = 0; round < bench.rounds; round++) {
        await row.measure('lago', async () => lago(bench, dir, ['init']))
        await destroy()
        await row.measure('byHand', async () => runInBash(bench, BY_HAND, [String(count), path.join(dir, 'hand')]))
        await rm(path.join(dir, 'hand'), { recursive: true })
      }
    },
  }
}

const BY_HAND = `mkdir "$2"; cd "$2"; truncate -s 64M base; ssh-keygen -q -t ed25519 -N '' -f key
for ((i = 0; i < $1; i++)); do
    qemu-img create -q -f qcow2 -F raw -b "$PWD/base" "vm$i.qcow2"
    mkdir "seed$i"; printf 'instance-id: i%s\\nlocal-hostname: vm%s\\n' "$i" "$i" > "seed$i/meta-data"
    { echo '#cloud-config'; echo "ssh_authorized_keys: [$(cat key.pub)]"; } > "seed$i/user-data"
    xorriso -as mkisofs -quiet -V cidata -J -r -o "seed$i.iso" "seed$i" 2> /dev/null
done`

function fileOf(form: (typeof FORMS)[number]['name']): string {
  return { plain: 'plain', xz: 'xz.xz', zstd: 'zstd.zst' }[form]
}

/** What the bench serves: the image in each form, its SHA-1, and the repository file. */
async function publish(bench: Bench, dir: string, url: string): Promise<void> {
  const plain = path.join(dir, 'plain')
  await runInBash(bench, 'xz -T0 -0 -c "$1" > "$2/xz.xz"; zstd -q -T0 -c "$1" > "$2/zstd.zst"', [plain, dir])
  const [sha1 = ''] = (await run(bench, ['sha1sum', plain])).split(' ')
  for (const { name } of FORMS) {
    await writeFile(path.join(dir, `${name}.hash`), sha1)
    await writeFile(path.join(dir, `${name}.metadata`), '{}')
  }
  const templates = FORMS.map(({ name }) => {
    const version = { source: 'web', handle: name, timestamp: 1 }
    return [`image-${name}`, { versions: { v1: version } }] as const
  })
  const sources = { web: { type: 'http', args: { baseurl: `${url}/` } } }
  const file = { name: 'bench', templates: Object.fromEntries(templates), sources }
  await writeFile(path.join(dir, 'template-repo.json'), JSON.stringify(file))
}

async function serve(dir: string): Promise<Server> {
  const server = createServer((request, response) => {
    const filePath = path.join(dir, path.basename(request.url ?? ''))
    stat(filePath).then(
      ({ size }) => {
        response.writeHead(200, { 'content-length': size })
        createReadStream(filePath, { highWaterMark: MIB }).pipe(response)
      },
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function makeImage(imagePath: string, sizeMiB: number): Promise<void> {
  const file = await open(imagePath, 'w')
  try {
    await file.truncate(sizeMiB * MIB)
    const text = Buffer.alloc(MIB, 'a virtual machine is started for a test, and leaves nothing behind; ')
    for (let at = 0; at < sizeMiB; at++) {
      if (at % 4 < 2) await file.write(randomBytes(MIB), 0, MIB, at * MIB)
      else if (at % 4 === 2) await file.write(text, 0, MIB, at * MIB)
    }
  } finally {
    await file.close()
  }
}
