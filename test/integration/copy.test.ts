/** Shell and copies on a real mini guest, through the program as a user runs it; its tar is busybox's. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { unpackFromGuest } from '../../src/guest/unpack.js'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { MINI_ENV, miniVm } from '../helpers/real-host.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { itemBytes } from '../helpers/tar-stream.js'

const run = promisify(execFile)
let project: LagoProject

beforeAll(async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-copy-'))
  const initFile = {
    domains: { vm0: miniVm([{ net: 'lago' }]) },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

const inside = (...names: string[]): string => path.join(project.dir, ...names)

test('the first shell pins the host key', async () => {
  expect(await project.lago(['shell', 'vm0', 'hostname'])).toMatchObject({ exitCode: 0, stdout: 'vm0\n' })
  expect(await readFile(inside('.lago/default/virt/known_hosts-vm0'), 'utf8')).toMatch(/^vm0 ssh-/)
})

test('a tree goes there and back unchanged, stdout stays empty', async () => {
  await mkdir(inside('tree', 'sub dir'), { recursive: true })
  for (const name of ['plain', `it's "quoted"`, 'line\nbreak', '-n', 'n'.repeat(200)])
    await writeFile(inside('tree', 'sub dir', name), `content of ${name}`, { mode: 0o640 })
  expect(await project.lago(['copy-to-vm', 'vm0', 'tree', '/root/new'])).toMatchObject({ exitCode: 0, stdout: '' })
  expect(await project.lago(['copy-from-vm', 'vm0', '/root/new', 'back'])).toMatchObject({ exitCode: 0, stdout: '' })
  await run('diff', ['-r', inside('tree'), inside('back')])
  const { stdout } = await run('stat', ['-c', '%a', inside('back', 'sub dir', 'plain')])
  expect(stdout).toBe('640\n')
})

test('what is missing is one line with its code', async () => {
  const missing = await project.lago(['copy-from-vm', 'vm0', '/root/none', '.'])
  expect(missing).toMatchObject({ exitCode: 2, stdout: '' })
  expect(missing.stderr).toContain('there is no such file or directory [LAGO_GUEST_NO_FILE]')
  const local = await project.lago(['copy-to-vm', 'vm0', 'none', '/root'])
  expect(local).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[LAGO_FILE]') })
})

test('an interactive shell has a terminal of the size of the local one', async () => {
  const program = `${process.execPath} ${path.resolve('bin/lago.js')} shell vm0`
  const child = execFile('script', ['-qec', `stty rows 33 cols 77; ${program}`, '/dev/null'], {
    cwd: project.dir,
    env: { PATH: process.env['PATH'], ...project.env },
  })
  let said = ''
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  let isTold = false
  child.stdout?.on('data', (text: string) => {
    said += text
    if (isTold || !/[#$] $/.test(said)) return // the guest's prompt
    isTold = true
    child.stdin?.write('stty size; exit 4\n')
  })
  expect(await ended).toBe(4)
  expect(said).toContain('33 77')
})

test('of a file with holes only the data goes into a guest whose tar knows of none', async () => {
  await mkdir(inside('disks'))
  await chmod(inside('disks'), 0o750)
  await writeFile(inside('disks', 'plain'), 'plain')
  const disk = inside('disks', 'disk 1')
  await writeFile(disk, 'head', { mode: 0o640 })
  await truncate(disk, 1024 ** 3 - 4)
  await writeFile(disk, 'tail', { flag: 'a' })
  await run('dd', ['if=/etc/passwd', `of=${disk}`, 'bs=1', `seek=${700 * 1024 ** 2 + 7}`, 'conv=notrunc'])
  await utimes(disk, 3000, 3000)
  const middleOf = (file: string): string => `dd if="${file}" bs=1M skip=700 count=1 2>/dev/null | sha256sum`
  const { stdout: sum } = await run('sh', ['-c', middleOf(disk)])
  expect(await project.lago(['copy-to-vm', 'vm0', 'disks', '/root'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['copy-to-vm', 'vm0', 'disks/disk 1', '/root/alone'])).toMatchObject({ exitCode: 0 })
  for (const file of ['/root/disks/disk 1', '/root/alone']) {
    const ask = `cd /root; stat -c '%s %a %Y' "${file}"; head -c 4 "${file}"; tail -c 4 "${file}"; ${middleOf(file)}`
    const { stdout } = await project.lago(['shell', 'vm0', ask])
    expect(stdout).toBe(`${1024 ** 3} 640 3000\nheadtail${sum}`)
    const used = await project.lago(['shell', 'vm0', `du -k "${file}"`])
    expect(parseInt(used.stdout)).toBeLessThan(1024)
  }
  const dir = await project.lago(['shell', 'vm0', 'stat -c %a /root/disks; cat /root/disks/plain; ls -A /root/disks'])
  expect(dir.stdout).toBe('750\nplaindisk 1\nplain\n')
})

test('what the kernel makes up is copied with its content', async () => {
  for (const [index, file] of ['/proc/version', '/sys/class/net/lo/mtu'].entries()) {
    const copy = await project.lago(['copy-from-vm', 'vm0', file, `made-up-${index}`])
    expect(copy).toMatchObject({ exitCode: 0 })
    const { stdout } = await project.lago(['shell', 'vm0', `cat ${file}`])
    expect(stdout).not.toBe('')
    expect(await readFile(inside(`made-up-${index}`), 'utf8')).toBe(stdout)
  }
})

/** Mounts a file system of its own: needs root. */
test('a mount point is copied into, and so is what is mounted below', async () => {
  const mounted = inside('mounted')
  await project.lago(['shell', 'vm0', 'mkdir -p /root/from/below; echo 1 >/root/from/a; echo 2 >/root/from/below/b'])
  await mkdir(path.join(mounted, 'from/below'), { recursive: true })
  await run('mount', ['-t', 'tmpfs', 'tmpfs', path.join(mounted, 'from/below')])
  try {
    expect(await project.lago(['copy-from-vm', 'vm0', '/root/from', 'mounted'])).toMatchObject({ exitCode: 0 })
    expect(await project.lago(['copy-from-vm', 'vm0', '/root/from/a', 'mounted/from/below'])).toMatchObject({
      exitCode: 0,
    })
    expect((await readdir(path.join(mounted, 'from/below'))).sort()).toEqual(['a', 'b'])
    expect((await readdir(path.join(mounted, 'from'))).sort()).toEqual(['a', 'below'])
  } finally {
    await run('umount', [path.join(mounted, 'from/below')])
  }
})

/** A guest that never stops sending, onto a small file system of its own: needs root. */
test('an endless stream ends with a full disk that is named, and leaves nothing', async () => {
  const small = inside('small')
  await mkdir(small)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small])
  try {
    const { task } = recordedTask()
    const unpacking = (stream: Readable): Promise<void> =>
      unpackFromGuest(task, stream, path.join(small, 'target'), { what: 'logs of vm0' })
    const [head] = itemBytes({ name: 'endless', size: 2 ** 33 - 1 })
    const endless = Readable.from(
      (function* () {
        yield head
        for (;;) yield Buffer.alloc(65536, 'x')
      })(),
      { objectMode: false },
    )
    await expect(unpacking(endless)).rejects.toMatchObject({
      code: 'LAGO_NO_SPACE',
      message: expect.stringMatching(/^logs of vm0: the disk is full/),
    })
    expect(await readdir(small)).toEqual([])
  } finally {
    await run('umount', [small])
  }
})
