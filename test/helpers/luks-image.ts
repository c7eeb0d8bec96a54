import { writeFile } from 'node:fs/promises'

/**
 * The beginning of an image encrypted with LUKS, version 1 (cryptsetup, docs/on-disk-format.pdf). `qemu-img create -f luks`
 * measures the CPU first, and fails where that is too quick for its clock.
 */
export async function writeLuksImage(imagePath: string): Promise<void> {
  await writeFile(imagePath, Buffer.concat([Buffer.from('LUKS\u00ba\u00be\0\u0001', 'latin1'), Buffer.alloc(2 ** 20)]))
}
