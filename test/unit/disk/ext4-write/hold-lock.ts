/** Has an image open for writing, as a running VM has, until it is ended. Arguments: the image, a path for a socket. */
import { spawn } from 'node:child_process'

const [image = '', socket = ''] = process.argv.slice(2)
const node = JSON.stringify({ driver: 'qcow2', 'node-name': 'disk', file: { driver: 'file', filename: image } })
const words = ['--blockdev', node, '--nbd-server', `addr.type=unix,addr.path=${socket}`]
const exported = [
  '--export',
  'type=nbd,id=disk,node-name=disk,writable=on',
  '--chardev',
  'stdio,id=m',
  '--monitor',
  'm',
]
const daemon = spawn('qemu-storage-daemon', [...words, ...exported], { stdio: ['pipe', 'pipe', 'inherit'] })
daemon.stdout.once('data', () => process.stdout.write('ready\n'))
daemon.on('close', () => process.exit())
process.on('SIGTERM', () => daemon.kill())
