import { expect, test } from '@jest/globals'
import { defaultConfig } from '../../../scripts/packaging/default-config.js'
import { parseIni } from '../../../src/config/ini.js'

test('the installed configuration explains every setting, and sets none', async () => {
  const text = await defaultConfig()
  expect(text).toMatch(/^# Configuration of Lago for everybody on this host\. .*\n\n\[lago\]\n/)
  expect(text).toContain('\n# libvirt connection to use\n#libvirt_url = qemu:///system\n')
  expect(text).toContain('\n#template_store = /var/lib/lago/store\n')
  expect(text).not.toMatch(/^# from: |generated:/m)
  expect(text.split('\n').filter((line) => !/^(#|\[.*\]$|$)/.test(line))).toEqual([])
  expect([...parseIni(text, 'lago.conf').values()].every((section) => section.size === 0)).toBe(true)
})
