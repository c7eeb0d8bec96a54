/** What writing into an image needs of the host, and what it leaves there. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, open, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { waitUntil } from '../../../../src/base/wait.js'
import { changeFiles } from '../../../../src/disk/ext4-write/change-files.js'
import { startScript } from '../../../helpers/child-script.js'
import { makeExtImage } from '../../../helpers/ext4-image.js'
import { gone, isAlive } from '../../../helpers/processes.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { expectSound, hashOf, lookAt } from '../../../helpers/written-image.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`
const asRoot = process.getuid?.() === 0 ? test : test.skip

interface Place {
  readonly dir: string
  /** An overlay. */
  readonly image: string
  /** For temporary files, and nobody else's. */
  readonly tmpDir: string
}

async function makePlace(): Promise<Place> {
  const [dir, tmpDir, tree] = [await tempDir(), await tempDir(), await tempDir()]
  await mkdir(path.join(tree, 'etc'))
  const base = await makeExtImage(path.join(dir, 'base'), { fromDir: tree })
  const image = path.join(dir, 'top')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, image])
  return { dir, image, tmpDir }
}

async function tried({ tmpDir, image }: Place, searched: string, size = 0): Promise<string> {
  const script = startScript(new URL('./try-change.js', import.meta.url), [tmpDir, searched, image, String(size)])
  const line = await script.nextLine()
  expect(await script.nextLine()).toBeUndefined() // it has ended by itself
  return line ?? ''
}

/** The image is as it was, and nothing is left of the attempt. */
async function expectUntouched({ dir, image, tmpDir }: Place, before: string): Promise<void> {
  expect(await hashOf(image)).toBe(before)
  expect((await readdir(dir)).sort()).toEqual(['base', 'top'])
  expect(await readdir(tmpDir)).toEqual([])
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(tmpDir)
}

/** A directory with links to all programs that are used, but not those that are left out; `scripts` are in their place. */
async function binWithout(left: readonly string[], scripts: Readonly<Record<string, string>> = {}): Promise<string> {
  const bin = await tempDir()
  for (const program of PROGRAMS) {
    if (left.includes(program) || scripts[program] !== undefined) continue
    const found = PATH.split(':').find((dir) => existsSync(path.join(dir, program)))
    await symlink(path.join(found ?? '/', program), path.join(bin, program))
  }
  for (const [name, text] of Object.entries(scripts))
    await writeFile(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return bin
}

const PROGRAMS = ['qemu-img', 'cp', 'qemu-storage-daemon', 'umount', 'setpriv', 'tail', 'cat', 'true']

describe('what is missing on the host is told', () => {
  test('qemu-storage-daemon, with and without setpriv', async () => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const message = /^LAGO_COMMAND_MISSING .*"qemu-storage-daemon" .*\(install the package qemu-system-common\)$/
    expect(await tried(place, await binWithout(['qemu-storage-daemon']))).toMatch(message)
    expect(await tried(place, await binWithout(['qemu-storage-daemon', 'setpriv']))).toMatch(message)
    await expectUntouched(place, before)
  })

  asRoot('umount', async () => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    expect(await tried(place, await binWithout(['umount']))).toMatch(
      /^LAGO_COMMAND_MISSING .*"umount" .*package mount\)$/,
    )
    await expectUntouched(place, before)
  })

  const COMPLAINTS = [
    ["fuse: device not found, try 'modprobe fuse' first", /^LAGO_NO_FUSE .*\(load the kernel module: modprobe fuse\)$/],
    [
      'fuse: failed to open /dev/fuse: Permission denied',
      /^LAGO_NO_FUSE .*\(let this user read and write \/dev\/fuse\)$/,
    ],
    ['fuse: failed to exec fusermount3: No such file', /^LAGO_COMMAND_MISSING .*"fusermount3" .*package fuse3\)$/],
    ['x: Failed to mount FUSE session to export', /^LAGO_NO_FUSE .*\(prepare the image in another way\)$/],
    ["Parameter 'type' does not accept value 'fuse'", /^LAGO_NO_FUSE .*does not accept value 'fuse'/],
    ['Could not read the image', /^LAGO_DISK_UNREADABLE .*top cannot be opened: Could not read the image/],
  ] as const

  test.each(COMPLAINTS)('as qemu-storage-daemon says it: %s', async (complaint, message) => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const script = `cat >&2 << 'END'\n${complaint}\nEND\nexit 1`
    expect(await tried(place, await binWithout([], { 'qemu-storage-daemon': script }))).toMatch(message)
    await expectUntouched(place, before)
  })

  asRoot('the right to use FUSE', async () => {
    const { dir, image, tmpDir } = await makePlace()
    const before = await hashOf(image)
    for (const owned of [dir, tmpDir, image, path.join(dir, 'base')]) await chown(owned, NOBODY, NOBODY)
    // where everybody may use /dev/fuse, there is no fusermount3
    const words = ['-c', 'exec 3<> /dev/fuse']
    const options = { uid: NOBODY, gid: NOBODY, stdio: 'ignore' } as const
    let isOpenToAll = true
    try {
      execFileSync('sh', words, options)
    } catch {
      isOpenToAll = false
    }
    const line = await triedAsNobody({ dir, image, tmpDir }, await binWithout(['umount']))
    expect(line).toMatch(isOpenToAll ? /^LAGO_COMMAND_MISSING .*"fusermount3"/ : /^LAGO_NO_FUSE .*Permission denied/)
    await expectUntouched({ dir, image, tmpDir }, before)
  })
})

