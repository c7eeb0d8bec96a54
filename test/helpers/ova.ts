/** Archives of machines, in the layouts of oVirt and of the standard. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'

export interface OvaContent {
  readonly memoryMiB?: number
  readonly memoryUnit?: string
  readonly sockets?: number
  readonly coresPerSocket?: number
  /** Of the disk, which holds a little, then zeros. */
  readonly diskBytes?: number
}

export interface OvfContent extends OvaContent {
  /** Undefined: none. */
  readonly disk: string | undefined
  /** What stands in front of the hardware. */
  readonly references?: string
}

export function ovfOf(content: OvfContent): string {
  const { memoryMiB = 512, memoryUnit = 'MegaBytes', sockets = 1, coresPerSocket = 1, disk, references = '' } = content
  const item = (type: number, more: string): string =>
    `<Item><rasd:InstanceId>1</rasd:InstanceId><rasd:ResourceType>${type}</rasd:ResourceType>${more}</Item>`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1/"',
    '  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">',
    references,
    '<Content ovf:id="out"><Name>machine</Name><Section><Info>hardware</Info>',
    item(
      3,
      `<rasd:num_of_sockets>${sockets}</rasd:num_of_sockets><rasd:cpu_per_socket>${coresPerSocket}</rasd:cpu_per_socket>`,
    ),
    item(
      4,
      `<rasd:AllocationUnits>${memoryUnit}</rasd:AllocationUnits><rasd:VirtualQuantity>${memoryMiB}</rasd:VirtualQuantity>`,
    ),
    disk === undefined ? '' : item(17, `<rasd:HostResource>${disk}</rasd:HostResource>`),
    '</Section></Content></ovf:Envelope>',
  ].join('\n')
}

/** `dir/ovirt.ova`, with its disk as qcow2. */
export async function ovirtOva(dir: string, content: OvaContent): Promise<string> {
  const from = path.join(dir, 'ovirt')
  await mkdir(path.join(from, 'master/vms/7'), { recursive: true })
  await mkdir(path.join(from, 'images/group'), { recursive: true })
  await writeFile(path.join(from, 'master/vms/7/7.ovf'), ovfOf({ ...content, disk: 'group/image' }))
  const size = String(content.diskBytes ?? 1024 ** 2)
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path.join(from, 'images/group/image'), size])
  return pack(from, path.join(dir, 'ovirt.ova'))
}

/** `dir/standard.ova`, with its disk as VMDK, which the description names in two steps. */
export async function standardOva(dir: string, content: OvaContent): Promise<string> {
  const from = path.join(dir, 'standard')
  await mkdir(from)
  const references = [
    '<ovf:References><ovf:File ovf:href="machine-disk1.vmdk" ovf:id="file1" ovf:size="1"/></ovf:References>',
    '<ovf:DiskSection><Info/><ovf:Disk ovf:capacity="1" ovf:diskId="vmdisk1" ovf:fileRef="file1"/></ovf:DiskSection>',
  ].join('\n')
  await writeFile(path.join(from, 'machine.ovf'), ovfOf({ ...content, disk: 'ovf:/disk/vmdisk1', references }))
  const [raw, vmdk] = [path.join(dir, 'disk.raw'), path.join(from, 'machine-disk1.vmdk')]
  await writeFile(raw, randomBytes(100_000))
  await truncate(raw, content.diskBytes ?? 1024 ** 2)
  if (content.diskBytes === undefined)
    execFileSync('qemu-img', ['convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, vmdk])
  else execFileSync('cp', [raw, vmdk])
  await rm(raw)
  return pack(from, path.join(dir, 'standard.ova'))
}

async function pack(from: string, ova: string): Promise<string> {
  execFileSync('tar', ['-C', from, '-cf', ova, '.'])
  await rm(from, { recursive: true })
  return ova
}
