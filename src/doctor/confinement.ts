/** What the kernel forbids qemu beside the file modes: SELinux and AppArmor. */
import { findCapabilities, secmodelsIn } from './capabilities.js'
import { appended, byHand, byRoot } from './remedy.js'
import { failed, ok, warning, type Check } from './types.js'

export const selinux: Check = {
  id: 'selinux',
  title: 'SELinux',
  async run(task, { facts }) {
    const value = (await facts.readFile('/sys/fs/selinux/enforce'))?.trim()
    if (value === undefined) return ok('it is not on')
    if (value === '0') return ok('it is permissive')
    const xml = await findCapabilities(task, facts)
    if (xml === undefined) return warning('it enforces, and libvirt does not tell whether it labels disks')
    if (!secmodelsIn(xml).includes('selinux'))
      return failed(
        'it enforces, and libvirt does not label the disks: qemu will be refused them',
        byRoot(facts, ['setenforce', '0']),
      )
    return warning(
      'it enforces; libvirt labels disks, but on network or FUSE file systems that does not hold',
      byHand(
        '# when qemu is refused a file: ausearch -m avc -ts recent; to go without until the next boot: setenforce 0',
      ),
    )
  },
}

export const apparmor: Check = {
  id: 'apparmor',
  title: 'AppArmor',
  async run(task, { facts, dirs }) {
    const value = (await facts.readFile('/sys/module/apparmor/parameters/enabled'))?.trim()
    if (value !== 'Y') return ok('it is not on')
    const xml = await findCapabilities(task, facts)
    if (xml === undefined) return warning('it is on, and libvirt does not tell whether it confines guests')
    if (!secmodelsIn(xml).includes('apparmor')) return ok('it is on, and libvirt does not confine guests by it')
    const outside = [...dirs, facts.settings.storeDir].filter((dir) => !READABLE.some((start) => dir.startsWith(start)))
    if (outside.length === 0) return ok('libvirt confines guests by it, and may read the directories')
    const lines = outside.map((dir) => appended(facts, `  ${dir}/** rk,`, LOCAL_RULES))
    const reload = facts.me.uid === 0 ? 'systemctl reload apparmor' : 'sudo systemctl reload apparmor'
    return warning(
      `libvirt confines guests by it, and its helper may not be able to look into ${outside.join(', ')}`,
      byHand([...lines, reload].join(' && ')),
    )
  },
}

/** What the profile of virt-aa-helper, which reads chains of disks, lets it read whatever the name of a file is. */
const READABLE = ['/home/', '/root/', '/mnt/', '/media/', '/opt/', '/srv/', '/tmp/', '/var/lib/libvirt/images/']
const LOCAL_RULES = '/etc/apparmor.d/local/usr.lib.libvirt.virt-aa-helper'