const NOBODY = 65534

/** The compiled program and its modules may be in a directory that nobody else can enter. */
async function triedAsNobody(place: Place, bin: string): Promise<string> {
  await chmod(bin, 0o755)
  const script = new URL('./try-change.js', import.meta.url).pathname
  const child = startScript(new URL('./as-nobody.js', import.meta.url), [script, place.tmpDir, bin, place.image])
  return (await child.nextLine()) ?? ''
}

describe('debugfs is believed only when it did everything', () => {
  const SCRIPTS = [
    ['says nothing', 'cat > /dev/null', /^LAGO_DISK_UNWRITABLE .*did not greet/],
    ['ends early', 'echo "debugfs 1.47.0 (5-Feb-2023)" >&2', /^LAGO_DISK_UNWRITABLE .*ended early/],
    [
      'fails after all',
      'echo "debugfs 1.47.0" >&2\ntee /dev/null | sed "s/^/debugfs: /"\nexit 3',
      /^LAGO_COMMAND_FAILED .*exit code 3/,
    ],
    [
      'complains at the end',
      'echo "debugfs 1.47.0" >&2\nsed "s/^/debugfs: /"\necho "ext2fs_close: No space left on device" >&2',
      /^LAGO_NO_SPACE the disk is full/,
    ],
    ['is killed', 'kill -9 $$', /^LAGO_DISK_UNWRITABLE/],
  ] as const

  test.each(SCRIPTS)('one that %s', async (_, script, message) => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const bin = await binWithout([], { debugfs: script })
    expect(await tried(place, `${bin}:${PATH}`)).toMatch(message)
    await expectUntouched(place, before)
  })
})

asRoot('a disk of the host that fills up in the middle', async () => {
  const place = await makePlace()
  const small = await tempDir()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])
  try {
    await cp(place.image, path.join(small, 'top'))
    const before = await hashOf(path.join(small, 'top'))
    const line = await tried({ ...place, image: path.join(small, 'top') }, PATH, 2_000_000)
    expect(line).toMatch(/^LAGO_NO_SPACE the disk is full: could not write .*top /)
    expect(await hashOf(path.join(small, 'top'))).toBe(before)
    expect(await readdir(small)).toEqual(['top'])
    expect(await readdir(place.tmpDir)).toEqual([])
  } finally {
    execFileSync('umount', [small])
  }
})

describe('an image that somebody uses', () => {
  test('is left alone while another process has it open', async () => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const socket = path.join(await tempDir(), 'nbd')
    const holder = startScript(new URL('./hold-lock.js', import.meta.url), [place.image, socket])
    expect(await holder.nextLine()).toBe('ready')
    try {
      expect(await tried(place, PATH)).toMatch(/^LAGO_DISK_IN_USE .*top is in use: another process has it open/)
    } finally {
      await holder.kill('SIGTERM')
    }
    await expectUntouched(place, before)
    expect(await tried(place, PATH)).toBe('written')
  })

  test('or changed while we worked is not replaced', async () => {
    const place = await makePlace()
    const image = { path: place.image, format: 'qcow2', rootPartition: undefined } as const
    const changing = changeFiles(task, image, async () => {
      const file = await open(place.image, 'a')
      await file.write('x')
      await file.close()
      return [{ kind: 'file', path: '/etc/hostname', content: Buffer.from('vm0'), mode: 0o644 }]
    })
    await expect(changing).rejects.toMatchObject({ code: 'LAGO_DISK_IN_USE' })
    expect((await readdir(place.dir)).sort()).toEqual(['base', 'top'])
  })
})

test('a disk that is not there, is a directory, or has its data elsewhere', async () => {
  const place = await makePlace()
  expect(await tried({ ...place, image: `${place.image}x` }, PATH)).toMatch(/^LAGO_DISK_MISSING /)
  expect(await tried({ ...place, image: place.dir }, PATH)).toMatch(/^LAGO_DISK_UNWRITABLE .*it is not a file/)
  const data = path.join(place.dir, 'data')
  const split = path.join(place.dir, 'split')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', `data_file=${data}`, split, '1M'])
  expect(await tried({ ...place, image: split }, PATH)).toMatch(/^LAGO_DISK_UNWRITABLE .*data is in a second file/)
  await writeFile(path.join(place.dir, 'no-image'), 'no image')
  expect(await tried({ ...place, image: path.join(place.dir, 'no-image') }, PATH)).toMatch(
    /^LAGO_COMMAND_FAILED .*not in qcow2 format/i,
  )
})

