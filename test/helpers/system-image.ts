/** Images with the few files by which a system on a disk is known. */
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeExtImage, type ImageRequest } from './ext4-image.js'
import type { ImageRef } from './written-image.js'

/** What is at each path: a text, a link, or `directory`. Directories on the way are made. */
export type Tree = Readonly<Record<string, string | { readonly to: string } | typeof DIRECTORY>>

export const DIRECTORY = Symbol('a directory')

export async function makeTree(dir: string, tree: Tree): Promise<void> {
  for (const [filePath, content] of Object.entries(tree)) {
    const place = path.join(dir, filePath)
    await mkdir(content === DIRECTORY ? place : path.dirname(place), { recursive: true })
    if (content === DIRECTORY) continue
    if (typeof content === 'string') await writeFile(place, content)
    else await symlink(content.to, place)
  }
}

/** An overlay over an ext4 with `tree` in it, in `dir`. */
export async function systemImage(dir: string, tree: Tree, request: Partial<ImageRequest> = {}): Promise<ImageRef> {
  const from = path.join(dir, 'tree')
  await makeTree(from, { '/etc': DIRECTORY, ...tree })
  if ('/etc/shadow' in tree) await chmod(path.join(from, '/etc/shadow'), 0o640)
  const base = await makeExtImage(path.join(dir, 'base'), { fromDir: from, ...request })
  const top = path.join(dir, 'top')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, top])
  return { path: top, format: 'qcow2' }
}

/** Debian 12 as it comes from a mirror, in the files that matter. */
export const DEBIAN: Tree = {
  '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
  '/usr/lib/systemd/systemd': 'program',
  '/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so': '',
  '/usr/sbin/init': { to: '/lib/systemd/systemd' },
  '/lib': { to: 'usr/lib' },
  '/sbin': { to: 'usr/sbin' },
  '/usr/lib/systemd/system/systemd-networkd.service': '[Unit]\n',
  '/usr/sbin/sshd': 'program',
  '/etc/ssh/sshd_config': '# sshd\nInclude /etc/ssh/sshd_config.d/*.conf\nMatch User x\n',
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1001:,,,:/home/user:/bin/sh\n',
  '/etc/shadow': 'root:*:19000:0:99999:7:::\nuser:!:19000:0:99999:7:::\n',
  '/etc/hosts': '127.0.0.1\tlocalhost\n127.0.1.1\ttemplate\n::1 localhost\n',
  '/etc/hostname': 'template\n',
  '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  '/root': DIRECTORY,
  '/home/user': DIRECTORY,
}