describe('nothing is left', () => {
  test('after it went well', async () => {
    const place = await makePlace()
    expect(await tried(place, PATH)).toBe('written')
    await expectUntouched(place, await hashOf(place.image))
    await expectSound(task, { path: place.image, format: 'qcow2' })
    expect(await lookAt(task, { path: place.image, format: 'qcow2' }, '/etc/hostname')).toMatchObject({
      content: 'vm0\n',
    })
  })

  test('without setpriv too', async () => {
    const place = await makePlace()
    expect(await tried(place, `${await binWithout(['setpriv', 'umount'])}:/usr/sbin:/bin`)).toBe('written')
    await expectUntouched(place, await hashOf(place.image))
  })

  test('when it is aborted in the middle', async () => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const aborted = recordedTask()
    const image = { path: place.image, format: 'qcow2', rootPartition: undefined } as const
    const changing = changeFiles(aborted.task, image, async () => {
      aborted.abort(new Error('enough'))
      return [{ kind: 'file', path: '/etc/hostname', content: Buffer.from('vm0'), mode: 0o644 }]
    })
    await expect(changing).rejects.toThrow('enough')
    await expectUntouched(place, before)
  })

  test('when what is to be written cannot be made up', async () => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const image = { path: place.image, format: 'qcow2', rootPartition: undefined } as const
    const changing = changeFiles(task, image, async () => {
      throw new Error('no idea')
    })
    await expect(changing).rejects.toThrow('no idea')
    await expectUntouched(place, before)
  })

  test('when lago is killed in the middle, but for the copy', async () => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const script = startScript(new URL('./hold-change.js', import.meta.url), [place.tmpDir, PATH, place.image])
    expect(await script.nextLine()).toBe('ready')
    const daemon = execFileSync('pgrep', ['-P', String(script.pid), '-f', 'qemu-storage-daemon'])
      .toString()
      .trim()
    expect(await isAlive(daemon)).toBe(true)
    expect(await readdir(place.tmpDir)).toEqual([])
    await script.kill('SIGKILL')
    await gone(task, daemon)
    expect(await hashOf(place.image)).toBe(before)
    expect(await readdir(place.tmpDir)).toEqual([])
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(place.tmpDir)
    expect((await readdir(place.dir)).filter((name) => !/^\.top\.\d+\.\d+\.tmp$/.test(name)).sort()).toEqual([
      'base',
      'top',
    ])
  })

  test('of the daemon when both are killed', async () => {
    const place = await makePlace()
    const script = startScript(new URL('./hold-change.js', import.meta.url), [place.tmpDir, PATH, place.image])
    expect(await script.nextLine()).toBe('ready')
    const daemon = execFileSync('pgrep', ['-P', String(script.pid), '-f', 'qemu-storage-daemon'])
      .toString()
      .trim()
    process.kill(Number(daemon), 'SIGKILL')
    await script.kill('SIGKILL')
    await gone(task, daemon)
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(place.tmpDir)
  })

  test('of a daemon that is only just starting', async () => {
    const place = await makePlace()
    const pidPath = path.join(place.dir, 'pid')
    const bin = await binWithout([], { 'qemu-storage-daemon': `echo $$ > ${pidPath}\nexec tail -f /dev/null` })
    const script = startScript(new URL('./hold-change.js', import.meta.url), [place.tmpDir, bin, place.image])
    const pid = await waitUntil(
      task,
      'the daemon',
      async () => {
        const text = await readFile(pidPath, 'utf8').catch(() => '')
        return text.endsWith('\n') ? { value: text.trim() } : { notYet: 'no pid' }
      },
      { timeoutMs: 10_000, everyMs: 20 },
    )
    await script.kill('SIGKILL')
    await gone(task, pid)
  })

  test('when the daemon dies in the middle', async () => {
    const place = await makePlace()
    const before = await hashOf(place.image)
    const image = { path: place.image, format: 'qcow2', rootPartition: undefined } as const
    const changing = changeFiles(task, image, async () => {
      const daemon = execFileSync('pgrep', ['-P', String(process.pid), '-f', path.join(place.dir, '\\.top')])
      process.kill(Number(daemon.toString()), 'SIGKILL')
      await gone(task, daemon.toString().trim())
      return [{ kind: 'file', path: '/etc/hostname', content: Buffer.from('vm0'), mode: 0o644 }]
    })
    await expect(changing).rejects.toMatchObject({ code: expect.stringMatching(/^LAGO_DISK_UN(WRITABLE|READABLE)$/) })
    await expectUntouched(place, before)
  })
})
